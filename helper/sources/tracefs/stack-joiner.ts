import { NO_STACK, type StackKind } from '../../../protocol/events.ts';
import type { PageRecords } from './pages.ts';
import type { StackRecord, StackTable } from './stacks.ts';

/** Records of one CPU, in order of time; those before `next` have become rows already. */
export interface Run {
  readonly view: DataView;
  readonly records: PageRecords;
  readonly cpu: number;
  next: number;
  /** By record; absent where the run's events carry no stacks. */
  stacks?: (Record<StackKind, number> | undefined)[];
}

interface Waiting {
  readonly tid: number;
  readonly timeNs: number;
  /** Where the ids go; absent for records whose stacks nobody wants. */
  readonly ids: Record<StackKind, number> | undefined;
  readonly missing: Set<StackKind>;
  /** How often the buffers were read since. */
  polls: number;
}

/** An event whose stacks did not follow until then has none: the kernel writes them at once. */
const PATIENCE_POLLS = 2;
/** Interrupts of interrupts are nested as deep as this at most. */
const MOST_WAITING = 16;

/**
 * Gives stacks to the events that they belong to. On a CPU the kernel writes an event's stacks behind it; an interrupt in between
 * writes its own event with its own stacks first. So a stack belongs to the last event of its thread that has none of its kind yet.
 */
export class StackJoiner {
  private readonly records: ReadonlyMap<number, StackRecord>;
  private readonly table: StackTable;
  private readonly kinds: readonly StackKind[];
  private readonly roleOf: (type: number) => 'begins' | 'completes' | undefined;
  private readonly waiting = new Map<number, Waiting[]>();

  constructor(
    records: readonly StackRecord[],
    table: StackTable,
    roleOf: (type: number) => 'begins' | 'completes' | undefined,
  ) {
    this.records = new Map(records.map((record) => [record.id, record]));
    this.kinds = records.map(({ kind }) => kind);
    this.table = table;
    this.roleOf = roleOf;
  }

  /** The next records of a CPU. */
  read(run: Run): void {
    const { view, records, cpu } = run;
    let waiting = this.waiting.get(cpu);
    if (waiting === undefined) this.waiting.set(cpu, (waiting = []));
    run.stacks = new Array<Record<StackKind, number> | undefined>(records.count);
    for (let index = 0; index < records.count; index++) {
      const at = records.at[index] ?? 0;
      const type = view.getUint16(at, true);
      const tid = view.getInt32(at + 4, true);
      const stack = this.records.get(type);
      if (stack !== undefined) {
        this.give(waiting, stack, tid, view, at, records.lengths[index] ?? 0);
        continue;
      }
      const role = this.roleOf(type);
      if (role === undefined) continue;
      const ids = role === 'begins' ? { user: NO_STACK, kernel: NO_STACK } : undefined;
      run.stacks[index] = ids;
      if (waiting.length >= MOST_WAITING) waiting.shift();
      const timeNs = records.timesNs[index] ?? 0;
      waiting.push({ tid, timeNs, ids, missing: new Set(this.kinds), polls: 0 });
    }
  }

  private give(
    waiting: Waiting[],
    stack: StackRecord,
    tid: number,
    view: DataView,
    at: number,
    length: number,
  ): void {
    for (let index = waiting.length - 1; index >= 0; index--) {
      const event = waiting[index];
      if (event?.tid !== tid || !event.missing.delete(stack.kind)) continue;
      if (event.ids !== undefined) event.ids[stack.kind] = this.table.idOf(stack, view, at, length);
      if (event.missing.size === 0) waiting.splice(index, 1);
      return;
    }
  }

  /** After all CPUs were read: the time before which every event has its stacks or will never have them. */
  completeUntilNs(): number {
    let until = Number.POSITIVE_INFINITY;
    for (const [cpu, waiting] of this.waiting) {
      const still = waiting.filter((event) => ++event.polls < PATIENCE_POLLS);
      this.waiting.set(cpu, still);
      for (const { timeNs } of still) until = Math.min(until, timeNs - 1);
    }
    return until;
  }
}
