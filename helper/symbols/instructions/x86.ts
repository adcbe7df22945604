import type { Decode, Instruction, InstructionClass } from './instruction.ts';

/**
 * Lengths and classes of x86-64 instructions, 64-bit mode only (Intel SDM volume 2, appendix A: opcode maps).
 * Undocumented and AMD's XOP encodings are measured too; an opcode that does not exist in 64-bit mode is `invalid`.
 */

/** What follows an opcode: nothing, a ModRM byte, and an immediate. */
const forms = {
  none: 0,
  modrm: 1,
  imm8: 2,
  /** 4 bytes, 2 with an operand-size prefix. */
  immZ: 4,
  imm16: 8,
  /** 4 bytes whatever the prefixes. */
  imm32: 16,
  invalid: 32,
} as const;
const { none, modrm, imm8, immZ, imm16, imm32, invalid } = forms;

const oneByte = table(none, [
  ...[0x00, 0x08, 0x10, 0x18, 0x20, 0x28, 0x30, 0x38].flatMap((base): Span[] => [
    [base, base + 3, modrm],
    [base + 4, base + 4, imm8],
    [base + 5, base + 5, immZ],
    [base + 6, base + 7, invalid],
  ]),
  [0x60, 0x62, invalid],
  [0x63, 0x63, modrm],
  [0x68, 0x68, immZ],
  [0x69, 0x69, modrm | immZ],
  [0x6a, 0x6a, imm8],
  [0x6b, 0x6b, modrm | imm8],
  [0x70, 0x7f, imm8],
  [0x80, 0x80, modrm | imm8],
  [0x81, 0x81, modrm | immZ],
  [0x82, 0x82, invalid],
  [0x83, 0x83, modrm | imm8],
  [0x84, 0x8f, modrm],
  [0x9a, 0x9a, invalid],
  [0xa8, 0xa8, imm8],
  [0xa9, 0xa9, immZ],
  [0xb0, 0xb7, imm8],
  [0xc0, 0xc1, modrm | imm8],
  [0xc2, 0xc2, imm16],
  [0xc6, 0xc6, modrm | imm8],
  [0xc7, 0xc7, modrm | immZ],
  [0xc8, 0xc8, imm16 | imm8],
  [0xca, 0xca, imm16],
  [0xcd, 0xcd, imm8],
  [0xce, 0xce, invalid],
  [0xd0, 0xd3, modrm],
  [0xd4, 0xd6, invalid],
  [0xd8, 0xdf, modrm],
  [0xe0, 0xe7, imm8],
  [0xe8, 0xe9, imm32],
  [0xea, 0xea, invalid],
  [0xeb, 0xeb, imm8],
  [0xf6, 0xf7, modrm],
  [0xfe, 0xff, modrm],
]);

/** Behind 0F. */
const twoByte = table(modrm, [
  [0x04, 0x04, invalid],
  [0x05, 0x09, none],
  [0x0a, 0x0a, invalid],
  [0x0b, 0x0b, none],
  [0x0c, 0x0c, invalid],
  [0x0e, 0x0e, none],
  [0x0f, 0x0f, modrm | imm8],
  [0x24, 0x27, invalid],
  [0x30, 0x37, none],
  [0x36, 0x36, invalid],
  [0x70, 0x73, modrm | imm8],
  [0x77, 0x77, none],
  [0x7a, 0x7b, invalid],
  [0x80, 0x8f, imm32],
  [0xa0, 0xa2, none],
  [0xa4, 0xa4, modrm | imm8],
  [0xa6, 0xa7, invalid],
  [0xa8, 0xaa, none],
  [0xac, 0xac, modrm | imm8],
  [0xba, 0xba, modrm | imm8],
  [0xc2, 0xc2, modrm | imm8],
  [0xc4, 0xc6, modrm | imm8],
  [0xc8, 0xcf, none],
]);

type Span = readonly [from: number, to: number, form: number];

function table(otherwise: number, spans: readonly Span[]): Uint8Array {
  const filled = new Uint8Array(256).fill(otherwise);
  for (const [from, to, form] of spans) filled.fill(form, from, to + 1);
  return filled;
}

interface Prefixes {
  readonly operand16: boolean;
  readonly address32: boolean;
  readonly repeat: boolean;
  readonly rex: number;
}

export const decodeX86: Decode = (bytes, start, address) => {
  let at = start;
  let operand16 = false;
  let address32 = false;
  let repeat = false;
  let rex = 0;
  for (;;) {
    const byte = bytes[at];
    if (byte === undefined || at - start > 14) return undefined;
    if (byte === 0x66) operand16 = true;
    else if (byte === 0x67) address32 = true;
    else if (byte === 0xf3) repeat = true;
    else if (!(
      byte === 0xf2 ||
      byte === 0xf0 ||
      byte === 0x2e ||
      byte === 0x36 ||
      byte === 0x3e ||
      byte === 0x26 ||
      byte === 0x64 ||
      byte === 0x65
    )) {
      if ((byte & 0xf0) !== 0x40) break;
      rex = byte;
      at++;
      break;
    }
    at++;
  }
  const cursor = new Cursor(bytes, start, at, address);
  const instruction = decodeOpcode(cursor, { operand16, address32, repeat, rex });
  return cursor.overrun || cursor.lengthBytes > 15 ? undefined : instruction;
};

/** Reads behind the prefixes; `overrun` when the bytes ended. */
class Cursor {
  overrun = false;
  readonly #bytes: Uint8Array;
  readonly #start: number;
  readonly #address: number;
  #at: number;

  constructor(bytes: Uint8Array, start: number, at: number, address: number) {
    this.#bytes = bytes;
    this.#start = start;
    this.#at = at;
    this.#address = address;
  }

  get lengthBytes(): number {
    return this.#at - this.#start;
  }

  /** Address behind the instruction, once all of it was read: what relative operands count from. */
  get next(): number {
    return this.#address + this.lengthBytes;
  }

  peek(): number {
    return this.#bytes[this.#at] ?? 0;
  }

  byte(): number {
    const byte = this.#bytes[this.#at++];
    if (byte === undefined) this.overrun = true;
    return byte ?? 0;
  }

  /** A signed little-endian number of 1, 2 or 4 bytes. */
  signed(size: number): number {
    let value = 0;
    for (let index = 0; index < size; index++) value |= this.byte() << (index * 8);
    const unused = 32 - size * 8;
    return (value << unused) >> unused;
  }

  skip(count: number): void {
    this.#at += count;
    if (this.#at > this.#bytes.length) this.overrun = true;
  }
}

function decodeOpcode(cursor: Cursor, prefixes: Prefixes): Instruction {
  const opcode = cursor.byte();
  if (opcode === 0x0f) return decodeTwoByte(cursor, prefixes);
  if (opcode === 0xc4 || opcode === 0xc5 || opcode === 0x62) return decodeVector(cursor, opcode);
  if (opcode === 0x8f && (cursor.peek() & 0x1f) >= 8) return decodeXop(cursor);
  // mov between the accumulator and an absolute address of 8 bytes.
  if (opcode >= 0xa0 && opcode <= 0xa3) {
    cursor.skip(prefixes.address32 ? 4 : 8);
    return { lengthBytes: cursor.lengthBytes, class: 'move' };
  }
  if (opcode >= 0xb8 && opcode <= 0xbf) {
    cursor.skip((prefixes.rex & 8) !== 0 ? 8 : prefixes.operand16 ? 2 : 4);
    return { lengthBytes: cursor.lengthBytes, class: 'move' };
  }
  const form = oneByte[opcode] ?? invalid;
  const { reg, ripOffset, immediate } = operands(cursor, form, prefixes, opcode);
  const class_ = classOf(opcode, reg, prefixes);
  const result: Instruction = { lengthBytes: cursor.lengthBytes, class: class_ };
  const isRelative =
    (opcode >= 0x70 && opcode <= 0x7f) ||
    (opcode >= 0xe0 && opcode <= 0xe3) ||
    opcode === 0xe8 ||
    opcode === 0xe9 ||
    opcode === 0xeb;
  if (isRelative) return { ...result, target: cursor.next + immediate };
  return opcode === 0x8d && ripOffset !== undefined ? { ...result, target: cursor.next + ripOffset } : result;
}

function decodeTwoByte(cursor: Cursor, prefixes: Prefixes): Instruction {
  const opcode = cursor.byte();
  if (opcode === 0x38 || opcode === 0x3a) {
    cursor.byte();
    operands(cursor, opcode === 0x3a ? modrm | imm8 : modrm, prefixes, 0);
    return { lengthBytes: cursor.lengthBytes, class: 'other' };
  }
  if (opcode === 0x1e && prefixes.repeat && (cursor.peek() === 0xfa || cursor.peek() === 0xfb)) {
    cursor.byte();
    return { lengthBytes: cursor.lengthBytes, class: 'landing-pad' };
  }
  const { immediate } = operands(cursor, twoByte[opcode] ?? invalid, prefixes, 0);
  const lengthBytes = cursor.lengthBytes;
  if (opcode >= 0x80 && opcode <= 0x8f)
    return { lengthBytes, class: 'conditional-jump', target: cursor.next + immediate };
  if (opcode === 0x1f || (opcode === 0x1e && !prefixes.repeat)) return { lengthBytes, class: 'nop' };
  const isMove =
    opcode === 0xb6 ||
    opcode === 0xb7 ||
    opcode === 0xbe ||
    opcode === 0xbf ||
    (opcode >= 0x40 && opcode <= 0x4f);
  return {
    lengthBytes,
    class: (twoByte[opcode] ?? invalid) === invalid ? 'invalid' : isMove ? 'move' : 'other',
  };
}

/** VEX (C4, C5) and EVEX (62): the map is in the prefix; the immediates are those of the maps without it. */
function decodeVector(cursor: Cursor, prefix: number): Instruction {
  let map = 1;
  if (prefix === 0xc5) cursor.byte();
  else {
    map = cursor.byte() & (prefix === 0x62 ? 7 : 0x1f);
    cursor.skip(prefix === 0x62 ? 2 : 1);
  }
  const opcode = cursor.byte();
  const form =
    map === 3 || map === 7
      ? modrm | imm8
      : map === 1 && prefix !== 0x62
        ? (twoByte[opcode] ?? modrm)
        : map === 1
          ? modrm | ((twoByte[opcode] ?? 0) & imm8)
          : modrm;
  operands(cursor, form & (modrm | imm8), { operand16: false, address32: false, repeat: false, rex: 0 }, 0);
  return { lengthBytes: cursor.lengthBytes, class: 'other' };
}

/** AMD's XOP: map 8 has an immediate of 1 byte, map 10 one of 4. */
function decodeXop(cursor: Cursor): Instruction {
  const map = cursor.byte() & 0x1f;
  cursor.skip(2);
  operands(
    cursor,
    map === 8 ? modrm | imm8 : map === 10 ? modrm | imm32 : modrm,
    { operand16: false, address32: false, repeat: false, rex: 0 },
    0,
  );
  return { lengthBytes: cursor.lengthBytes, class: 'other' };
}

/** Reads ModRM, SIB, displacement and immediate. `ripOffset`: of an operand relative to the next instruction. */
function operands(
  cursor: Cursor,
  form: number,
  prefixes: Prefixes,
  opcode: number,
): { reg: number; ripOffset?: number; immediate: number } {
  let reg = 0;
  let ripOffset: number | undefined;
  let immediate = 0;
  if ((form & modrm) !== 0) {
    const byte = cursor.byte();
    const mod = byte >> 6;
    const rm = byte & 7;
    reg = (byte >> 3) & 7;
    if (mod !== 3) {
      const base = rm === 4 ? cursor.byte() & 7 : rm;
      if (mod === 0 && rm === 5) ripOffset = cursor.signed(4);
      else if (mod === 2 || (mod === 0 && base === 5)) cursor.skip(4);
      else if (mod === 1) cursor.skip(1);
    }
  }
  // test r/m, imm is the only one of its group with an immediate.
  const group = (opcode === 0xf6 || opcode === 0xf7) && reg < 2 ? (opcode === 0xf6 ? imm8 : immZ) : 0;
  const wanted = form | group;
  if ((wanted & imm16) !== 0) cursor.skip(2);
  if ((wanted & imm8) !== 0) immediate = cursor.signed(1);
  if ((wanted & immZ) !== 0) cursor.skip(prefixes.operand16 && (prefixes.rex & 8) === 0 ? 2 : 4);
  if ((wanted & imm32) !== 0) immediate = cursor.signed(4);
  return ripOffset === undefined ? { reg, immediate } : { reg, ripOffset, immediate };
}

function classOf(opcode: number, reg: number, prefixes: Prefixes): InstructionClass {
  if ((oneByte[opcode] ?? invalid) === invalid) return 'invalid';
  if (opcode === 0x90) return (prefixes.rex & 1) === 0 ? 'nop' : 'other';
  if (opcode >= 0x50 && opcode <= 0x57) return 'push';
  if (opcode >= 0x70 && opcode <= 0x7f) return 'conditional-jump';
  if (opcode >= 0x88 && opcode <= 0x8b) return 'move';
  switch (opcode) {
    case 0x63:
    case 0x8d:
    case 0xb0:
    case 0xc6:
    case 0xc7:
      return 'move';
    case 0xc2:
    case 0xc3:
    case 0xca:
    case 0xcb:
      return 'return';
    case 0xe0:
    case 0xe1:
    case 0xe2:
    case 0xe3:
      return 'conditional-jump';
    case 0xe8:
      return 'call';
    case 0xe9:
    case 0xeb:
      return 'jump';
    case 0xff:
      return reg === 2 || reg === 3
        ? 'call'
        : reg === 4 || reg === 5
          ? 'indirect-jump'
          : reg === 6
            ? 'push'
            : 'other';
    default:
      return 'other';
  }
}
