import type { RunHeader } from '../../protocol/run-panel.ts';
import type { HistBucket, LogLine, ScriptLost, ScriptMap, ValuesMap } from '../../protocol/script.ts';
import { formatCount } from '../../protocol/format.ts';

/** Lines of the log that the panel keeps; older ones are in the recording. */
export const LINES_KEPT = 100_000;

/** The log with its search: rows are indexes into the lines that match. */
export class LogModel {
  #lines: LogLine[] = [];
  #search = '';
  #matches: number[] | undefined;
  forgotten = 0;

  replace(lines: readonly LogLine[], forgotten: number): void {
    this.#lines = [...lines];
    this.forgotten = forgotten;
    this.search(this.#search);
  }

  add(lines: readonly LogLine[]): void {
    for (const line of lines) {
      if (this.#matches !== undefined && matches(line, this.#search)) this.#matches.push(this.#lines.length);
      this.#lines.push(line);
    }
    if (this.#lines.length <= LINES_KEPT * 1.1) return;
    const surplus = this.#lines.length - LINES_KEPT;
    this.#lines.splice(0, surplus);
    this.forgotten += surplus;
    this.search(this.#search);
  }

  /** Shows lines that hold this text, whatever its case; all when it is empty. */
  search(text: string): void {
    this.#search = text.toLowerCase();
    this.#matches =
      text === ''
        ? undefined
        : this.#lines.flatMap((line, index) => (matches(line, this.#search) ? [index] : []));
  }

  get total(): number {
    return this.#lines.length;
  }

  get rows(): number {
    return this.#matches?.length ?? this.#lines.length;
  }

  row(index: number): LogLine | undefined {
    return this.#lines[this.#matches === undefined ? index : (this.#matches[index] ?? -1)];
  }

  text(): string {
    return Array.from({ length: this.rows }, (_, index) => this.row(index)?.text ?? '').join('\n');
  }
}

function matches(line: LogLine, search: string): boolean {
  return line.text.toLowerCase().includes(search);
}

/** What was lost, by cause; says so also when it is nothing. */
export function lostText({ events, lines, entries }: ScriptLost): string {
  const parts = [
    ...(events > 0 ? [`${formatCount(events)} events lost by bpftrace`] : []),
    ...(lines > 0 ? [`${formatCount(lines)} lines counted, not shown`] : []),
    ...(entries > 0 ? [`${formatCount(entries)} map entries not read`] : []),
  ];
  return parts.length === 0 ? 'nothing lost' : parts.join(' · ');
}

export function stateText({ state, problem, timeMs }: RunHeader): string {
  const seconds = `${(timeMs / 1000).toFixed(1)} s`;
  switch (state) {
    case 'starting':
      return 'Starting…';
    case 'running':
      return `Running · ${seconds}`;
    case 'stopping':
      return 'Stopping: bpftrace prints its maps…';
    case 'ended':
      return problem === undefined ? `Ended after ${seconds}` : `Failed after ${seconds}`;
  }
}

/** Entries in the order in which they are shown: largest number first, those without a number as they came. */
export function orderOf(map: ValuesMap, filter: string): Uint32Array {
  const wanted = filter.toLowerCase();
  const all: number[] = [];
  for (let index = 0; index < map.keys.length; index++)
    if (wanted === '' || (map.keys[index] ?? '').toLowerCase().includes(wanted)) all.push(index);
  const number = (index: number): number => map.numbers[index] ?? -Infinity;
  return Uint32Array.from(all.sort((a, b) => number(b) - number(a) || a - b));
}

/** Share of the largest, 0 to 1; 0 for what is no positive number. */
export function shareOf(value: number | null | undefined, largest: number): number {
  return value === null || value === undefined || !(value > 0) || !(largest > 0)
    ? 0
    : Math.min(1, value / largest);
}

/** `4 to 7`, `below 0`, `from 100`. */
export function bucketText({ low, high }: HistBucket): string {
  if (low === undefined) return high === undefined ? 'all' : `below ${formatCount(high + 1)}`;
  if (high === undefined) return `from ${formatCount(low)}`;
  return low === high ? formatCount(low) : `${formatCount(low)} to ${formatCount(high)}`;
}

export function entriesOf(map: ScriptMap): number {
  return map.total;
}

/** One line of a map for people who listen, and for its heading. */
export function mapSummary(map: ScriptMap): string {
  switch (map.kind) {
    case 'values':
      if (!map.keyed) return map.texts[0] ?? '';
      return `${formatCount(map.total)} ${map.total === 1 ? 'entry' : 'entries'}${map.keys.length < map.total ? `, ${formatCount(map.keys.length)} shown` : ''}`;
    case 'stats':
      return map.keyed ? `statistics of ${formatCount(map.total)} keys` : 'statistics';
    case 'hist': {
      const count = map.series.reduce(
        (sum, { buckets }) => sum + buckets.reduce((all, bucket) => all + bucket.count, 0),
        0,
      );
      return `histogram of ${formatCount(count)} ${count === 1 ? 'value' : 'values'}${map.keyed ? ` in ${formatCount(map.total)} keys` : ''}`;
    }
    case 'tseries':
      return `time series${map.keyed ? ` of ${formatCount(map.total)} keys` : ''}`;
  }
}
