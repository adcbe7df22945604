/**
 * JSON as bpftrace writes it, which is not quite JSON (measured on 0.17, 0.23.2 and 0.27): bytes above 127 come as
 * `\uffffffc3`, integers have 64 bits, an object may hold the same key several times (0.17 prints the stacks of threads
 * so), and 0.27 prints the values of `tseries` in bare hexadecimal once it has printed the addresses of a stack. Hence a reader of our own:
 * objects become lists of pairs, numbers keep their digits.
 */
export type Json = string | boolean | null | Digits | readonly Json[] | Pairs;

/** A number by its digits: `9007199254740993`, `-5`, `a`. */
export class Digits {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }

  /** Rounded beyond 2^53; null when it is no decimal number. */
  get value(): number | null {
    const value = Number(this.text);
    return this.text === '' || !Number.isFinite(value) ? null : value;
  }
}

export class Pairs {
  readonly pairs: readonly (readonly [string, Json])[];

  constructor(pairs: readonly (readonly [string, Json])[]) {
    this.pairs = pairs;
  }

  /** The first value of a key. */
  get(key: string): Json | undefined {
    return this.pairs.find(([name]) => name === key)?.[1];
  }
}

/** Deeper nesting than any value of bpftrace's has: what is deeper is no output of it. */
const MAX_DEPTH = 64;

/** Reads one line; undefined when it is nothing that bpftrace prints. Never throws. */
export function readJson(text: string): Json | undefined {
  const reader = new Reader(text);
  const value = reader.value(0);
  return value === undefined || !reader.atEnd() ? undefined : value;
}

class Reader {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  atEnd(): boolean {
    this.#skipBlanks();
    return this.#at >= this.#text.length;
  }

  value(depth: number): Json | undefined {
    if (depth > MAX_DEPTH) return undefined;
    this.#skipBlanks();
    switch (this.#text[this.#at]) {
      case '{':
        return this.#object(depth);
      case '[':
        return this.#array(depth);
      case '"':
        return this.#string();
      default:
        return this.#word();
    }
  }

  #skipBlanks(): void {
    while (this.#text[this.#at] === ' ' || this.#text[this.#at] === '\t' || this.#text[this.#at] === '\r')
      this.#at++;
  }

  #take(character: string): boolean {
    this.#skipBlanks();
    if (this.#text[this.#at] !== character) return false;
    this.#at++;
    return true;
  }

  #object(depth: number): Json | undefined {
    this.#at++;
    const pairs: [string, Json][] = [];
    if (this.#take('}')) return new Pairs(pairs);
    do {
      this.#skipBlanks();
      const key = this.#text[this.#at] === '"' ? this.#string() : undefined;
      if (key === undefined || !this.#take(':')) return undefined;
      const value = this.value(depth + 1);
      if (value === undefined) return undefined;
      pairs.push([key, value]);
    } while (this.#take(','));
    return this.#take('}') ? new Pairs(pairs) : undefined;
  }

  #array(depth: number): Json | undefined {
    this.#at++;
    const items: Json[] = [];
    if (this.#take(']')) return items;
    do {
      const value = this.value(depth + 1);
      if (value === undefined) return undefined;
      items.push(value);
    } while (this.#take(','));
    return this.#take(']') ? items : undefined;
  }

  #string(): string | undefined {
    const from = this.#at + 1;
    let end = from;
    for (;;) {
      const next = this.#text[end];
      if (next === undefined) return undefined;
      if (next === '"') break;
      end += next === '\\' ? 2 : 1;
    }
    this.#at = end + 1;
    const raw = this.#text.slice(from, end);
    return raw.includes('\\') ? unescape(raw) : raw;
  }

  #word(): Json | undefined {
    const match = /[-+.\w]+/y;
    match.lastIndex = this.#at;
    const word = match.exec(this.#text)?.[0];
    if (word === undefined) return undefined;
    this.#at += word.length;
    if (word === 'true' || word === 'false') return word === 'true';
    if (word === 'null') return null;
    return /^[-+]?[\da-f.]+(e[-+]?\d+)?$|^[-+]?(nan|inf)$/i.test(word) ? new Digits(word) : undefined;
  }
}

const shortEscapes: Readonly<Record<string, string>> = { n: '\n', t: '\t', r: '\r', b: '\b', f: '\f' };

/** Runs of byte escapes are UTF-8; bytes that are not stay to be seen as `\xff`. */
function unescape(raw: string): string {
  let bytes: number[] = [];
  let result = '';
  const flush = (): void => {
    if (bytes.length > 0) result += textOfBytes(bytes);
    bytes = [];
  };
  const piece = /\\u(?:ffffff([89a-f][\da-f])|([\da-f]{4}))|\\(.)|([^\\]+)/gis;
  for (let match = piece.exec(raw); match !== null; match = piece.exec(raw)) {
    const [, byte, code, short, plain] = match;
    if (byte !== undefined) {
      bytes.push(parseInt(byte, 16));
      continue;
    }
    flush();
    if (code !== undefined) result += String.fromCharCode(parseInt(code, 16));
    else if (short !== undefined) result += shortEscapes[short] ?? short;
    else result += plain ?? '';
  }
  flush();
  return result;
}

const strict = new TextDecoder('utf-8', { fatal: true });

/** UTF-8 where it is that, `\xNN` for each byte where it is not. */
export function textOfBytes(bytes: readonly number[]): string {
  try {
    return strict.decode(Uint8Array.from(bytes));
  } catch {
    let result = '';
    for (let at = 0; at < bytes.length;) {
      const first = bytes[at] ?? 0;
      const length = first < 0x80 ? 1 : first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : first >= 0xc2 ? 2 : 0;
      const sequence = bytes.slice(at, at + length);
      const decoded = length === 0 || sequence.length < length ? undefined : decodeOne(sequence);
      result += decoded ?? `\\x${first.toString(16).padStart(2, '0')}`;
      at += decoded === undefined ? 1 : length;
    }
    return result;
  }
}

function decodeOne(sequence: readonly number[]): string | undefined {
  try {
    return strict.decode(Uint8Array.from(sequence));
  } catch {
    return undefined;
  }
}
