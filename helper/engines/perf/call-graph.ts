import { asProblem } from '../../../protocol/errors.ts';
import { ElfFile } from '../../symbols/elf.ts';

export interface CallGraphChoice {
  /** What perf's --call-graph takes. */
  readonly mode: 'fp' | 'dwarf';
  /** A full sentence, for the user: why. */
  readonly why: string;
}

/** 64 MB of code are looked at: 4 million function starts are enough to judge by. */
const MAX_CODE_BYTES = 64 << 20;

/**
 * Frame pointers, or the slower unwinding by DWARF: decided by the code itself. A function that
 * begins with `push %rbp` and keeps frame pointers goes on with `mov %rsp,%rbp` (48 89 e5), one that does not, does not.
 * `name` is what the user knows it by.
 */
export function chooseCallGraph(binary: string, name: string = binary): CallGraphChoice {
  let elf: ElfFile;
  try {
    elf = ElfFile.open(binary);
  } catch (error) {
    return { mode: 'fp', why: `Stacks are walked by frame pointers: ${asProblem(error).message}` };
  }
  try {
    if (elf.header.machine === 'aarch64')
      return { mode: 'fp', why: 'Stacks are walked by frame pointers, which code for ARM keeps.' };
    const text = elf.sectionBytes('.text')?.all();
    if (text === undefined)
      return { mode: 'dwarf', why: `Stacks are unwound with DWARF: ${name} has no .text to look at.` };
    const { pushes, frames } = countPrologues(text.subarray(0, MAX_CODE_BYTES));
    if (frames * 2 > pushes)
      return {
        mode: 'fp',
        why: `Stacks are walked by frame pointers: ${frames} of ${pushes} functions of ${name} that save %rbp set one up.`,
      };
    return {
      mode: 'dwarf',
      why: `Stacks are unwound with DWARF, because ${name} keeps no frame pointers (${frames} of ${pushes} functions that save %rbp set one up); this records 8 KB a sample.`,
    };
  } finally {
    elf.close();
  }
}

/** What may stand right before a function: the end of the one before, padding, `endbr64`. */
const before = new Set([0xc3, 0x90, 0xcc, 0x00, 0xfa]);

/** Function starts with `push %rbp`, and those of them that set up a frame. */
export function countPrologues(code: Uint8Array): { pushes: number; frames: number } {
  let pushes = 0;
  let frames = 0;
  for (let at = code.indexOf(0x55); at >= 0; at = code.indexOf(0x55, at + 1)) {
    if (at > 0 && !before.has(code[at - 1]!)) continue;
    pushes++;
    if (code[at + 1] === 0x48 && code[at + 2] === 0x89 && code[at + 3] === 0xe5) frames++;
  }
  return { pushes, frames };
}
