import type { FetchArgument } from './definition.ts';

/**
 * What one argument holds: an integer, the elements of an array, or a string's bytes without the NUL.
 * `undefined`: the kernel says that the string's memory could not be read.
 */
export type RawValue = bigint | readonly bigint[] | Buffer | undefined;

/** One hit. */
export interface TraceRecord {
  /** CLOCK_MONOTONIC; microseconds are what the kernel prints. */
  readonly timestampNs: number;
  /** Thread id in the kernel's initial pid namespace. */
  readonly tid: number;
  readonly cpu: number;
  /** The thread's name (15 bytes at most). */
  readonly command: string;
  /** Address of the probe in the process: which of an event's sites was hit. For a return probe, the function's. */
  readonly ip: bigint;
  /** In the order of the definition's arguments. */
  readonly values: readonly RawValue[];
}

/**
 * A record's line: `COMM-TID [CPU] FLAGS SECONDS.MICROS: EVENT: (0xIP) NAME=VALUE …`, or `(0xRETURN <- 0xFUNCTION)`
 * (kernel: print_uprobe_event in kernel/trace/trace_uprobe.c). COMM and string values are whatever the traced program
 * puts there, line breaks included. They are told from the rest by the session's random token, which is part of each
 * event's and argument's name and which the program cannot know.
 */
export class RecordParser {
  readonly #start: string;
  readonly #names: readonly string[];
  readonly #last: string;

  readonly #wanted: number;

  /**
   * `names`: the arguments as the kernel knows them; the last must not be a string (see {@link argumentNames}).
   * `wanted`: how many of them are the caller's.
   */
  constructor(event: string, names: readonly string[], wanted: number) {
    this.#wanted = wanted;
    this.#start = `: ${event}: (`;
    this.#names = names.map((name) => ` ${name}=`);
    this.#last = this.#names.at(-1) ?? '';
  }

  /** Where in the line a record of this event begins, or -1. */
  find(line: string): number {
    return line.indexOf(this.#start);
  }

  /** Whether `text`, which may be several lines by now, holds the whole record. */
  isWhole(text: string): boolean {
    return this.#last === '' || text.includes(this.#last);
  }

  /** Undefined when the text is no record of this event. */
  parse(text: string): TraceRecord | undefined {
    const start = text.indexOf(this.#start);
    const head = /^ *(.*)-(\d+) +\[(\d+)\] [^:]*? (\d+)\.(\d{6})$/s.exec(text.slice(0, start));
    const from = start + this.#start.length;
    const close = text.indexOf(')', from);
    if (start < 0 || head === null || close < 0) return undefined;
    const address = text.slice(from, close).split(' <- ').at(-1) ?? '';
    if (!/^0x[0-9a-f]+$/.test(address)) return undefined;
    const values: RawValue[] = [];
    let at = close + 1;
    for (const [index, name] of this.#names.entries()) {
      if (!text.startsWith(name, at)) return undefined;
      at += name.length;
      const following = this.#names[index + 1];
      const end = following === undefined ? text.length : text.indexOf(following, at);
      if (end < 0) return undefined;
      values.push(parseValue(text.slice(at, end)));
      at = end;
    }
    return {
      timestampNs: Number(head[4]) * 1e9 + Number(head[5]) * 1000,
      tid: Number(head[2]),
      cpu: Number(head[3]),
      command: Buffer.from(head[1] ?? '', 'latin1').toString('utf8'),
      ip: BigInt(address),
      values: values.slice(0, this.#wanted),
    };
  }
}

/** Names that carry the token, and a closing one behind a string, so that its end is certain. */
export function argumentNames(args: readonly FetchArgument[], token: string): readonly string[] {
  const names = args.map((_, index) => `v${index}_${token}`);
  return args.at(-1)?.stored.as === 'string' ? [...names, `end_${token}`] : names;
}

function parseValue(text: string): RawValue {
  if (text.startsWith('"')) return Buffer.from(text.slice(1, -1), 'latin1');
  if (text.startsWith('{')) return text.slice(1, -1).split(',').map(integer);
  return text === '(fault)' ? undefined : integer(text);
}

function integer(text: string): bigint {
  const trimmed = text.trim();
  return /^-?\d+$/.test(trimmed) ? BigInt(trimmed) : 0n;
}
