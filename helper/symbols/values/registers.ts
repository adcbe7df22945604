import type { Machine } from '../elf/header.ts';

/** DWARF register numbers in the kernel's spelling: System V AMD64 psABI figure 3.36, and DWARF for the Arm 64-bit architecture. */
const x86 = [
  'ax',
  'dx',
  'cx',
  'bx',
  'si',
  'di',
  'bp',
  'sp',
  'r8',
  'r9',
  'r10',
  'r11',
  'r12',
  'r13',
  'r14',
  'r15',
  'ip',
];

/** The kernel's name of a general register, or undefined for those that a uprobe cannot read (floating point, vectors). */
export function kernelRegister(machine: Machine, dwarf: number): string | undefined {
  if (machine === 'x86-64') return x86[dwarf];
  if (machine !== 'aarch64') return undefined;
  if (dwarf === 31) return 'sp';
  return dwarf < 31 ? `x${dwarf}` : undefined;
}

/** 32-bit x86 (System V psABI figure 2.14): no probe reads them here, people do. */
const x86Of32Bits = ['eax', 'ecx', 'edx', 'ebx', 'esp', 'ebp', 'esi', 'edi', 'eip'];

/** For messages: `xmm0`, `v3`, or the number. */
export function registerName(machine: Machine, dwarf: number): string {
  const general = kernelRegister(machine, dwarf);
  if (general !== undefined) return machine === 'x86-64' && dwarf < 8 ? `r${general}` : general;
  if (machine === 'x86') return x86Of32Bits[dwarf] ?? `register ${dwarf}`;
  if (machine === 'x86-64' && dwarf >= 17 && dwarf <= 32) return `xmm${dwarf - 17}`;
  if (machine === 'aarch64' && dwarf >= 64 && dwarf <= 95) return `v${dwarf - 64}`;
  return `register ${dwarf}`;
}

/** The stack pointer's DWARF number. */
export function stackPointer(machine: Machine): number {
  return machine === 'x86-64' ? 7 : 31;
}
