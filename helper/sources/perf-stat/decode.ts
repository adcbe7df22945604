import type { CounterRatio, CounterReading } from '../../../protocol/events.ts';

export interface StatInterval {
  /** End of the interval since the start; 0 for the totals of a command that has ended. */
  readonly atSeconds: number;
  readonly counters: readonly CounterReading[];
}

/**
 * Decodes what `perf stat -j` prints: one JSON object a line for each counter. Other lines are what perf says in words
 * and are skipped, as is a line that was cut off. perf 5.15 to 6.x: `"counter-value" : "<not supported>"`, later
 * versions print numbers where these print texts.
 */
export function parseStat(text: string): StatInterval[] {
  const intervals: { atSeconds: number; counters: CounterReading[] }[] = [];
  for (const line of text.split('\n')) {
    const record = parseLine(line);
    if (record === undefined) continue;
    const atSeconds = Number(record['interval'] ?? 0);
    let interval = intervals.at(-1);
    if (interval?.atSeconds !== atSeconds) intervals.push((interval = { atSeconds, counters: [] }));
    interval.counters.push(readingOf(record));
  }
  return intervals;
}

function parseLine(line: string): Record<string, unknown> | undefined {
  const trimmed = line.trim();
  if (!trimmed.startsWith('{')) return undefined;
  try {
    // perf writes a decimal comma in locales that have one; callers set LC_ALL=C.
    const value: unknown = JSON.parse(trimmed);
    return typeof value === 'object' && value !== null && 'event' in value && 'counter-value' in value
      ? value
      : undefined;
  } catch {
    return undefined;
  }
}

function readingOf(record: Record<string, unknown>): CounterReading {
  const raw = String(record['counter-value']);
  const value = Number(raw);
  const running = Number(record['pcnt-running'] ?? 100) / 100;
  return {
    event: String(record['event']).replace(/:u$/, ''),
    unit: typeof record['unit'] === 'string' ? record['unit'] : '',
    runningFraction: Number.isFinite(running) ? running : 1,
    ...(raw.includes('not supported')
      ? { state: 'not-supported' as const }
      : raw.includes('not counted') || raw.trim() === '' || !Number.isFinite(value)
        ? { state: 'not-counted' as const }
        : { state: 'counted' as const, value }),
  };
}

/** Ratios that are worth showing where both counters were counted, with the formula in the counters' names. */
const RATIOS: readonly { name: string; over: string; under: string; unit: string; scale: number }[] = [
  { name: 'instructions per cycle', over: 'instructions', under: 'cycles', unit: '', scale: 1 },
  { name: 'cache miss rate', over: 'cache-misses', under: 'cache-references', unit: '%', scale: 100 },
  { name: 'branch miss rate', over: 'branch-misses', under: 'branch-instructions', unit: '%', scale: 100 },
  {
    name: 'L1 data miss rate',
    over: 'L1-dcache-load-misses',
    under: 'L1-dcache-loads',
    unit: '%',
    scale: 100,
  },
  { name: 'LLC miss rate', over: 'LLC-load-misses', under: 'LLC-loads', unit: '%', scale: 100 },
  { name: 'dTLB miss rate', over: 'dTLB-load-misses', under: 'dTLB-loads', unit: '%', scale: 100 },
  { name: 'major share of page faults', over: 'major-faults', under: 'page-faults', unit: '%', scale: 100 },
];

/** The ratios that can be computed from these readings. A counter that was not counted gives none. */
export function ratiosOf(counters: readonly CounterReading[]): CounterRatio[] {
  const valueOf = (event: string) => counters.find((counter) => counter.event === event)?.value;
  return RATIOS.flatMap(({ name, over, under, unit, scale }) => {
    const [above, below] = [valueOf(over), valueOf(under)];
    if (above === undefined || below === undefined || below === 0) return [];
    const formula = scale === 1 ? `${over} ÷ ${under}` : `${scale} × ${over} ÷ ${under}`;
    return [{ name, formula, value: (scale * above) / below, unit }];
  });
}
