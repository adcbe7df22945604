import { encodeProfile } from '../../profile/codec.ts';
import { isStackMap, profileOfMap } from '../../profile/import/script-map.ts';
import type { RunToHost } from '../../protocol/run-panel.ts';
import type { HistBucket, ScriptMap, SeriesMap, StatsMap, ValuesMap } from '../../protocol/script.ts';
import type { FlameToHost } from '../../protocol/flame.ts';
import { startFlame, type Flame } from '../flame/start.ts';
import { element } from '../flame/dom.ts';
import { drawHistogram, drawSeries } from './charts.ts';
import { mapSummary, orderOf, shareOf } from './model.ts';
import { VirtualList } from './virtual-list.ts';

/** Histograms by key that are drawn; a choice shows another one. */
const SERIES_SHOWN = 6;
const ROW_PX = 20;
const MOST_ROWS_SEEN = 16;

/** One map's part of the panel. */
export interface MapView {
  show(map: ScriptMap): void;
}

/** A section that can be folded, with what suits the map's kind in it. */
export class MapSection {
  readonly root = element('details', { className: 'run-map', open: true });
  readonly #title = element('span', { className: 'run-map-name' });
  readonly #summary = element('span', { className: 'run-map-summary' });
  readonly #body = element('div', { className: 'run-map-body' });
  readonly #post: (message: RunToHost) => void;
  #kind = '';
  #view: MapView | undefined;
  #map: ScriptMap | undefined;

  constructor(post: (message: RunToHost) => void) {
    this.#post = post;
    const summary = element('summary', {});
    summary.append(this.#title, this.#summary);
    this.root.append(summary, this.#body);
    this.root.addEventListener('toggle', () => {
      if (this.root.open && this.#map !== undefined) this.#view?.show(this.#map);
    });
  }

  show(map: ScriptMap): void {
    this.#map = map;
    this.#title.textContent = map.name;
    this.#summary.textContent = mapSummary(map);
    const kind = isStackMap(map) ? 'stacks' : map.kind === 'values' && !map.keyed ? 'scalar' : map.kind;
    if (kind !== this.#kind) {
      this.#kind = kind;
      this.#body.replaceChildren();
      this.root.dataset['kind'] = kind;
      this.#view = this.#make(kind);
    }
    if (this.root.open) this.#view?.show(map);
  }

  #make(kind: string): MapView | undefined {
    switch (kind) {
      case 'values':
        return new TableView(this.#body);
      case 'stats':
        return new StatsView(this.#body);
      case 'hist':
        return new HistView(this.#body);
      case 'tseries':
        return new SeriesView(this.#body);
      case 'stacks':
        return new StacksView(this.#body, this.#post);
      default:
        return undefined;
    }
  }
}

/** Keys with their values and bars; the largest first. */
class TableView implements MapView {
  readonly #filter = element('input', {
    type: 'search',
    className: 'run-filter',
    placeholder: 'Filter keys',
  });
  readonly #list: VirtualList;
  #map: ValuesMap | undefined;
  #order: Uint32Array = new Uint32Array();
  #largest = 0;

  constructor(body: HTMLElement) {
    const table = element('div', { className: 'run-table', role: 'table' });
    this.#filter.setAttribute('aria-label', 'Filter keys');
    this.#list = new VirtualList(table, {
      count: () => this.#order.length,
      fill: (row, index) => {
        this.#fill(row, this.#order[index] ?? 0);
      },
    });
    this.#filter.addEventListener('input', () => {
      this.#arrange();
    });
    body.append(this.#filter, table);
  }

  show(map: ScriptMap): void {
    if (map.kind !== 'values') return;
    this.#map = map;
    this.#list.root.setAttribute('aria-label', `Entries of ${map.name}`);
    this.#filter.hidden = map.keys.length <= MOST_ROWS_SEEN;
    this.#largest = map.numbers.reduce<number>((most, value) => Math.max(most, value ?? 0), 0);
    this.#arrange();
  }

  #arrange(): void {
    if (this.#map === undefined) return;
    this.#order = orderOf(this.#map, this.#filter.value);
    this.#list.root.style.height = `${Math.max(1, Math.min(MOST_ROWS_SEEN, this.#order.length)) * ROW_PX + 2}px`;
    this.#list.request();
  }

  #fill(row: HTMLElement, entry: number): void {
    if (row.childElementCount === 0)
      row.append(
        element('span', { className: 'run-key', role: 'rowheader' }),
        element('span', { className: 'run-value', role: 'cell' }),
        element('span', { className: 'run-share', role: 'presentation' }),
      );
    const [key, value, share] = [...row.children] as [HTMLElement, HTMLElement, HTMLElement];
    key.textContent = this.#map?.keys[entry] ?? '';
    key.title = key.textContent;
    value.textContent = this.#map?.texts[entry] ?? '';
    share.style.setProperty('--share', String(shareOf(this.#map?.numbers[entry], this.#largest)));
  }
}

class StatsView implements MapView {
  readonly #body: HTMLElement;

  constructor(body: HTMLElement) {
    this.#body = body;
  }

  show(map: ScriptMap): void {
    if (map.kind !== 'stats') return;
    const table = element('table', { className: 'run-stats' });
    const head = element('tr', {});
    const columns = columnsOf(map);
    for (const { title } of columns) head.append(element('th', { scope: 'col' }, title));
    table.append(head);
    for (const entry of map.entries.slice(0, 1000)) {
      const row = element('tr', {});
      for (const { field } of columns) row.append(element('td', {}, entry[field] ?? ''));
      table.append(row);
    }
    this.#body.replaceChildren(table);
    if (map.entries.length > 1000)
      this.#body.append(element('p', {}, `1,000 of ${map.total} keys are shown; the recording has all.`));
  }
}

type StatsField = keyof StatsMap['entries'][number];

function columnsOf(map: StatsMap): { field: StatsField; title: string }[] {
  const full = map.entries.some(({ count }) => count !== undefined);
  return [
    ...(map.keyed ? [{ field: 'key' as const, title: 'Key' }] : []),
    ...(full ? [{ field: 'count' as const, title: 'Count' }] : []),
    { field: 'average', title: 'Average' },
    ...(full ? [{ field: 'sum' as const, title: 'Total' }] : []),
  ];
}

/** The histograms with the most values, and a choice among all keys. */
class HistView implements MapView {
  readonly #choice = element('select', {});
  readonly #svg = document.createElementNS('http://www.w3.org/2000/svg', 'svg');
  readonly #readout = element('p', { className: 'run-readout' });
  #map: Extract<ScriptMap, { kind: 'hist' }> | undefined;

  constructor(body: HTMLElement) {
    this.#choice.setAttribute('aria-label', 'Key');
    this.#readout.setAttribute('aria-live', 'polite');
    this.#readout.textContent = 'Point at a bar, or use ← and → on the chart, to read it.';
    this.#choice.addEventListener('change', () => {
      this.#draw();
    });
    body.append(this.#choice, this.#svg, this.#readout);
  }

  show(map: ScriptMap): void {
    if (map.kind !== 'hist') return;
    this.#map = map;
    this.#choice.hidden = !map.keyed;
    const sized = map.series.map(({ key, buckets }) => ({ key, count: countOf(buckets) }));
    sized.sort((a, b) => b.count - a.count);
    const chosen = this.#choice.value;
    this.#choice.replaceChildren(
      ...sized.slice(0, 500).map(({ key, count }) => element('option', { value: key }, `${key} (${count})`)),
    );
    if (sized.some(({ key }) => key === chosen)) this.#choice.value = chosen;
    this.#draw();
  }

  #draw(): void {
    const { series, keyed, name } = this.#map ?? {};
    const one = keyed === true ? series?.find(({ key }) => key === this.#choice.value) : series?.[0];
    if (one !== undefined)
      drawHistogram(
        this.#svg,
        this.#readout,
        one.buckets,
        one.key === '' ? (name ?? '') : `${name ?? ''}[${one.key}]`,
      );
  }
}

function countOf(buckets: readonly HistBucket[]): number {
  return buckets.reduce((sum, { count }) => sum + count, 0);
}

class SeriesView implements MapView {
  readonly #svg = document.createElementNS('http://www.w3.org/2000/svg', 'svg');
  readonly #legend = element('ul', { className: 'run-legend' });

  constructor(body: HTMLElement) {
    body.append(this.#svg, this.#legend);
  }

  show(map: ScriptMap): void {
    if (map.kind !== 'tseries') return;
    drawSeries(this.#svg, map, SERIES_SHOWN);
    this.#legend.replaceChildren(...legendOf(map));
  }
}

function legendOf(map: SeriesMap): HTMLElement[] {
  if (!map.keyed) return [];
  const items = map.series
    .slice(0, SERIES_SHOWN)
    .map(({ key, points }, index) =>
      element('li', { className: `run-line-${index}` }, `${key}: last ${points.at(-1)?.value ?? 'none'}`),
    );
  if (map.total > SERIES_SHOWN) items.push(element('li', {}, `and ${map.total - SERIES_SHOWN} keys more`));
  return items;
}

/** A flame graph; it keeps where the user looks while newer stacks come. */
class StacksView implements MapView {
  readonly #flame: Flame;

  constructor(body: HTMLElement, post: (message: RunToHost) => void) {
    const root = element('div', { className: 'run-flame' });
    body.append(root);
    this.#flame = startFlame(root, {
      post: (message) => {
        if (message.type === 'save') post({ ...message, type: 'saveText' });
        else if (!isForProfiles(message)) post(message);
      },
    });
  }

  show(map: ScriptMap): void {
    const profile = profileOfMap(map);
    if (profile === undefined) return;
    void this.#flame.receive({ type: 'profile', profile: encodeProfile(profile).buffer, live: true });
  }
}

/** Asked for by a page of its own, and by the buttons above a measured profile: neither is here. */
function isForProfiles(
  message: FlameToHost,
): message is Extract<FlameToHost, { type: 'ready' | 'stopProfile' | 'runProfileAgain' | 'saveRecording' }> {
  return ['ready', 'stopProfile', 'runProfileAgain', 'saveRecording'].includes(message.type);
}
