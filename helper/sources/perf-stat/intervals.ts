import type { CounterInterval, StatSpec } from '../../../protocol/events.ts';
import { parseStat, ratiosOf } from './decode.ts';

/** perf writes an interval's lines in one go; so long after the last one there is none to come. */
const SETTLED_MS = 50;

/**
 * Puts the lines of one interval together. It is complete when the next one's first line arrives or nothing came for
 * {@link SETTLED_MS}; waiting for the next one alone would show each interval when it is over by another one.
 */
export class IntervalReader {
  intervals = 0;
  /** What perf said in words. */
  words = '';
  private partial = '';
  private lines: string[] = [];
  private atSeconds = '';
  private lastSeconds = 0;
  private timer: NodeJS.Timeout | undefined;
  private readonly spec: StatSpec;
  private readonly onInterval: (interval: CounterInterval) => void;

  constructor(spec: StatSpec, onInterval: (interval: CounterInterval) => void) {
    this.spec = spec;
    this.onInterval = onInterval;
  }

  feed(text: string): void {
    const lines = (this.partial + text).split('\n');
    this.partial = lines.pop() ?? '';
    for (const line of lines) this.line(line);
    clearTimeout(this.timer);
    this.timer = setTimeout(() => {
      // half a line: its other half is on the way
      if (this.partial === '') this.flush();
    }, SETTLED_MS);
  }

  end(): void {
    clearTimeout(this.timer);
    this.line(this.partial);
    this.partial = '';
    this.flush();
  }

  private line(line: string): void {
    const at = /"interval" : ([\d.]+)/.exec(line)?.[1];
    if (at === undefined) {
      if (line.trim() !== '') this.words = `${this.words} ${line.trim()}`.trim().slice(0, 500);
      return;
    }
    if (at !== this.atSeconds) this.flush();
    this.atSeconds = at;
    this.lines.push(line);
  }

  private flush(): void {
    const [interval] = parseStat(this.lines.join('\n'));
    this.lines = [];
    if (interval === undefined) return;
    this.intervals++;
    this.onInterval({
      stream: this.spec.stream,
      atSeconds: interval.atSeconds,
      intervalSeconds: interval.atSeconds - this.lastSeconds,
      counters: interval.counters,
      ratios: ratiosOf(interval.counters),
    });
    this.lastSeconds = interval.atSeconds;
  }
}
