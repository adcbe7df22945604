import { callStates, type CallState } from '../../protocol/calls.ts';
import type { ScriptMap, ValuesMap } from '../../protocol/script.ts';
import { addressOf, splitKey } from './bpftrace-key.ts';

/** Time that threads of a process spent with one pair of stacks; addresses innermost first, hexadecimal. */
export interface ThreadTime {
  readonly pid: number;
  /** Undefined in a profile of blocked time alone. */
  readonly state: CallState | undefined;
  readonly kernel: readonly string[];
  readonly user: readonly string[];
  readonly ns: number;
}

export interface ThreadTimes {
  readonly times: readonly ThreadTime[];
  /** Entries that were too many to be sent or that could not be read. */
  readonly missing: number;
}

/** Reads a map of times by process, perhaps state, and stacks, as the scripts of `thread-times.ts` print it. */
export function threadTimes(map: ValuesMap): ThreadTimes {
  const times: ThreadTime[] = [];
  let missing = map.total - map.keys.length;
  map.keys.forEach((key, index) => {
    const parts = splitKey(key);
    const ns = map.numbers[index] ?? null;
    const pid = Number(parts.others[0]);
    if (ns === null || ns < 0 || !Number.isInteger(pid)) missing++;
    else if (ns > 0) times.push({ pid, state: stateOf(parts.others[1]), ...apart(parts.stacks), ns });
  });
  return { times, missing };
}

/** The waits of threads that had not ended at the end, by the maps that the scripts leave then; their time up to there. */
export function openWaits(maps: readonly ScriptMap[]): ThreadTimes {
  const times: ThreadTime[] = [];
  let missing = 0;
  const end = endOf(maps);
  const since = valuesMap(maps, '@since');
  const [process, state] = ['@process', '@state'].map((name) => textsOf(maps, name));
  const [user, kernel] = ['@user', '@kernel'].map((name) => textsOf(maps, name));
  since?.keys.forEach((tid, index) => {
    const from = since.numbers[index] ?? null;
    const pid = Number(process?.get(tid));
    // a deleted element may be printed as 0
    if (from === null || from === 0) return;
    if (end === null || !Number.isInteger(pid)) {
      missing++;
      return;
    }
    const lines = [user, kernel].flatMap((stack) => splitKey(stack?.get(tid) ?? '').stacks);
    times.push({ pid, state: stateOf(state?.get(tid)), ...apart(lines), ns: Math.max(0, end - from) });
  });
  return { times, missing };
}

/**
 * How long each of the threads was away before it was first seen: up to its first running, or until the end. By the maps that
 * the script of a wall-clock profile leaves; the map's keys are threads of `threads`.
 */
export function unseenWaits(maps: readonly ScriptMap[], threads: Iterable<number>): Map<number, number> {
  const [end, start] = [endOf(maps), valuesMap(maps, '@start')?.numbers[0] ?? null];
  const before = valuesMap(maps, '@before');
  const known = new Map(before?.keys.map((tid, index) => [Number(tid), before.numbers[index] ?? 0]));
  const met = new Set(valuesMap(maps, '@met')?.keys.map(Number));
  const waits = new Map<number, number>();
  for (const tid of threads) {
    const ns = known.get(tid) ?? (met.has(tid) || end === null || start === null ? 0 : end - start);
    if (ns > 0) waits.set(tid, ns);
  }
  return waits;
}

/** For how long the scripts measured: from the first switch that they saw to the last. */
export function measuredNs(maps: readonly ScriptMap[]): number | undefined {
  const [end, start] = [endOf(maps), valuesMap(maps, '@start')?.numbers[0] ?? null];
  return end === null || start === null || end < start ? undefined : end - start;
}

const stateOf = (text: string | undefined): CallState | undefined => callStates[Number(text) - 1];

const endOf = (maps: readonly ScriptMap[]): number | null => valuesMap(maps, '@end')?.numbers[0] ?? null;

function valuesMap(maps: readonly ScriptMap[], name: string): ValuesMap | undefined {
  return maps.find((map): map is ValuesMap => map.kind === 'values' && map.name === name);
}

function textsOf(maps: readonly ScriptMap[], name: string): ReadonlyMap<string, string> {
  const map = valuesMap(maps, name);
  return new Map(map?.keys.map((key, index) => [key, map.texts[index] ?? '']));
}

/** Kernel and user stack by their addresses: the kernel's are in the upper half, whichever of the two is missing. */
function apart(stacks: readonly (readonly string[])[]): { kernel: string[]; user: string[] } {
  const addresses = stacks.flat().flatMap((line) => addressOf(line) ?? []);
  const isKernel = (address: string): boolean => address.length === 16 && address >= '8';
  return {
    kernel: addresses.filter(isKernel),
    user: addresses.filter((address) => !isKernel(address)),
  };
}
