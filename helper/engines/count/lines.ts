/** What the processes that count say, a line each: `count` in `helper/engines/tracefs/script.ts` and perf itself. */
export type CountLine =
  /** A perf was started for the events, of which this is the first. */
  | { readonly kind: 'counting'; readonly event: string; readonly pid: number }
  /** The one that was started last counts from now on. */
  | { readonly kind: 'enabled' }
  /** Hits since the line before. */
  | { readonly kind: 'hits'; readonly event: string; readonly hits: number }
  /** All hits since it was started, at its end. */
  | { readonly kind: 'sum'; readonly event: string; readonly hits: number }
  | { readonly kind: 'ended'; readonly event: string; readonly exitCode: number }
  | { readonly kind: 'words'; readonly text: string };

/**
 * Reads a line of `perf stat -x, -I`: `SECONDS,HITS,UNIT,GROUP:EVENT,…` (perf-stat(1), “CSV FORMAT”), where `<not counted>`
 * stands for an interval in which no thread of the process ran, and `summary` in place of the seconds for the whole time. Everything else that perf says is `words`.
 */
export function readCountLine(line: string): CountLine {
  const [first = '', second = '', third = ''] = line.split(' ');
  if (first === 'counting') return { kind: 'counting', event: firstName(second), pid: Number(third) };
  if (first === 'ended') return { kind: 'ended', event: firstName(second), exitCode: Number(third) };
  if (line.trim() === 'Events enabled') return { kind: 'enabled' };
  const [seconds = '', value = '', , name = ''] = line.split(',');
  const event = /^\w+:(\w+)/.exec(name)?.[1];
  if (
    event === undefined ||
    !/^ *(?:\d+\.\d+|summary)$/.test(seconds) ||
    !/^\d+$|^<not counted>$/.test(value)
  )
    return { kind: 'words', text: line.trim() };
  const kind = seconds.endsWith('summary') ? 'sum' : 'hits';
  return { kind, event, hits: value.startsWith('<') ? 0 : Number(value) };
}

const firstName = (events: string): string => events.split(',')[0] ?? '';
