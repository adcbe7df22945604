import type { ScriptMap, ValuesMap } from '../../protocol/script.ts';
import { addressOf, splitKey } from './bpftrace-key.ts';

/** Time that threads of a process were blocked with one pair of stacks; addresses innermost first, hexadecimal. */
export interface BlockedStack {
  readonly pid: number;
  readonly kernel: readonly string[];
  readonly user: readonly string[];
  readonly blockedNs: number;
}

export interface BlockedTimes {
  readonly stacks: readonly BlockedStack[];
  /** Entries that were too many to be sent or that could not be read. */
  readonly missing: number;
}

/** Reads a map of blocked times by process and stacks, as the off-CPU script prints it. */
export function blockedTimes(map: ValuesMap): BlockedTimes {
  const stacks: BlockedStack[] = [];
  let missing = map.total - map.keys.length;
  map.keys.forEach((key, index) => {
    const parts = splitKey(key);
    const blockedNs = map.numbers[index] ?? null;
    const pid = Number(parts.others[0]);
    if (blockedNs === null || blockedNs < 0 || !Number.isInteger(pid)) missing++;
    else if (blockedNs > 0) stacks.push({ pid, ...apart(parts.stacks), blockedNs });
  });
  return { stacks, missing };
}

/** The threads that were still blocked at the end, by the maps that the script leaves then; their time up to there. */
export function stillBlocked(maps: readonly ScriptMap[]): BlockedTimes {
  const found = (name: string): ValuesMap | undefined =>
    maps.find((map): map is ValuesMap => map.kind === 'values' && map.name === name);
  const stacks: BlockedStack[] = [];
  let missing = 0;
  const end = found('@end')?.numbers[0] ?? null;
  const [since, process] = [found('@since'), valuesOf(found('@process'))];
  const [user, kernel] = [valuesOf(found('@user')), valuesOf(found('@kernel'))];
  since?.keys.forEach((tid, index) => {
    const from = since.numbers[index] ?? null;
    const pid = Number(process.get(tid));
    // a deleted element may be printed as 0
    if (from === null || from === 0) return;
    if (end === null || !Number.isInteger(pid)) {
      missing++;
      return;
    }
    const lines = [user, kernel].flatMap((stack) => splitKey(stack.get(tid) ?? '').stacks);
    stacks.push({ pid, ...apart(lines), blockedNs: Math.max(0, end - from) });
  });
  return { stacks, missing };
}

function valuesOf(map: ValuesMap | undefined): ReadonlyMap<string, string> {
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
