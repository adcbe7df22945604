import { formatDuration } from '../../protocol/format.ts';
import type { FlameToHost } from '../../protocol/flame.ts';
import type { LiveStatus } from '../../protocol/live-status.ts';
import { element } from './dom.ts';
import { formatNumber, formatWeight } from '../../profile/weights.ts';

const states: Readonly<Record<LiveStatus['state'], string>> = {
  starting: 'Starting…',
  running: 'Running',
  stopping: 'Stopping…',
  ended: 'Ended',
};

/** What stands above a measured profile: its state and figures, and the buttons that stop, repeat and save it. */
export class LiveBar {
  readonly element = element('header', { className: 'live', 'aria-label': 'Profile', hidden: true });
  readonly #state = element('span', { className: 'live-state', role: 'status' });
  readonly #figures = element('span', { className: 'live-figures' });
  readonly #lost = element('span', { className: 'live-lost' });
  readonly #engine = element('span', { className: 'live-engine' });
  readonly #problem = element('p', { className: 'live-problem', role: 'alert', hidden: true });
  readonly #stop: HTMLButtonElement;
  readonly #again: HTMLButtonElement;
  readonly #save: HTMLButtonElement;

  constructor(post: (message: FlameToHost) => void) {
    const button = (
      text: string,
      title: string,
      type: 'stopProfile' | 'runProfileAgain' | 'saveRecording',
    ) => {
      const made = element('button', { type: 'button', title }, text);
      made.addEventListener('click', () => {
        post({ type });
      });
      return made;
    };
    this.#stop = button('Stop', 'Stops measuring; what was measured stays', 'stopProfile');
    this.#again = button('Profile Again', 'Measures the same process anew', 'runProfileAgain');
    this.#save = button(
      'Save Recording…',
      'Saves the profile as a file that can be opened again',
      'saveRecording',
    );
    this.#stop.classList.add('live-primary');
    this.element.append(
      this.#state,
      this.#figures,
      this.#lost,
      this.#engine,
      element('span', { className: 'spring' }),
      this.#stop,
      this.#again,
      this.#save,
      this.#problem,
    );
  }

  show(status: LiveStatus): void {
    const { state, problem, engine, stacks, lost, canSave, canRunAgain } = status;
    this.element.hidden = false;
    this.#state.textContent = problem === undefined ? states[state] : 'Failed';
    this.#state.dataset['state'] = problem === undefined ? state : 'failed';
    this.#figures.textContent = figures(status);
    this.#lost.textContent = `${formatNumber(lost)} lost`;
    this.#lost.classList.toggle('live-has-lost', lost > 0);
    this.#lost.title = lost > 0 ? 'Samples that the kernel or the engine had no room for' : '';
    this.#engine.textContent = engine;
    this.#engine.title = stacks;
    this.#stop.hidden = state === 'ended';
    this.#stop.disabled = state === 'stopping';
    this.#again.hidden = state !== 'ended' || !canRunAgain;
    this.#save.hidden = !canSave;
    this.#problem.hidden = problem === undefined;
    this.#problem.textContent =
      problem === undefined ? '' : [problem.message, problem.remedy ?? ''].join(' ').trim();
  }
}

function figures({ elapsedNs, total, unit, hz, state }: LiveStatus): string {
  if (state === 'starting') return '';
  const rate = hz === undefined ? '' : ` · ${hz} Hz a CPU`;
  // two times beside one another: whose is the second?
  const whose = unit === 'nanoseconds' ? ' of threads' : '';
  return `${formatDuration(elapsedNs)} · ${formatWeight(total, unit)}${whose}${rate}`;
}

/** What stands in the place of a picture without stacks. */
export function emptyText({ state, unit }: Pick<LiveStatus, 'state' | 'unit'>): string {
  const isSampled = unit === 'samples';
  if (unit === 'count' && state === 'ended') return 'It did not occur while it was measured.';
  if (unit === 'count' && state === 'running') return 'Waiting for it to occur for the first time.';
  if (state === 'ended')
    return isSampled
      ? 'No sample was taken: nothing of it ran on a CPU meanwhile. Profile it off CPU to see what it waits for.'
      : 'No wait ended or began while it was measured.';
  if (state !== 'running') return 'Waiting for the profile…';
  return isSampled
    ? 'Waiting for the first sample: nothing of it has run on a CPU yet.'
    : 'Waiting for the first thread that blocks.';
}
