import type { EntryPlan } from './site-plan.ts';
import type { Hit } from '../engines/tracefs/fetch.ts';

interface Entry {
  readonly frame: bigint;
  readonly registers: ReadonlyMap<number, bigint>;
}

const MOST_THREADS = 4096;
const DEEPEST_RECURSION = 1024;

/**
 * The registers at entry of the calls that are going on, by thread. A call is known by its canonical frame address, which
 * entry and hit agree on; stacks grow down, so frames below the one at hand have returned.
 */
export class Entries {
  readonly #plan: EntryPlan;
  readonly #threads = new Map<number, Entry[]>();

  constructor(plan: EntryPlan) {
    this.#plan = plan;
  }

  entered(tid: number, values: Hit['values']): void {
    const frame = this.#plan.frameAtEntry({ values, biasBytes: 0n, isMapped: () => undefined });
    if (frame === undefined) return;
    let calls = this.#threads.get(tid);
    if (calls === undefined) {
      if (this.#threads.size >= MOST_THREADS) this.#threads.clear();
      this.#threads.set(tid, (calls = []));
    }
    dropReturned(calls, frame + 1n);
    if (calls.length >= DEEPEST_RECURSION) calls.shift();
    calls.push({ frame, registers: this.#plan.registers(values) });
  }

  /** Undefined when the call began before the probe was there. */
  of(tid: number, hit: Hit): ReadonlyMap<number, bigint> | undefined {
    const calls = this.#threads.get(tid);
    const frame = this.#plan.frameAtHit(hit);
    if (calls === undefined || frame === undefined) return undefined;
    dropReturned(calls, frame);
    const call = calls.at(-1);
    return call?.frame === frame ? call.registers : undefined;
  }
}

/** Removes calls whose frame lies below `frame`. */
function dropReturned(calls: Entry[], frame: bigint): void {
  while (calls.length > 0 && (calls.at(-1)?.frame ?? frame) < frame) calls.pop();
}
