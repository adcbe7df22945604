import { spawnSync } from 'node:child_process';

/** One definition line of perf: where, and what it would fetch for each variable. */
export interface PerfLine {
  /** File offset of the place. */
  readonly offset: number;
  /** By variable; as perf spells it, with the type: `-20(%sp):s32`. */
  readonly fetched: ReadonlyMap<string, string>;
}

/**
 * `p:GROUP/NAME PATH:0xOFFSET a=%di:s32 …` for each address that perf finds for `PLACE VARIABLES`; empty when it refuses
 * one of them. Several places cost little more than one: reading the debug information is what takes time.
 */
export function perfDefinitions(binary: string, ...places: readonly string[]): PerfLine[] {
  const { stdout } = spawnSync(
    'perf',
    ['probe', '-q', '-x', binary, ...places.flatMap((place) => ['-D', place])],
    { encoding: 'utf8', timeout: 120_000 },
  );
  return [...(stdout ?? '').matchAll(/^p:\S+ \S+:0x([0-9a-f]+)(.*)$/gm)].map(([, offset, rest]) => ({
    offset: parseInt(offset ?? '', 16),
    fetched: new Map(
      (rest ?? '')
        .trim()
        .split(' ')
        .filter((word) => word.includes('='))
        .map((word) => {
          const equal = word.indexOf('=');
          return [word.slice(0, equal), word.slice(equal + 1)] as const;
        }),
    ),
  }));
}

/** As {@link perfDefinitions}, of many places: those that perf refuses are left out, found by halving. */
export function perfDefinitionsOfMany(binary: string, places: readonly string[]): PerfLine[] {
  if (places.length === 0) return [];
  const all = perfDefinitions(binary, ...places);
  if (all.length > 0 || places.length === 1) return all;
  const half = places.length >> 1;
  return [
    ...perfDefinitionsOfMany(binary, places.slice(0, half)),
    ...perfDefinitionsOfMany(binary, places.slice(half)),
  ];
}
