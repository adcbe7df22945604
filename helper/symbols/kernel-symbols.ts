import { existsSync, readFileSync } from 'node:fs';
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

/**
 * Symbols of the running kernel as `/proc/kallsyms` lists them (proc_kallsyms(5)), ordered by address. Where addresses are
 * hidden (kernel.kptr_restrict) all are 0 and the table is empty: {@link isHidden}.
 */
export class KernelSymbols {
  readonly isHidden: boolean;
  readonly #text: string;
  readonly #addresses: Float64Array;
  /** Where each symbol's line starts in the text. */
  readonly #lines: Uint32Array;

  constructor(text: string) {
    this.#text = text;
    const addresses: number[] = [];
    const lines: number[] = [];
    let total = 0;
    for (let at = 0; at < text.length;) {
      const end = text.indexOf('\n', at);
      const line = end < 0 ? text.length : end;
      // "ffffffff81000000 T _text"; data symbols name no code.
      const type = text[at + 17];
      const upper = Number.parseInt(text.slice(at, at + 8), 16);
      const lower = Number.parseInt(text.slice(at + 8, at + 16), 16);
      if (type === 'T' || type === 't' || type === 'W' || type === 'w') {
        total++;
        if (upper !== 0 || lower !== 0) {
          addresses.push((upper | 0) * 4294967296 + lower);
          lines.push(at);
        }
      }
      at = line + 1;
    }
    const order = new Uint32Array(addresses.length).map((_, index) => index);
    order.sort((a, b) => addresses[a]! - addresses[b]! || a - b);
    this.#addresses = Float64Array.from(order, (index) => addresses[index]!);
    this.#lines = Uint32Array.from(order, (index) => lines[index]!);
    this.isHidden = total > 0 && addresses.length === 0;
  }

  static read(path = '/proc/kallsyms'): KernelSymbols {
    return new KernelSymbols(readFileSync(path, 'latin1'));
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
    const at = new RegExp(`^[0-9a-f]{16} [TtWw] ${name.replace(/[^\w]/g, '\\$&')}$`, 'm').exec(
      this.#text,
    )?.index;
    const index = at === undefined ? -1 : this.#lines.indexOf(at);
    return index < 0 ? undefined : this.#symbol(index);
  }

  #symbol(index: number): KernelSymbol {
    const start = this.#lines[index]!;
    const end = this.#text.indexOf('\n', start);
    const [name = '', module] = this.#text.slice(start + 19, end < 0 ? undefined : end).split('\t');
    return {
      name,
      address: this.#addresses[index]!,
      ...(module === undefined ? {} : { module: module.replace(/^\[|\]$/g, '') }),
    };
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
