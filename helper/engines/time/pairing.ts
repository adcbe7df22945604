import { bucketIndex, type BucketCounts } from '../../../protocol/buckets.ts';
import type { LatencyTotals, LostCounts } from '../../../protocol/snapshot.ts';

/** Which goroutine of which process, and how far from its stack's upper end the return address of the call lies. */
export interface Frame {
  readonly process: number;
  readonly goroutine: number;
  /**
   * `stack.hi - sp`, in bytes. A stack that grows or shrinks is copied with its frames at the same distance from its upper end (runtime: copystack),
   * so this names a frame wherever the stack lies.
   */
  readonly depthBytes: number;
}

interface OpenCall {
  readonly depthBytes: number;
  /** Undefined when its beginning was not seen, or may belong to an earlier call. */
  startNs: number | undefined;
  /** It jumped back to its entry, which is then no new call. */
  restarting: boolean;
}

/** Calls that are open at one time, of all goroutines together; a parked goroutine holds some 100 bytes here. */
const MOST_OPEN = 200_000;

/**
 * Pairs beginnings and ends of one function's calls to durations. Events have to come in the order of time. Calls of a goroutine are nested, so
 * whatever is open below the frame of an event was left without a return: by a panic that was recovered farther up, or by Goexit.
 */
export class CallPairing {
  count = 0;
  readonly #open = new Map<number, Map<number, OpenCall[]>>();
  readonly #buckets = new Map<number, number>();
  #openCalls = 0;
  #sumNs = 0;
  #maxNs = 0;
  #missed = 0;
  #abandoned = 0;
  #dropped = 0;

  enter(frame: Frame, timeNs: number): void {
    const calls = this.#callsOf(frame);
    this.#leave(calls, frame.depthBytes);
    const top = calls.at(-1);
    if (top?.depthBytes === frame.depthBytes) {
      if (top.restarting) {
        top.restarting = false;
        return;
      }
      this.#pop(calls, true);
    }
    this.count++;
    if (this.#openCalls >= MOST_OPEN) this.#dropped++;
    else this.#push(calls, { depthBytes: frame.depthBytes, startNs: timeNs, restarting: false });
  }

  /** The call jumps back to its entry. */
  restart(frame: Frame): void {
    const calls = this.#callsOf(frame);
    this.#leave(calls, frame.depthBytes);
    const top = calls.at(-1);
    if (top?.depthBytes === frame.depthBytes) top.restarting = true;
    // it began before anything was attached
    else this.#push(calls, { depthBytes: frame.depthBytes, startNs: undefined, restarting: true });
  }

  exit(frame: Frame, timeNs: number): void {
    const calls = this.#callsOf(frame);
    this.#leave(calls, frame.depthBytes);
    const top = calls.at(-1);
    if (top?.depthBytes !== frame.depthBytes) this.#missed++;
    else {
      this.#pop(calls, false);
      if (top.startNs === undefined) this.#missed++;
      else this.#record(Math.max(0, timeNs - top.startNs));
    }
    if (calls.length === 0) this.#open.get(frame.process)?.delete(frame.goroutine);
  }

  /**
   * `events` of this function were not recorded. Ends of calls that are open may be among them, and beginnings of later calls with the same
   * frame: none of those is measured, for its duration could be that of several.
   */
  lose(events: number): void {
    this.#dropped += events;
    for (const goroutines of this.#open.values())
      for (const calls of goroutines.values()) for (const call of calls) call.startNs = undefined;
  }

  /** Forgets the calls of processes that are gone. */
  forget(isGone: (process: number) => boolean): void {
    for (const [process, goroutines] of this.#open) {
      if (!isGone(process)) continue;
      for (const calls of goroutines.values()) while (calls.length > 0) this.#pop(calls, true);
      this.#open.delete(process);
    }
  }

  get lost(): LostCounts {
    return {
      missedEntries: this.#missed,
      abandonedCalls: this.#abandoned,
      droppedByEngine: this.#dropped,
    };
  }

  get latency(): LatencyTotals {
    const buckets: BucketCounts = [...this.#buckets].sort(([a], [b]) => a - b);
    return { buckets, sumNs: this.#sumNs, maxNs: this.#maxNs };
  }

  #callsOf({ process, goroutine }: Frame): OpenCall[] {
    let goroutines = this.#open.get(process);
    if (goroutines === undefined) this.#open.set(process, (goroutines = new Map<number, OpenCall[]>()));
    let calls = goroutines.get(goroutine);
    if (calls === undefined) goroutines.set(goroutine, (calls = []));
    return calls;
  }

  #leave(calls: OpenCall[], depthBytes: number): void {
    for (let top = calls.at(-1); top !== undefined && top.depthBytes > depthBytes; top = calls.at(-1))
      this.#pop(calls, true);
  }

  #push(calls: OpenCall[], call: OpenCall): void {
    calls.push(call);
    this.#openCalls++;
  }

  #pop(calls: OpenCall[], wasLeft: boolean): void {
    const call = calls.pop();
    if (call === undefined) return;
    this.#openCalls--;
    if (wasLeft && call.startNs !== undefined) this.#abandoned++;
  }

  #record(durationNs: number): void {
    const index = bucketIndex(durationNs);
    this.#buckets.set(index, (this.#buckets.get(index) ?? 0) + 1);
    this.#sumNs += durationNs;
    this.#maxNs = Math.max(this.#maxNs, durationNs);
  }
}
