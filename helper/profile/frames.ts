import { readlinkSync } from 'node:fs';
import type { Frame } from '../../protocol/source.ts';
import { isKernelFrame, perfFrame } from '../engines/perf/text.ts';
import { KnownPlaces, type Places } from './known-places.ts';
import type { Symboliser } from '../symbols/symbolise.ts';
import type { StackInterner } from './stacks.ts';

/** Places in files that are kept by name; a program of 10,000 functions has a few for each. */
const MOST_PLACES = 50_000;
/** Places of single processes: a JIT's code is somewhere else in each, and soon named again. */
const MOST_PROCESS_PLACES = 10_000;
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
  readonly #inFiles = new KnownPlaces<string>(MOST_PLACES);
  readonly #ofProcesses = new KnownPlaces<number>(MOST_PROCESS_PLACES);
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
      const known = this.#placesAround(pid, line);
      let here = known.get(line, isReturn);
      if (here === undefined) {
        here = (await this.#frames(pid, line, isReturn)).map((frame) => this.#stacks.frame(frame)).reverse();
        known.set(line, isReturn, here);
      }
      for (const id of here) ids.push(id);
    }
    return ids;
  }

  /** Places in files are the same in every process that sees the same files; others are the process's own. */
  #placesAround(pid: number, line: string): Places {
    if (isKernelFrame(line)) return this.#inFiles.of('');
    const isInFile = line.endsWith(')') && / \((?:\/(?!tmp\/perf-)|\[vdso)/.test(line);
    return isInFile && !this.#printsAddresses
      ? this.#inFiles.of(this.#namespaceOf(pid))
      : this.#ofProcesses.of(pid);
  }

  /** Innermost first. */
  async #frames(pid: number, line: string, isReturn: boolean): Promise<readonly Frame[]> {
    const frame = perfFrame(line);
    if (frame === undefined) return [{ function: line }];
    const { address, symbol, module } = frame;
    const asPrinted: Frame = { function: symbol === '' ? `0x${address}` : symbol };
    if (isKernelFrame(line)) {
      // the kernel's addresses are the same for everybody
      const named = await this.#symboliser.atAddress(0, address, isReturn);
      return isNamed(named) ? named : [{ ...asPrinted, module: '[kernel]' }];
    }
    const isFile = (module.startsWith('/') && !isJitMap(module)) || module === '[vdso]';
    const offset = Number.parseInt(address, 16);
    if (offset === 0) return isReturn ? [] : [asPrinted];
    if (isFile && offset >= LARGEST_FILE) this.#printsAddresses = true;
    const named =
      isFile && !this.#printsAddresses
        ? await this.#symboliser.inFile(pid, module, offset, isReturn)
        : await this.#symboliser.atAddress(pid, address, isReturn);
    if (isNamed(named)) return named;
    if (isJitMap(module)) return [symbol === '' ? unnamedJit : { ...asPrinted, module: '[jit]' }];
    // where frame pointers lead to no code at all: what a function without one kept in the register
    if (isReturn && !isFile && symbol === '') return [];
    return [isFile ? { ...asPrinted, module } : asPrinted];
  }

  #namespaceOf(pid: number): string {
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
