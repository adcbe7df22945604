/** The page of a recording: where it comes from, its time line with the scrubber, and the figures of what is shown. */
import type {
  LaneAction,
  MomentFigures,
  RecordingAction,
  RecordingPicture,
  RecordingToHost,
} from '../../protocol/recording-panel.ts';
import { element } from '../shared/elements.ts';
import { control, createControls } from './controls.ts';
import { createTimeLine } from './chart.ts';
import {
  advanced,
  brushed,
  busiest,
  keyed,
  moved,
  sameRange,
  shownOf,
  toggled,
  type Playback,
} from './model.ts';
import { createTable } from './table.ts';

/** What survives a reload of the window. */
export interface RecordingState {
  readonly playback?: Playback;
  readonly allRows: boolean;
}

export interface RecordingView {
  /** With the figures of what was shown last: they are not asked for when that is shown again. */
  show(picture: RecordingPicture, figures?: MomentFigures): void;
  figures(figures: MomentFigures): void;
  problem(message: string): void;
}

/** Rows of the time line until all are asked for. */
const FIRST_ROWS = 12;

const actionTitles: Readonly<Record<RecordingAction, string>> = {
  flameGraph: 'Open Flame Graph',
  run: 'Open Run',
  readAgain: 'Read Again',
};

export function createView(
  root: HTMLElement,
  initial: RecordingState,
  on: {
    readonly post: (message: RecordingToHost) => void;
    readonly state: (state: RecordingState) => void;
  },
): RecordingView {
  let state = initial;
  let picture: RecordingPicture | undefined;
  let playback: Playback = { positionNs: 0, playing: false, speed: 1 };
  let asked: MomentFigures['range'] | undefined;
  let answered = true;
  let frame = 0;

  const title = element('h1');
  const origin = element('p', { class: 'text' });
  const notices = element('div', { role: 'status' });
  const facts = element('dl', { class: 'facts' });
  const more = element('details', { class: 'more' });
  const holds = element('p', { class: 'holds' });
  const actions = element('div', { class: 'tools' });
  const head = element('header');
  head.append(title, origin, notices, facts, more, holds, actions);
  const replay = element('section', { class: 'replay', 'aria-label': 'Replay' });

  const endNs = (): number => picture?.stepsNs.at(-1) ?? 0;
  const change = (next: Playback): void => {
    playback = next;
    state = { ...state, playback: { ...next, playing: false } };
    on.state(state);
    follow();
  };
  const timeLine = createTimeLine({
    scrub: (positionNs) => {
      change(moved(playback, positionNs));
    },
    brush: (fromNs, toNs) => {
      change(brushed(playback, fromNs, toNs, picture?.stepsNs ?? []));
    },
  });
  const controls = createControls({
    toggle: () => {
      change(toggled(playback, endNs()));
    },
    key: (key) => {
      press(key, false);
    },
    speed: (speed) => {
      // the radios tell of the first choice, too, which nobody made
      if (speed !== playback.speed) change({ ...playback, speed });
    },
    clear: () => {
      press('Escape', false);
    },
    flameGraph: () => {
      on.post({ type: 'act', action: 'flameGraph', range: shownOf(playback, picture?.stepsNs ?? []) });
    },
  });
  const table = createTable((lane: number, action: LaneAction) => {
    on.post({ type: 'openLane', lane, action });
  });
  const rows = control('vscode-button', '', { appearance: 'secondary' });
  rows.addEventListener('click', () => {
    state = { ...state, allRows: !state.allRows };
    on.state(state);
    drawRows();
  });
  replay.append(controls.element, timeLine.element, rows, table.element);

  /** The next question waits for the last one's answer; of several that wait the newest is asked. */
  const ask = (): void => {
    if (picture === undefined || picture.stepsNs.length === 0 || !answered) return;
    const wanted = shownOf(playback, picture.stepsNs);
    if (sameRange(wanted, asked)) return;
    asked = wanted;
    answered = false;
    on.post({ type: 'show', range: wanted });
  };
  const follow = (): void => {
    if (picture === undefined) return;
    timeLine.move(playback);
    controls.show(playback, picture);
    table.caption(playback, endNs());
    ask();
    if (playback.playing && frame === 0) play();
  };
  const play = (): void => {
    let last = performance.now();
    const tick = (now: number): void => {
      if (!playback.playing) {
        frame = 0;
        return;
      }
      playback = advanced(playback, Math.max(0, now - last), endNs());
      last = now;
      frame = requestAnimationFrame(tick);
      if (playback.playing) follow();
      else change(playback);
    };
    frame = requestAnimationFrame(tick);
  };
  const press = (key: string, shiftKey: boolean): boolean => {
    const next = picture === undefined ? undefined : keyed(playback, { key, shiftKey }, picture.stepsNs);
    if (next === undefined) return false;
    change(next);
    return true;
  };
  // wherever the focus is, unless what has it takes the key itself
  document.addEventListener('keydown', (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || takesKeys(event)) return;
    if (press(event.key, event.shiftKey)) event.preventDefault();
  });

  const drawRows = (): void => {
    if (picture === undefined) return;
    const order = busiest(picture.lanes);
    const shown = state.allRows ? order : order.slice(0, FIRST_ROWS);
    rows.hidden = order.length <= FIRST_ROWS;
    rows.textContent = state.allRows ? `Show the ${FIRST_ROWS} Busiest` : `Show All ${order.length} Rows`;
    timeLine.draw(picture, shown, playback);
  };
  const show = (next: RecordingPicture, known?: MomentFigures): void => {
    picture = next;
    fillHead({ title, origin, notices, facts, more, holds, actions }, next, (action) => {
      on.post({ type: 'act', action });
    });
    replay.hidden = next.stepsNs.length === 0;
    root.replaceChildren(head, replay);
    if (replay.hidden) return;
    const kept = state.playback;
    playback =
      kept !== undefined && kept.positionNs <= endNs()
        ? kept
        : { positionNs: endNs(), playing: false, speed: playback.speed };
    table.rows(next, busiest(next.lanes));
    drawRows();
    asked = known?.range;
    answered = true;
    if (known !== undefined) figures(known);
    follow();
  };
  const figures = (next: MomentFigures): void => {
    answered = true;
    if (picture !== undefined && next.lanes.length === picture.lanes.length) {
      table.show(next);
      controls.wallClock(next.wallClockMs);
    }
    ask();
  };
  return {
    show,
    figures,
    problem: (message) => {
      root.replaceChildren(
        element('h1', {}, 'Recording'),
        element('p', { class: 'notice', role: 'alert' }, message),
      );
    },
  };
}

/** A button is pressed by Space, a choice is moved by arrows. */
function takesKeys({ key, target }: KeyboardEvent): boolean {
  const name =
    target instanceof Element ? target.closest('vscode-button, button, vscode-radio-group, summary') : null;
  if (name === null) return false;
  return name.tagName === 'VSCODE-RADIO-GROUP' ? key.startsWith('Arrow') || key === ' ' : key === ' ';
}

interface Head {
  readonly title: HTMLElement;
  readonly origin: HTMLElement;
  readonly notices: HTMLElement;
  readonly facts: HTMLElement;
  readonly more: HTMLElement;
  readonly holds: HTMLElement;
  readonly actions: HTMLElement;
}

function fillHead(
  { title, origin, notices, facts, more, holds, actions }: Head,
  picture: RecordingPicture,
  act: (action: RecordingAction) => void,
): void {
  title.textContent = picture.title;
  origin.textContent = `These figures were ${picture.origin}. Nothing is measured on this machine now.`;
  notices.replaceChildren(...picture.notices.map((text) => element('p', { class: 'notice' }, text)));
  facts.replaceChildren(...picture.facts.map(fact));
  more.hidden = picture.more.length === 0;
  const list = element('dl', { class: 'facts' });
  list.append(...picture.more.map(fact));
  more.replaceChildren(element('summary', {}, 'Everything else that the file says'), list);
  holds.textContent =
    picture.stepsNs.length === 0 && picture.opens.length > 0
      ? `${picture.holds} Nothing in it has a time that could be replayed here; open its own view.`
      : picture.holds;
  const offered: readonly RecordingAction[] = [
    ...picture.opens,
    ...(picture.growing ? (['readAgain'] as const) : []),
  ];
  actions.replaceChildren(
    ...offered.map((action) => {
      const button = control('vscode-button', actionTitles[action], { appearance: 'secondary' });
      button.addEventListener('click', () => {
        act(action);
      });
      return button;
    }),
  );
  actions.hidden = offered.length === 0;
}

/** Scripts and command lines of several lines scroll in a box of their own: what can be done stands below them. */
const LONG = 200;

function fact([label, value]: readonly [string, string]): HTMLElement {
  const isLong = value.length > LONG || value.includes('\n');
  const pair = element('div', isLong ? { class: 'long' } : {});
  if (isLong) {
    pair.append(element('dt', {}, label), element('dd', { tabindex: '0', 'aria-label': label }, value));
    return pair;
  }
  pair.append(element('dt', {}, label), element('dd', { title: value }, value));
  return pair;
}
