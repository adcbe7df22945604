import { readFileSync } from 'node:fs';
import type { Frame, Stack } from '../../protocol/source.ts';
import { flatString } from '../flat-string.ts';
import type { DebugInfo } from './debug-info.ts';
import { JitMaps } from './jit-map.ts';
import { KernelSymboliser } from './kernel-symbols.ts';
import type { OpenBinaries } from './open-binaries.ts';
import { vdso } from './vdso.ts';

interface Mapping {
  readonly start: bigint;
  readonly end: bigint;
  readonly fileOffsetBytes: number;
  readonly path: string;
}

/** Mappings are read again at most this often for addresses that are in none. */
const REREAD_MS = 1000;
const MOST_STACKS = 100_000;

/**
 * Names the addresses of running processes. Mappings are kept, so that stacks of a process that ended meanwhile can still
 * be named when it was seen before.
 */
export class Symboliser {
  readonly #binaries: OpenBinaries;
  readonly #jit = new JitMaps();
  #kernel: KernelSymboliser | undefined;
  readonly #mappings = new Map<number, { readAtMs: number; list: readonly Mapping[] }>();
  readonly #stacks = new Map<string, Promise<Stack>>();

  constructor(binaries: OpenBinaries) {
    this.#binaries = binaries;
  }

  /** Reads a process's mappings before its stacks are wanted: it may be gone by then. What was read of one that ended stays. */
  prepare(pid: number): void {
    const list = readMappings(pid);
    if (list.length > 0 || !this.#mappings.has(pid)) this.#mappings.set(pid, { readAtMs: Date.now(), list });
  }

  /** Frames of a stack, innermost first; the innermost address is exact, the others are return addresses (hexadecimal). */
  stack(pid: number, addresses: readonly string[]): Promise<Stack> {
    const key = `${pid} ${addresses.join(' ')}`;
    const known = this.#stacks.get(key);
    if (known !== undefined) return known;
    if (this.#stacks.size > MOST_STACKS) this.#stacks.clear();
    const stack = this.#resolve(pid, addresses);
    this.#stacks.set(key, stack);
    return stack;
  }

  async #resolve(pid: number, addresses: readonly string[]): Promise<Stack> {
    const frames: Frame[] = [];
    for (const [depth, address] of addresses.entries())
      frames.push(...(await this.atAddress(pid, address, depth > 0)));
    return frames;
  }

  /** Frames at an address (hexadecimal), innermost first; they are not kept. */
  async atAddress(pid: number, address: string, isReturn: boolean): Promise<Frame[]> {
    const value = BigInt(`0x${address}`) - (isReturn ? 1n : 0n);
    const unknown: Frame = { function: `0x${address}` };
    // Addresses with the highest bit set are the kernel's.
    if (value >= 1n << 63n) return (this.#kernel ??= new KernelSymboliser()).frames(value);
    const mapping = this.#mappingOf(pid, value);
    if (mapping === undefined) {
      const compiled = this.#jit.find(pid, Number(value));
      return [compiled === undefined ? unknown : { function: compiled, module: '[jit]' }];
    }
    if (mapping.path === '[vdso]') return vdsoFrames(Number(value - mapping.start), unknown);
    return this.#inFile(pid, mapping.path, Number(value - mapping.start) + mapping.fileOffsetBytes, unknown);
  }

  /**
   * Frames at an offset of a file that a process has mapped, as perf prints them, innermost first; needs no mapping, so
   * that processes which have ended are named as well. Empty when nothing names the place.
   */
  async inFile(pid: number, path: string, offsetBytes: number, isReturn: boolean): Promise<Stack> {
    const offset = offsetBytes - (isReturn ? 1 : 0);
    const unknown: Frame = { function: '' };
    const frames =
      path === '[vdso]' ? await vdsoFrames(offset, unknown) : await this.#inFile(pid, path, offset, unknown);
    return frames[0]?.function === '' ? [] : frames;
  }

  /** The binary of a frame's `module`, or undefined where it is no file that can be read. */
  async binaryOf(pid: number, module: string): Promise<DebugInfo | undefined> {
    if (!module.startsWith('/')) return undefined;
    return this.#open(pid, module).catch(() => undefined);
  }

  async #inFile(pid: number, module: string, offsetBytes: number, unknown: Frame): Promise<Frame[]> {
    let info: DebugInfo;
    try {
      info = await this.#open(pid, module);
    } catch {
      return [{ ...unknown, module }];
    }
    const vaddr = info.elf.vaddrOf(offsetBytes);
    if (vaddr === undefined) return [{ ...unknown, module }];
    return info.frames(vaddr).map((frame) => ({
      function: frame.function === '??' ? inModule(module, vaddr) : frame.function,
      ...(frame.line === 0 ? {} : { file: frame.file, line: frame.line }),
      ...(frame.column === 0 ? {} : { column: frame.column }),
      ...(frame.inlined ? { inlined: true } : {}),
      module,
      address: vaddr,
    }));
  }

  /** The file as the process sees it: in another mount namespace it is below /proc/PID/root. */
  async #open(pid: number, path: string): Promise<DebugInfo> {
    try {
      return await this.#binaries.open(`/proc/${pid}/root${path}`);
    } catch {
      return this.#binaries.open(path);
    }
  }

  #mappingOf(pid: number, address: bigint): Mapping | undefined {
    const known = this.#mappings.get(pid);
    const found = known?.list.find(({ start, end }) => address >= start && address < end);
    const nowMs = Date.now();
    if (found !== undefined || (known !== undefined && nowMs - known.readAtMs < REREAD_MS)) return found;
    const list = readMappings(pid);
    if (list.length === 0 && known !== undefined) return undefined;
    this.#mappings.set(pid, { readAtMs: nowMs, list });
    return list.find(({ start, end }) => address >= start && address < end);
  }
}

async function vdsoFrames(offset: number, unknown: Frame): Promise<Frame[]> {
  const name = (await vdso())?.frames(offset)[0]?.function ?? '??';
  return [{ ...(name === '??' ? unknown : { function: name }), module: '[vdso]' }];
}

/** What is known of an address that no symbol names: `libc.so.6+0x891f5`, the same in every process. */
function inModule(module: string, vaddr: number): string {
  return `${module.slice(module.lastIndexOf('/') + 1)}+0x${vaddr.toString(16)}`;
}

/** Executable mappings of files; empty when the process is gone or not ours to see. Source: proc_pid_maps(5). */
function readMappings(pid: number): readonly Mapping[] {
  let text: string;
  try {
    text = readFileSync(`/proc/${pid}/maps`, 'utf8');
  } catch {
    return [];
  }
  const found: Mapping[] = [];
  for (const match of text.matchAll(
    /^([0-9a-f]+)-([0-9a-f]+) ..x. ([0-9a-f]+) \S+ \d+ +(\/.*|\[vdso\])$/gm,
  )) {
    const [, start = '0', end = '0', offset = '0', path = ''] = match;
    found.push({
      start: BigInt(`0x${start}`),
      end: BigInt(`0x${end}`),
      fileOffsetBytes: parseInt(offset, 16),
      path: flatString(path.replace(/ \(deleted\)$/, '')),
    });
  }
  return found;
}
