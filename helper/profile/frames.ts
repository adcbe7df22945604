import { readlinkSync } from 'node:fs';
import type { Frame } from '../../protocol/source.ts';
import { isKernelFrame, perfFrame } from '../engines/perf/text.ts';
import type { Symboliser } from '../symbols/symbolise.ts';
import type { StackInterner } from './stacks.ts';

/** Places that are kept by name; a program of 10,000 functions has a few for each. */
const MOST_PLACES = 100_000;
/** No file is so large: a number beyond it is an address and no offset in a file. */
const LARGEST_FILE = 2 ** 32;

/** Code that a program wrote itself and named nowhere: one frame, because its addresses tell nobody anything. */
const unnamedJit: Frame = { function: '[code without a name]', module: '[jit]' };

/**
 * Names the frames of `perf script` with our own symbols, a line once. perf prints offsets in files (its 6.x releases) or
 * addresses (others); which of the two, the first address above 4 GB tells, where libraries and most programs are mapped.
 */
export class FrameNamer {
  readonly #symboliser: Symboliser;
  readonly #stacks: StackInterner;
  /** Frame ids, outermost first: inlined frames are several. */
  readonly #known = new Map<string, readonly number[]>();
  readonly #namespaces = new Map<number, string>();
  #printsAddresses = false;

  constructor(symboliser: Symboliser, stacks: StackInterner) {
    this.#symboliser = symboliser;
    this.#stacks = stacks;
  }

  /** Ids of a stack's frames, outermost first, of lines innermost first as perf prints them. */
  async name(pid: number, lines: readonly string[]): Promise<number[]> {
    const ids: number[] = [];
    const firstUser = lines.findIndex((line) => !isKernelFrame(line));
    for (let i = lines.length - 1; i >= 0; i--) {
      const line = lines[i]!;
      // the innermost frame of either stack is where it stands, the others where they return to
      const isReturn = i !== 0 && i !== firstUser;
      const key = `${isKernelFrame(line) ? '' : this.#namespaceOf(pid, line)}${isReturn ? '<' : '='}${line}`;
      let known = this.#known.get(key);
      if (known === undefined) {
        known = (await this.#frames(pid, line, isReturn)).map((frame) => this.#stacks.frame(frame)).reverse();
        if (this.#known.size >= MOST_PLACES) this.#known.clear();
        this.#known.set(key, known);
      }
      for (const id of known) ids.push(id);
    }
    return ids;
  }

  /** Innermost first. */
  async #frames(pid: number, line: string, isReturn: boolean): Promise<readonly Frame[]> {
    const frame = perfFrame(line);
    if (frame === undefined) return [{ function: line }];
    const { address, symbol, module } = frame;
    const asPrinted: Frame = { function: symbol === '' ? `0x${address}` : symbol };
    if (isKernelFrame(line)) {
      // the kernel's addresses are the same for everybody
      const named = await this.#atAddress(0, address, isReturn);
      return isNamed(named) ? named : [{ ...asPrinted, module: '[kernel]' }];
    }
    const isFile = (module.startsWith('/') && !isJitMap(module)) || module === '[vdso]';
    const offset = Number.parseInt(address, 16);
    if (offset === 0) return isReturn ? [] : [asPrinted];
    if (isFile && offset >= LARGEST_FILE) this.#printsAddresses = true;
    const named =
      isFile && !this.#printsAddresses
        ? await this.#symboliser.inFile(pid, module, offset, isReturn)
        : await this.#atAddress(pid, address, isReturn);
    if (isNamed(named)) return named;
    if (isJitMap(module)) return [symbol === '' ? unnamedJit : { ...asPrinted, module: '[jit]' }];
    // where frame pointers lead to no code at all: what a function without one kept in the register
    if (isReturn && !isFile && symbol === '') return [];
    return [isFile ? { ...asPrinted, module } : asPrinted];
  }

  /** {@link Symboliser.stack} takes the innermost address as it is and steps back in the others. */
  async #atAddress(pid: number, address: string, isReturn: boolean): Promise<readonly Frame[]> {
    const exact = isReturn ? (BigInt(`0x${address}`) - 1n).toString(16) : address;
    return this.#symboliser.stack(pid, [exact]);
  }

  /** Places in files are the same in every process that sees the same files; others are the process's own. */
  #namespaceOf(pid: number, line: string): string {
    if (!line.endsWith(')') || !/ \((?:\/(?!tmp\/perf-)|\[vdso)/.test(line) || this.#printsAddresses)
      return String(pid);
    let namespace = this.#namespaces.get(pid);
    if (namespace === undefined) {
      try {
        namespace = readlinkSync(`/proc/${pid}/ns/mnt`);
      } catch {
        namespace = '';
      }
      if (this.#namespaces.size >= MOST_PLACES) this.#namespaces.clear();
      this.#namespaces.set(pid, namespace);
    }
    return namespace;
  }
}

function isNamed(frames: readonly Frame[]): boolean {
  const [innermost] = frames;
  return innermost !== undefined && !innermost.function.startsWith('0x');
}

function isJitMap(module: string): boolean {
  return /\/perf-\d+\.map$/.test(module);
}
