import { readFileSync } from 'node:fs';
import { EMPTY_STACK, NO_STACK, type StackKind } from '../../../protocol/events.ts';
import { ProbeError } from '../../../protocol/errors.ts';
import type { TracefsSupervisor } from '../../engines/tracefs/supervisor.ts';
import { parseFormat } from '../../kernel/format.ts';

/** Frames of a program that the kernel records with an event (FTRACE_STACK_ENTRIES in kernel/trace/trace_entries.h). */
export const MOST_USER_FRAMES = 8;
/** Different stacks of one stream that are kept; of one beyond, the row has none, which is counted. */
const MOST_STACKS = 100_000;
/** The kernel's mark for its own trampolines (FTRACE_TRAMPOLINE_MARKER), which names no place. */
const MARK = 0xffffffff;

const options: Readonly<Record<StackKind, string>> = {
  kernel: 'options/stacktrace',
  user: 'options/userstacktrace',
};

/**
 * Lets the instance write a record with the stack behind each event (trace/ftrace.rst, stacktrace and userstacktrace).
 * Throws ProbeError `engine-refused` where the kernel was built without.
 */
export async function enableStacks(
  supervisor: TracefsSupervisor,
  kinds: readonly StackKind[],
): Promise<void> {
  for (const kind of kinds)
    try {
      await supervisor.set(options[kind], '1');
    } catch (cause) {
      const [what, config] =
        kind === 'user'
          ? ["a program's stack", 'CONFIG_USER_STACKTRACE_SUPPORT']
          : ["the kernel's stack", 'CONFIG_STACKTRACE'];
      throw new ProbeError(
        {
          code: 'engine-refused',
          message: `This kernel cannot record ${what} with an event: it was built without ${config}.`,
          remedy: 'Trace without these stacks, or copy the events as a bpftrace script, which has its own.',
        },
        { cause },
      );
    }
}

/** Where the records of one kind of stacks hold what. */
export interface StackRecord {
  readonly kind: StackKind;
  /** `common_type` of the records. */
  readonly id: number;
  readonly callersAt: number;
  /** Number of callers (kernel), or the process (user). */
  readonly headAt: number;
}

/** Throws when the kernel does not describe its records, which all since 2.6.33 do. */
export function stackRecords(tracefsRoot: string, kinds: readonly StackKind[]): StackRecord[] {
  return kinds.map((kind) => {
    const text = readFileSync(`${tracefsRoot}/events/ftrace/${kind}_stack/format`, 'utf8');
    const { id, fields } = parseFormat(text);
    const at = (name: string) => fields.find((field) => field.name === name)?.offsetBytes ?? 0;
    return { kind, id, callersAt: at('caller'), headAt: at(kind === 'user' ? 'tgid' : 'size') };
  });
}

/** A stack as it was recorded: addresses in hexadecimal, innermost first. */
export interface RawStack {
  readonly id: number;
  readonly kind: StackKind;
  /** 0 for the kernel's. */
  readonly pid: number;
  readonly addresses: readonly string[];
}

/** Each stack once: rows hold its id. */
export class StackTable {
  /** Stacks by hash; the words of each are the process and pairs of lower and upper halves. */
  private readonly known = new Map<number, { readonly id: number; readonly words: Uint32Array }[]>();
  private fresh: RawStack[] = [];
  private next = EMPTY_STACK + 1;
  private words = new Uint32Array(256);

  /** The id of the stack in a record; {@link NO_STACK} for a record that is cut short, or when there are too many. */
  idOf(record: StackRecord, view: DataView, at: number, length: number): number {
    if (length < record.callersAt) return NO_STACK;
    const head = view.getUint32(at + record.headAt, true);
    const held = (length - record.callersAt) >>> 3;
    const callers = record.kind === 'kernel' ? Math.min(held, head) : held;
    const words = this.gather(record.kind === 'user' ? head : 0, view, at + record.callersAt, callers);
    if (words.length === 1) return EMPTY_STACK;
    const hash = hashOf(words);
    let bucket = this.known.get(hash);
    const found = bucket?.find((entry) => sameWords(entry.words, words));
    if (found !== undefined) return found.id;
    if (this.next >= MOST_STACKS) return NO_STACK;
    if (bucket === undefined) this.known.set(hash, (bucket = []));
    const id = this.next++;
    const kept = words.slice();
    bucket.push({ id, words: kept });
    this.fresh.push({ id, kind: record.kind, pid: kept[0] ?? 0, addresses: addressesOf(kept) });
    return id;
  }

  /** Stacks that are new since the last call, in order of their ids. */
  takeFresh(): RawStack[] {
    const { fresh } = this;
    this.fresh = [];
    return fresh;
  }

  private gather(pid: number, view: DataView, at: number, callers: number): Uint32Array {
    if (this.words.length < 1 + 2 * callers) this.words = new Uint32Array(1 + 2 * callers);
    let used = 1;
    for (let index = 0; index < callers; index++) {
      const low = view.getUint32(at + 8 * index, true);
      const high = view.getUint32(at + 8 * index + 4, true);
      if (low === 0 && high === 0) break;
      if (low === MARK && high === MARK) continue;
      this.words[used++] = low;
      this.words[used++] = high;
    }
    this.words[0] = pid;
    return this.words.subarray(0, used);
  }
}

/** FNV-1a over whole words. */
function hashOf(words: Uint32Array): number {
  let hash = 0x811c9dc5;
  for (const word of words) hash = Math.imul(hash ^ word ^ (word >>> 15), 0x01000193);
  return hash;
}

function sameWords(a: Uint32Array, b: Uint32Array): boolean {
  if (a.length !== b.length) return false;
  for (let index = 0; index < a.length; index++) if (a[index] !== b[index]) return false;
  return true;
}

function addressesOf(words: Uint32Array): string[] {
  const addresses: string[] = [];
  for (let at = 1; at < words.length; at += 2) {
    const low = (words[at] ?? 0).toString(16);
    const high = words[at + 1] ?? 0;
    addresses.push(high === 0 ? low : high.toString(16) + low.padStart(8, '0'));
  }
  return addresses;
}
