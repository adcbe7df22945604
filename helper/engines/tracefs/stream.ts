import type { RecordParser, TraceRecord } from './record.ts';

type Deliver = (record: TraceRecord) => void;

/** A line break inside a value makes a record several lines; more than this is no record of ours. */
const LONGEST_RECORD = 64 * 1024;

/**
 * Turns the text of an instance's `trace_pipe` into records. The kernel merges the CPUs in order of time.
 * Text is taken as Latin-1, so that each character is one byte of what the program had in memory.
 */
export class RecordStream {
  /** Records of ours that were seen whole, malformed ones too. */
  read = 0;
  /** Records overwritten in the ring buffer before they were read, as the kernel reports them in between. */
  lost = 0;
  /** Records that could not be understood: the kernel's `[LINE TOO BIG]`. */
  unreadable = 0;
  readonly #onLost: ((records: number) => void) | undefined;
  readonly #events: { parser: RecordParser; deliver: Deliver }[] = [];
  #partial = '';
  #open: { event: { parser: RecordParser; deliver: Deliver }; text: string } | undefined;

  constructor(onLost?: (records: number) => void) {
    this.#onLost = onLost;
  }

  subscribe(parser: RecordParser, deliver: Deliver): () => void {
    const event = { parser, deliver };
    this.#events.push(event);
    return () => void this.#events.splice(this.#events.indexOf(event), 1);
  }

  feed(chunk: Buffer): void {
    const lines = (this.#partial + chunk.toString('latin1')).split('\n');
    this.#partial = lines.pop() ?? '';
    for (const line of lines) this.#line(line);
  }

  #line(line: string): void {
    const event = this.#events.find(({ parser }) => parser.find(line) >= 0);
    if (event !== undefined) {
      this.#giveUp();
      this.#open = { event, text: line };
    } else if (this.#open !== undefined) this.#open.text += `\n${line}`;
    else this.#remark(line);
    if (this.#open === undefined) return;
    const { parser, deliver } = this.#open.event;
    const { text } = this.#open;
    if (parser.isWhole(text)) {
      this.#open = undefined;
      this.read++;
      const record = parser.parse(text);
      if (record === undefined) this.unreadable++;
      else deliver(record);
    } else if (text.length > LONGEST_RECORD) this.#giveUp();
  }

  /** A record that has begun and never ended. */
  #giveUp(): void {
    if (this.#open === undefined) return;
    this.#open = undefined;
    this.read++;
    this.unreadable++;
  }

  /** `CPU:1 [LOST 123 EVENTS]` or `[LINE TOO BIG]` (kernel/trace/trace.c). */
  #remark(line: string): void {
    const lost = /^CPU:\d+ \[LOST (\d+) EVENTS\]$/.exec(line)?.[1];
    if (lost !== undefined) {
      this.lost += Number(lost);
      this.#onLost?.(Number(lost));
    } else if (line.includes('[LINE TOO BIG]')) {
      this.read++;
      this.unreadable++;
    }
  }
}
