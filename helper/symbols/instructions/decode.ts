import type { Machine } from '../elf/header.ts';
import { decodeAarch64 } from './aarch64.ts';
import type { Decode } from './instruction.ts';
import { decodeX86 } from './x86.ts';

export function decoderOf(machine: Machine): Decode | undefined {
  if (machine === 'x86-64') return decodeX86;
  return machine === 'aarch64' ? decodeAarch64 : undefined;
}
