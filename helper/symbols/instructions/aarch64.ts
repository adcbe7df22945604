import type { Decode, Instruction, InstructionClass } from './instruction.ts';

/** Bits that are fixed in an instruction, and what they are (Arm Architecture Reference Manual, DDI 0487, section C4.1). */
const patterns: readonly [mask: number, bits: number, class_: InstructionClass][] = [
  [0xffffffff, 0xd503201f, 'nop'],
  // bti, bti c, bti j, bti jc; paciasp, pacibsp.
  [0xffffff3f, 0xd503241f, 'landing-pad'],
  [0xffffffbf, 0xd503233f, 'landing-pad'],
  [0xfffffc1f, 0xd65f0000, 'return'],
  [0xfffffbff, 0xd65f0bff, 'return'],
  // stp …, [sp, #-N]! and str …, [sp, #-N]!.
  [0xffc003e0, 0xa98003e0, 'push'],
  [0xffe00fe0, 0xf8000fe0, 'push'],
  [0xfc000000, 0x14000000, 'jump'],
  [0xfc000000, 0x94000000, 'call'],
  [0xfffffc1f, 0xd63f0000, 'call'],
  [0xfffffc1f, 0xd61f0000, 'indirect-jump'],
  [0xfffff800, 0xd61f0800, 'indirect-jump'],
  [0xff000010, 0x54000000, 'conditional-jump'],
  [0x7e000000, 0x34000000, 'conditional-jump'],
  [0x7e000000, 0x36000000, 'conditional-jump'],
  // mov (register, wide immediate), adr, adrp.
  [0x7fe0ffe0, 0x2a0003e0, 'move'],
  [0x1f800000, 0x12800000, 'move'],
  [0x1f000000, 0x10000000, 'move'],
];

/** Instructions of aarch64 are 4 bytes, little-endian. */
export const decodeAarch64: Decode = (bytes, at, address) => {
  if (at + 4 > bytes.length) return undefined;
  const word = new DataView(bytes.buffer, bytes.byteOffset + at, 4).getUint32(0, true);
  const found = patterns.find(([mask, bits]) => (word & mask) >>> 0 === bits);
  if (found === undefined) return { lengthBytes: 4, class: word === 0 ? 'invalid' : 'other' };
  const [, , class_] = found;
  const offset = branchOffset(word);
  const instruction: Instruction = { lengthBytes: 4, class: class_ };
  return offset === undefined ? instruction : { ...instruction, target: address + offset };
};

/** Distance in bytes of a direct branch. */
function branchOffset(word: number): number | undefined {
  if ((word & 0x7c000000) >>> 0 === 0x14000000) return ((word << 6) >> 6) * 4;
  if ((word & 0xff000010) >>> 0 === 0x54000000 || (word & 0x7e000000) >>> 0 === 0x34000000)
    return ((word << 8) >> 13) * 4;
  if ((word & 0x7e000000) >>> 0 === 0x36000000) return ((word << 13) >> 18) * 4;
  return undefined;
}
