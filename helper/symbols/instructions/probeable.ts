import type { ElfFile } from '../elf.ts';

/** Prefixes that may stand before an x86 opcode in any order (Intel SDM volume 2, section 2.1.1). */
const LEGACY_PREFIXES = new Set([0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65, 0x66, 0x67, 0xf0, 0xf2, 0xf3]);
/** Of these the kernel refuses with ENOTSUPP (arch/x86/kernel/uprobes.c, is_prefix_bad). */
const REFUSED_PREFIXES: ReadonlyMap<number, string> = new Map([
  [0xf0, 'lock'],
  [0x26, 'es'],
  [0x2e, 'cs'],
  [0x36, 'ss'],
  [0x3e, 'ds'],
]);

/** Why the kernel takes no probe on the instruction there, to follow “begins with”; undefined when it does. */
export function prefixRefusal(elf: ElfFile, vaddr: number): string | undefined {
  if (elf.header.machine !== 'x86-64') return undefined;
  for (const byte of elf.bytesAt(vaddr, 15)) {
    if (!LEGACY_PREFIXES.has(byte)) return undefined;
    const prefix = REFUSED_PREFIXES.get(byte);
    if (prefix !== undefined)
      return `an instruction with the prefix “${prefix}”, on which the kernel takes no probe.`;
  }
  return undefined;
}
