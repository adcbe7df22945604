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
  return ask(binary, places).lines;
}

/** perf answers within a second or two; at some lines it never does, and SIGTERM does not end it. */
const PATIENCE_MS = 20_000;

function ask(
  binary: string,
  places: readonly string[],
): { readonly lines: PerfLine[]; readonly hung: boolean } {
  const { stdout, error } = spawnSync(
    'perf',
    ['probe', '-q', '-x', binary, ...places.flatMap((place) => ['-D', place])],
    { encoding: 'utf8', timeout: PATIENCE_MS, killSignal: 'SIGKILL' },
  );
  const hung = error !== undefined && 'code' in error && error.code === 'ETIMEDOUT';
  return { lines: hung ? [] : linesOf(stdout ?? ''), hung };
}

function linesOf(stdout: string): PerfLine[] {
  return [...stdout.matchAll(/^p:\S+ \S+:0x([0-9a-f]+)(.*)$/gm)].map(([, offset, rest]) => ({
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

/**
 * As {@link perfDefinitions}, of many places: those that perf refuses are left out, found by halving, and so are those at which it does not end,
 * which are told.
 */
export function perfDefinitionsOfMany(
  binary: string,
  places: readonly string[],
  onHang: (place: string) => void,
): PerfLine[] {
  const [first] = places;
  if (first === undefined) return [];
  const { lines, hung } = ask(binary, places);
  if (places.length === 1 && hung) onHang(first);
  if (lines.length > 0 || places.length === 1) return lines;
  const half = places.length >> 1;
  return [
    ...perfDefinitionsOfMany(binary, places.slice(0, half), onHang),
    ...perfDefinitionsOfMany(binary, places.slice(half), onHang),
  ];
}
