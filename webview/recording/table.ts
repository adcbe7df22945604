/** The figures of every lane in what is shown. */
import type {
  LaneAction,
  LaneUnit,
  MomentFigures,
  RecordingPicture,
} from '../../protocol/recording-panel.ts';
import { button, element } from '../shared/elements.ts';
import { captionOf, cellsOf, columnTitles, type Playback } from './model.ts';

export interface FiguresTable {
  readonly element: HTMLElement;
  /** Rows for a picture's lanes, in an order. */
  rows(picture: RecordingPicture, order: readonly number[]): void;
  show(figures: MomentFigures): void;
  caption(playback: Playback, endNs: number): void;
}

const actionTexts: Readonly<Record<LaneAction, readonly [text: string, title: string]>> = {
  source: ['Source', 'Open the source'],
  latency: ['Latency', 'Open the latency panel'],
  callers: ['Callers', 'Open the flame graph of callers'],
};

export function createTable(open: (lane: number, action: LaneAction) => void): FiguresTable {
  const caption = element('h2');
  const reading = element('p', { class: 'text', role: 'status' });
  const table = element('table', { class: 'figures-table' });
  const box = element('div', { class: 'figures' });
  box.append(caption, reading, table);
  let cells: readonly { readonly lane: number; readonly cells: readonly HTMLElement[] }[] = [];
  let unit: LaneUnit = 'calls';
  return {
    element: box,
    rows: (picture, order) => {
      unit = picture.unit;
      const titles = element('tr');
      const name = unit === 'calls' ? 'Probe' : 'Thread';
      titles.append(
        element('th', { scope: 'col' }, name),
        ...columnTitles(unit).map((title) => element('th', { scope: 'col', class: 'number' }, title)),
        element('th', { scope: 'col', 'aria-label': 'Opens' }),
      );
      const head = element('thead');
      head.append(titles);
      const body = element('tbody');
      cells = order.map((lane) => {
        const { title, place, opens } = picture.lanes[lane]!;
        const row = element('tr');
        const label = element('th', { scope: 'row' });
        const leads = button(title, place === undefined ? title : `Open ${place}`, () => {
          open(lane, 'source');
        });
        leads.className = 'link';
        label.append(opens.includes('source') ? leads : element('span', { title }, title));
        if (place !== undefined) label.append(' ', element('span', { class: 'text place' }, place));
        const own = columnTitles(unit).map(() => element('td', { class: 'number' }, '–'));
        const links = element('td', { class: 'links' });
        for (const action of opens)
          if (action !== 'source') {
            const [text, hint] = actionTexts[action];
            const link = button(text, hint, () => {
              open(lane, action);
            });
            link.className = 'link';
            links.append(link);
          }
        row.append(label, ...own, links);
        body.append(row);
        return { lane, cells: own };
      });
      table.replaceChildren(head, body);
    },
    show: ({ lanes, read }) => {
      for (const { lane, cells: own } of cells) {
        const texts = cellsOf(lanes[lane]!, unit, read);
        own.forEach((cell, index) => {
          if (cell.textContent !== texts[index]) cell.textContent = texts[index] ?? '';
        });
      }
      reading.hidden = read >= 1;
      reading.textContent = `Percentiles of this older recording are being read: ${Math.floor(read * 100)} %.`;
    },
    caption: (playback, endNs) => {
      const text = captionOf(playback, endNs);
      if (caption.textContent !== text) caption.textContent = text;
    },
  };
}
