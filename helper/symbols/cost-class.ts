import type { CostClass } from '../../protocol/cost.ts';
import type { ElfFile } from './elf.ts';
import { decoderOf } from './instructions/decode.ts';

/** What a hit of a probe at an address costs, by the instruction there: which of the calibrated kinds it is like. */
export function costClassAt(elf: ElfFile, vaddr: number): CostClass {
  switch (decoderOf(elf.header.machine)?.(elf.bytesAt(vaddr, 16), 0, vaddr)?.class ?? 'other') {
    case 'nop':
      return 'nop';
    case 'landing-pad':
      return 'endbr64';
    // emulated like a push: the kernel needs no single step (arch/x86/kernel/uprobes.c, branch_setup_xol_ops)
    case 'push':
    case 'call':
    case 'jump':
    case 'conditional-jump':
      return 'push';
    case 'move':
    case 'indirect-jump':
    case 'return':
    case 'other':
    case 'invalid':
      return 'mov';
  }
}
