/** Buttons above the time line: play, step, speed, and what is shown. The toolkit's buttons and radios. */
import { formatClock } from '../latency/clock.ts';
import { formatPosition } from '../../protocol/format.ts';
import type { RecordingPicture } from '../../protocol/recording-panel.ts';
import { element } from '../shared/elements.ts';
import { positionText, speeds, type Playback, type Speed } from './model.ts';

/** A toolkit element, with the members that we use. */
export type Control = HTMLElement & { value: string; disabled: boolean };

export function control(
  name: string,
  text: string,
  attributes: Readonly<Record<string, string>> = {},
): Control {
  const made = document.createElement(name) as Control;
  made.textContent = text;
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return made;
}

/** Drawn: fonts of many machines lack the signs for these. */
const icons = [
  'M3 3v10M12.5 3.5L6 8l6.5 4.5z',
  'M11 3.5L4.5 8l6.5 4.5z',
  'M5 3.5L11.5 8 5 12.5z',
  'M13 3v10M3.5 3.5L10 8l-6.5 4.5z',
];

const faces = {
  play: { path: 'M4 3l9 5-9 5z', text: 'Play' },
  pause: { path: 'M4 3h2.5v10H4zM9.5 3H12v10H9.5z', text: 'Pause' },
} as const;

function icon(path: string): SVGSVGElement {
  const svg = document.createElementNS('http://www.w3.org/2000/svg', 'svg');
  svg.setAttribute('viewBox', '0 0 16 16');
  svg.setAttribute('class', 'icon');
  svg.setAttribute('aria-hidden', 'true');
  const shape = document.createElementNS('http://www.w3.org/2000/svg', 'path');
  shape.setAttribute('d', path);
  svg.append(shape);
  return svg;
}

export interface Controls {
  readonly element: HTMLElement;
  show(playback: Playback, picture: RecordingPicture): void;
  wallClock(ms: number | undefined): void;
}

export function createControls(on: {
  readonly toggle: () => void;
  readonly key: (key: string) => void;
  readonly speed: (speed: Speed) => void;
  readonly clear: () => void;
  readonly flameGraph: () => void;
}): Controls {
  const button = (text: string, title: string, run: () => void, appearance = 'secondary'): Control => {
    const made = control('vscode-button', text, { appearance, title, 'aria-label': title });
    made.addEventListener('click', run);
    return made;
  };
  const play = button('', 'Play (Space)', on.toggle, 'primary');
  play.classList.add('play');
  let face: keyof typeof faces | undefined;
  const steps = [
    button('', 'To the start (Home)', () => on.key('Home')),
    button('', 'One interval back (←)', () => on.key('ArrowLeft')),
    button('', 'One interval on (→)', () => on.key('ArrowRight')),
    button('', 'To the end (End)', () => on.key('End')),
  ];
  steps.forEach((step, index) => {
    step.append(icon(icons[index]!));
  });
  const speed = control('vscode-radio-group', '', { 'aria-label': 'Speed' });
  speed.append(...speeds.map((each) => control('vscode-radio', `${each}×`, { value: String(each) })));
  speed.setAttribute('value', '1');
  speed.addEventListener('change', () => {
    const chosen = speeds.find((each) => String(each) === speed.value);
    if (chosen !== undefined) on.speed(chosen);
  });
  const position = element('span', { class: 'position' });
  const clock = element('span', { class: 'text clock' });
  const clear = button('Clear Range', 'Show figures up to the scrubber again (Escape)', on.clear);
  const flame = button('', 'Open the flame graph of what is shown', on.flameGraph);
  const first = element('div', { class: 'tools' });
  const group = element('span', { class: 'steps' });
  group.append(...steps);
  first.append(play, group, speed);
  const second = element('div', { class: 'tools where' });
  second.append(position, clock, clear, flame);
  const box = element('div', { class: 'controls' });
  box.append(first, second);
  return {
    element: box,
    show: (playback, { stepsNs, opens }) => {
      const next = playback.playing ? 'pause' : 'play';
      if (face !== next) {
        face = next;
        const { path, text } = faces[next];
        const sign = icon(path);
        sign.setAttribute('slot', 'start');
        play.replaceChildren(sign, text);
        play.title = `${text} (Space)`;
        play.setAttribute('aria-label', play.title);
      }
      if (speed.value !== String(playback.speed)) speed.value = String(playback.speed);
      const endNs = stepsNs.at(-1) ?? 0;
      position.textContent = positionText(playback, endNs);
      clear.hidden = playback.range === undefined;
      flame.hidden = !opens.includes('flameGraph');
      flame.textContent =
        playback.range === undefined
          ? `Flame Graph up to ${formatPosition(playback.positionNs)}`
          : 'Flame Graph of Range';
    },
    wallClock: (ms) => {
      clock.textContent = ms === undefined || ms <= 0 ? '' : formatClock(ms);
    },
  };
}
