import { errnoName } from '../../../fields/constants.ts';
import type { ScriptMap } from '../../../protocol/script.ts';
import type { SyscallFigures, SyscallSummary } from '../../../protocol/syscalls.ts';

/** Results that tell the kernel to begin the call again; the program never sees them (include/linux/errno.h). */
const RESTARTS: Readonly<Record<number, string>> = {
  512: 'ERESTARTSYS',
  513: 'ERESTARTNOINTR',
  514: 'ERESTARTNOHAND',
  516: 'ERESTART_RESTARTBLOCK',
};

type Figures = Omit<SyscallSummary, 'stream' | 'elapsedMs' | 'final'>;

/** Reads the maps of `script.ts`. A map that has not been printed yet counts as empty. */
export function summaryOf(maps: readonly ScriptMap[], names: ReadonlyMap<number, string>): Figures {
  const entries = (name: string) => entriesOf(maps.find((map) => map.name === name));
  const single = (name: string) => new Map(entries(name).map(([[call = 0], value]) => [call, value]));
  const [begun, returned, cut] = [single('@n'), single('@c'), single('@x')];
  const [totals, longest] = [single('@d'), single('@m')];
  const buckets = pairsBy(entries('@b'));
  const errors = pairsBy(entries('@e'));
  let missingDurations = 0;
  const syscalls = [...new Set([...begun.keys(), ...returned.keys()])].map((call): SyscallFigures => {
    const calls = returned.get(call) ?? 0;
    const durations = [...(buckets.get(call) ?? [])].sort(([a], [b]) => a - b);
    // Maps are printed one after the other while calls go on: only what stays missing at the end says something.
    missingDurations += Math.max(0, calls - durations.reduce((sum, [, count]) => sum + count, 0));
    return {
      name: names.get(call) ?? `syscall ${call}`,
      calls,
      totalNs: totals.get(call) ?? 0,
      maxNs: longest.get(call) ?? 0,
      buckets: durations,
      errors: (errors.get(call) ?? [])
        .map(([number, count]) => ({
          name: errnoName(number) ?? RESTARTS[number] ?? `error ${number}`,
          count,
        }))
        .sort((a, b) => b.count - a.count || (a.name < b.name ? -1 : 1)),
      open: Math.max(0, (begun.get(call) ?? 0) - calls - (cut.get(call) ?? 0)),
    };
  });
  const [[, missedEntries = 0] = []] = entries('@q');
  return {
    // exit and exit_group never return; what they took is nobody's time
    syscalls: syscalls
      .filter(({ calls, open }) => calls > 0 || open > 0)
      .sort((a, b) => b.totalNs - a.totalNs || b.calls - a.calls || (a.name < b.name ? -1 : 1)),
    missedEntries,
    missingDurations,
  };
}

function entriesOf(map: ScriptMap | undefined): (readonly [keys: readonly number[], value: number])[] {
  if (map?.kind !== 'values') return [];
  return map.keys.map((key, index) => [key.split(',').map(Number), map.numbers[index] ?? 0]);
}

function pairsBy(entries: ReturnType<typeof entriesOf>): Map<number, [number, number][]> {
  const found = new Map<number, [number, number][]>();
  for (const [[call = 0, key = 0], value] of entries) {
    const known = found.get(call);
    if (known === undefined) found.set(call, [[key, value]]);
    else known.push([key, value]);
  }
  return found;
}
