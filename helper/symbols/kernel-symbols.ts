import { closeSync, existsSync, openSync, readFileSync, readSync } from 'node:fs';
import { release } from 'node:os';
import type { Frame } from '../../protocol/source.ts';
import { addressFromBigInt } from './address.ts';
import { DebugInfo } from './debug-info.ts';
import { NT_GNU_BUILD_ID, parseNotes } from './elf/notes.ts';
import { buildIdPaths } from './locate/debug-file.ts';

export interface KernelSymbol {
  readonly name: string;
  readonly address: number;
  /** The module's name; undefined for the kernel itself. */
  readonly module?: string;
}

/** `ffffffff81000000 T ` comes before a name. */
const NAME_AT = 19;
/** Room for so many symbols of 32 letters at first: what is not filled costs no memory, what grows is there twice for a while. */
const USUAL_COUNT = 1 << 18;
/** Data symbols name no code. */
const codeTypes = new Set([...'TtWw'].map((letter) => letter.charCodeAt(0)));

/**
 * Symbols of the running kernel as `/proc/kallsyms` lists them (proc_kallsyms(5)), ordered by address. Where addresses are
 * hidden (kernel.kptr_restrict) all are 0 and the table is empty: {@link isHidden}. Of the file's 12 MB only the names of code are kept.
 */
export class KernelSymbols {
  readonly isHidden: boolean;
  readonly #addresses: Float64Array;
  /** Names, each with a newline behind it; those of modules as `name\t[module]`. */
  readonly #names: Buffer;
  /** Where each symbol's name begins. */
  readonly #nameAt: Uint32Array;

  constructor(chunks: Iterable<Uint8Array>) {
    const addresses = new Growing(Float64Array, USUAL_COUNT);
    const nameAt = new Growing(Uint32Array, USUAL_COUNT);
    const names = new Growing(Uint8Array, 32 * USUAL_COUNT);
    let total = 0;
    for (const lines of wholeLines(chunks))
      for (let at = 0; at < lines.length;) {
        const end = lines.indexOf(10, at);
        if (codeTypes.has(lines[at + 17]!)) {
          total++;
          const upper = hexadecimal(lines, at);
          const lower = hexadecimal(lines, at + 8);
          if (upper !== 0 || lower !== 0) {
            addresses.push((upper | 0) * 4294967296 + lower);
            nameAt.push(names.length);
            for (let i = at + NAME_AT; i <= end; i++) names.push(lines[i]!);
          }
        }
        at = end + 1;
      }
    const address = addresses.items;
    const order = new Uint32Array(addresses.length).map((_, index) => index);
    // the kernel's own come in order, those of modules do not
    order.sort((a, b) => address[a]! - address[b]! || a - b);
    this.#addresses = Float64Array.from(order, (index) => address[index]!);
    this.#nameAt = Uint32Array.from(order, (index) => nameAt.items[index]!);
    this.#names = Buffer.from(names.items.buffer, 0, names.length);
    this.isHidden = total > 0 && addresses.length === 0;
  }

  static read(path = '/proc/kallsyms'): KernelSymbols {
    return new KernelSymbols(chunksOf(path));
  }

  get count(): number {
    return this.#addresses.length;
  }

  /** The last symbol at or before `address` (signed, see address.ts). */
  find(address: number): KernelSymbol | undefined {
    let low = 0;
    let high = this.#addresses.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#addresses[middle]! <= address) low = middle + 1;
      else high = middle;
    }
    return low === 0 ? undefined : this.#symbol(low - 1);
  }

  named(name: string): KernelSymbol | undefined {
    for (let index = 0; index < this.#nameAt.length; index++) {
      const symbol = this.#symbol(index);
      if (symbol.name === name) return symbol;
    }
    return undefined;
  }

  #symbol(index: number): KernelSymbol {
    const start = this.#nameAt[index]!;
    const [name = '', module] = this.#names
      .toString('latin1', start, this.#names.indexOf(10, start))
      .split('\t');
    return {
      name,
      address: this.#addresses[index]!,
      ...(module === undefined ? {} : { module: module.replace(/^\[|\]$/g, '') }),
    };
  }
}

/** A file of the kernel's, whose size is not told, in pieces. */
function* chunksOf(path: string): Generator<Uint8Array> {
  const fd = openSync(path, 'r');
  try {
    const chunk = Buffer.alloc(64 * 1024);
    for (let got = readSync(fd, chunk); got > 0; got = readSync(fd, chunk)) yield chunk.subarray(0, got);
  } finally {
    closeSync(fd);
  }
}

/** The same bytes in pieces that end with a newline each; valid until the next one. All in one buffer: a new one a piece is 12 MB to collect. */
function* wholeLines(chunks: Iterable<Uint8Array>): Generator<Buffer> {
  let held = Buffer.alloc(128 * 1024);
  let length = 0;
  for (const chunk of chunks) {
    // one more for the last newline
    if (length + chunk.length >= held.length) held = Buffer.concat([held], 2 * (held.length + chunk.length));
    held.set(chunk, length);
    length += chunk.length;
    const end = held.subarray(0, length).lastIndexOf(10) + 1;
    if (end > 0) yield held.subarray(0, end);
    held.copyWithin(0, end, length);
    length -= end;
  }
  if (length === 0) return;
  held[length++] = 10;
  yield held.subarray(0, length);
}

/** Eight digits; 0 for anything else. Without a string: there are 400,000 of them. */
function hexadecimal(bytes: Uint8Array, at: number): number {
  let value = 0;
  for (let i = at; i < at + 8; i++) {
    const byte = bytes[i] ?? 0;
    const digit = byte <= 57 ? byte - 48 : (byte | 32) - 87;
    if (digit < 0 || digit > 15) return 0;
    value = value * 16 + digit;
  }
  return value;
}

/** A column that is filled one by one. */
class Growing<T extends Float64Array | Uint32Array | Uint8Array> {
  readonly #make: new (length: number) => T;
  /** Longer than what was added. */
  items: T;
  length = 0;

  constructor(make: new (length: number) => T, room: number) {
    this.#make = make;
    this.items = new make(room);
  }

  push(value: number): void {
    if (this.length === this.items.length) {
      const longer = new this.#make(2 * this.length);
      longer.set(this.items);
      this.items = longer;
    }
    this.items[this.length++] = value;
  }
}

/** Frames of the running kernel: names from kallsyms; files, lines and inlined copies where vmlinux's debug file is installed. */
export class KernelSymboliser {
  readonly #symbols: KernelSymbols;
  readonly #debug: Promise<{ info: DebugInfo; slide: number } | undefined>;

  constructor(symbols: KernelSymbols = KernelSymbols.read(), debugFile = findVmlinux()) {
    this.#symbols = symbols;
    this.#debug = debugFile === undefined ? Promise.resolve(undefined) : openVmlinux(debugFile, symbols);
  }

  /** Innermost first; always at least one. `address` is unsigned, as tools print it. */
  async frames(address: bigint): Promise<Frame[]> {
    const at = addressFromBigInt(address);
    const text = `0x${address.toString(16)}`;
    if (at === undefined) return [{ function: text, module: '[kernel]' }];
    const symbol = this.#symbols.find(at);
    const module = symbol?.module === undefined ? '[kernel]' : `[${symbol.module}]`;
    const debug = symbol?.module === undefined ? await this.#debug : undefined;
    const named: Frame = { function: symbol?.name ?? text, module, address: text };
    if (debug === undefined) return [named];
    const frames = debug.info.frames(at - debug.slide);
    if (frames.length === 1 && frames[0]?.line === 0) return [named];
    return frames.map((frame) => ({
      function: frame.function === '??' ? named.function : frame.function,
      ...(frame.line === 0 ? {} : { file: frame.file, line: frame.line }),
      ...(frame.column === 0 ? {} : { column: frame.column }),
      ...(frame.inlined ? { inlined: true } : {}),
      module,
      address: text,
    }));
  }
}

/** The debug file must be of this very kernel: its build id is in /sys/kernel/notes. */
function findVmlinux(): string | undefined {
  const id = runningBuildId();
  const places = [
    ...(id === undefined ? [] : buildIdPaths('', id)),
    `/usr/lib/debug/boot/vmlinux-${release()}`,
    `/usr/lib/debug/lib/modules/${release()}/vmlinux`,
    `/lib/modules/${release()}/build/vmlinux`,
  ];
  return places.find((path) => existsSync(path));
}

export function runningBuildId(path = '/sys/kernel/notes'): string | undefined {
  try {
    const note = parseNotes(new Uint8Array(readFileSync(path)), 4).find(
      ({ owner, type }) => owner === 'GNU' && type === NT_GNU_BUILD_ID,
    );
    return note === undefined ? undefined : Buffer.from(note.description).toString('hex');
  } catch {
    return undefined;
  }
}

/** Address randomisation moves the whole kernel by the difference of `_text` here and there. */
async function openVmlinux(
  path: string,
  symbols: KernelSymbols,
): Promise<{ info: DebugInfo; slide: number } | undefined> {
  try {
    const info = await DebugInfo.open(path);
    const running = runningBuildId();
    const here = symbols.named('_text')?.address ?? symbols.named('_stext')?.address;
    const name = symbols.named('_text') === undefined ? '_stext' : '_text';
    let there: number | undefined;
    for (const symbol of info.elf.symbols() ?? [])
      if (symbol.name === name) {
        there = symbol.value;
        break;
      }
    if (
      here === undefined ||
      there === undefined ||
      (running !== undefined && info.elf.buildId !== running)
    ) {
      info.close();
      return undefined;
    }
    return { info, slide: here - there };
  } catch {
    // Names from kallsyms are still there.
    return undefined;
  }
}
