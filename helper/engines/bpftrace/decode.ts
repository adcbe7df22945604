/** A number, or the numbers of a tuple. */
export type MapValue = readonly number[];

/** What the engine says, one line at a time. */
export type EngineLine =
  | { readonly kind: 'printf'; readonly text: string }
  | { readonly kind: 'map'; readonly name: string; readonly entries: ReadonlyMap<string, MapValue> }
  | { readonly kind: 'attached'; readonly probes: number }
  | { readonly kind: 'lost'; readonly events: number }
  /** Blank lines, warnings on standard output, kinds of other versions. */
  | { readonly kind: 'other'; readonly text: string };

/**
 * Reads a line of `bpftrace -f json`, of versions 0.17 to 0.27. Never throws.
 * Traps (measured): bytes above 127 come as `\uffffffc3`; from 0.24 on large numbers are quoted and compiler warnings
 * stand between the lines as plain text; blank lines occur.
 */
export function decodeLine(line: string): EngineLine {
  const other: EngineLine = { kind: 'other', text: line };
  if (!line.startsWith('{')) return other;
  let message: unknown;
  try {
    message = JSON.parse(
      line.includes('\\uffffff') ? line.replace(/\\uffffff([89a-f][0-9a-f])/g, '\\u00$1') : line,
    );
  } catch {
    return other;
  }
  if (!isRecord(message)) return other;
  const stacks = stackMap(line);
  if (stacks !== undefined) return stacks;
  const { type, data } = message;
  if (type === 'printf' && typeof data === 'string') return { kind: 'printf', text: data };
  if (type === 'map' && isRecord(data)) return mapLine(data) ?? other;
  if (type === 'attached_probes' && isRecord(data))
    return { kind: 'attached', probes: toNumber(data['probes']) };
  if (type === 'lost_events' && isRecord(data)) return { kind: 'lost', events: toNumber(data['events']) };
  return other;
}

/**
 * A map of stacks, read without JSON.parse: 0.17 tells the stacks of threads apart but prints the same key for them, so
 * that a key stands there several times (measured: 8 threads, 8 times), and of those JSON.parse keeps the last.
 */
function stackMap(line: string): EngineLine | undefined {
  const start = /^\{"type": ?"map", ?"data": ?\{"(@kk?)": ?\{/.exec(line);
  if (start === null) return undefined;
  const entries = new Map<string, MapValue>();
  const pairs = /"((?:[^"\\]|\\.)*)": ?"?(\d+)"?/g;
  pairs.lastIndex = start[0].length;
  for (let pair = pairs.exec(line); pair !== null; pair = pairs.exec(line)) {
    const key = String(JSON.parse(`"${pair[1] ?? ''}"`));
    entries.set(key, [(entries.get(key)?.[0] ?? 0) + Number(pair[2])]);
  }
  return { kind: 'map', name: start[1] ?? '', entries };
}

/** Printing an empty map gives an empty record on some versions and nothing on others. */
function mapLine(data: Record<string, unknown>): EngineLine | undefined {
  const [pair, ...more] = Object.entries(data);
  if (pair === undefined || more.length > 0) return undefined;
  const [name, value] = pair;
  const entries = new Map<string, MapValue>();
  if (isRecord(value)) for (const [key, count] of Object.entries(value)) entries.set(key, toNumbers(count));
  return { kind: 'map', name, entries };
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function toNumbers(value: unknown): MapValue {
  return Array.isArray(value) ? value.map(toNumber) : [toNumber(value)];
}

function toNumber(value: unknown): number {
  const number = typeof value === 'string' ? Number(value) : value;
  return typeof number === 'number' && Number.isFinite(number) ? number : 0;
}

/** A call stack's key in the maps @k and @kk: site code, process, return address, addresses innermost first. */
export interface StackKey {
  readonly code: number;
  readonly pid: number;
  readonly addresses: readonly string[];
}

/**
 * Reads a key `CODE,PID,RETURN,STACK`; STACK is lines of `ADDR sym+off (module)` (mode perf) or bare addresses (raw).
 * The frame pointer chain at a function's entry misses the caller wherever the kernel cannot know that the frame is not
 * built yet (before 6.11, and for functions that do not start with a push), so the return address was read besides.
 */
export function decodeStackKey(key: string): StackKey | undefined {
  const match = /^(\d+),(\d+),(-?\d+),?([^]*)$/.exec(key);
  if (match === null) return undefined;
  const [, code, pid, caller, text = ''] = match;
  // 0.23 escapes a key's newlines twice
  const lines = text.replaceAll('\\n', '\n').replaceAll('\\t', '\t');
  const frames = [...lines.matchAll(/^\s*(?:0x)?([0-9a-f]+)(?:\s|$)/gm)].map((frame) => frame[1] ?? '');
  const callerAddress = BigInt.asUintN(64, BigInt(caller ?? 0)).toString(16);
  const [entry, ...rest] = frames;
  const addresses =
    rest[0] === callerAddress || callerAddress === '0'
      ? frames
      : [...(entry === undefined ? [] : [entry]), callerAddress, ...rest];
  return { code: Number(code), pid: Number(pid), addresses };
}
