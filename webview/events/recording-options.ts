import type { StackKind, StreamSchema } from '../../protocol/events.ts';
import { element } from '../shared/elements.ts';

/** What is recorded with each event besides what it carries. */
export interface RecordingOptions {
  readonly stacks: readonly StackKind[];
  readonly durations: boolean;
  readonly fdPaths: boolean;
}

/** What the choice of stacks offers. */
const stackChoices: readonly { readonly label: string; readonly kinds: readonly StackKind[] }[] = [
  { label: 'No stacks', kinds: [] },
  { label: 'Program’s stacks', kinds: ['user'] },
  { label: 'Kernel’s stacks', kinds: ['kernel'] },
  { label: 'Both stacks', kinds: ['user', 'kernel'] },
];

/** The choices in the tool bar; those that none of the stream's events has are not shown. */
export class OptionsBar {
  readonly elements: readonly HTMLElement[];
  private readonly stacks = element('select', {
    'aria-label': 'Stacks',
    title:
      'Record with each event which functions led to it. This costs several times what the event alone costs.',
  });
  private readonly durations = element('input', { type: 'checkbox' });
  private readonly fdPaths = element('input', { type: 'checkbox' });
  private readonly durationsLabel = element('label', {
    class: 'option',
    hidden: '',
    title:
      'Show each call at its return, with result and duration. The return is a second probe, which doubles the cost.',
  });
  private readonly fdPathsLabel = element('label', {
    class: 'option',
    hidden: '',
    title:
      'Look up what file descriptors stand for, in /proc after the event. Each path says how long after: the number may be another file’s by then.',
  });

  constructor(changed: () => void) {
    this.stacks.append(...stackChoices.map(({ label }) => new Option(label)));
    this.durationsLabel.append(this.durations, 'Durations');
    this.fdPathsLabel.append(this.fdPaths, 'Paths of descriptors');
    for (const control of [this.stacks, this.durations, this.fdPaths])
      control.addEventListener('change', changed);
    this.elements = [this.stacks, this.durationsLabel, this.fdPathsLabel];
  }

  get value(): RecordingOptions {
    return {
      stacks: stackChoices[this.stacks.selectedIndex]?.kinds ?? [],
      durations: this.durations.checked,
      fdPaths: this.fdPaths.checked,
    };
  }

  /** As the stream was started. */
  show({ columns, events }: StreamSchema, recorded: boolean): void {
    const kinds = columns.filter(({ display }) => display.as === 'stack').map(({ name }) => name);
    this.stacks.selectedIndex = stackChoices.findIndex(
      (choice) => choice.kinds.map((kind) => `${kind}_stack`).join() === kinds.join(),
    );
    const functions = events.some((id) => id.startsWith('user-function:'));
    const descriptors = columns.some(({ display }) => display.as === 'fd');
    this.durations.checked = functions && columns.some(({ name }) => name === 'duration');
    this.fdPaths.checked = columns.some(({ type }) => type === FD_PATH);
    this.stacks.hidden = recorded;
    this.durationsLabel.hidden = recorded || !functions;
    this.fdPathsLabel.hidden = recorded || !descriptors;
  }
}

/** As the helper types these columns (`helper/sources/tracefs/fd-paths.ts`). */
const FD_PATH = 'path of a file descriptor';
