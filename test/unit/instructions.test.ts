import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeAarch64 } from '../../helper/symbols/instructions/aarch64.ts';
import { decodeX86 } from '../../helper/symbols/instructions/x86.ts';

const x86 = (hex: string) => decodeX86(Buffer.from(hex.replaceAll(' ', ''), 'hex'), 0, 0x1000);
const arm = (word: number) => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(word);
  return decodeAarch64(bytes, 0, 0x1000);
};

describe('x86-64', () => {
  it.each([
    ['f3 0f 1e fa', 4, 'landing-pad'],
    ['55', 1, 'push'],
    ['41 57', 2, 'push'],
    ['48 89 e5', 3, 'move'],
    ['0f 1f 44 00 00', 5, 'nop'],
    ['66 66 2e 0f 1f 84 00 00 00 00 00', 11, 'nop'],
    ['c3', 1, 'return'],
    ['f3 c3', 2, 'return'],
    ['ff e0', 2, 'indirect-jump'],
    ['3e ff e0', 3, 'indirect-jump'],
    ['48 b8 01 02 03 04 05 06 07 08', 10, 'move'],
    ['66 b8 34 12', 4, 'move'],
    ['f7 05 00 00 00 00 01 00 00 00', 10, 'other'],
    ['c5 f8 77', 3, 'other'],
    ['62 f1 7c 48 10 44 24 01', 8, 'other'],
    ['06', 1, 'invalid'],
  ])('%s', (hex, lengthBytes, class_) => expect(x86(hex)).toMatchObject({ lengthBytes, class: class_ }));

  it('gives targets of jumps and of lea', () => {
    expect(x86('e9 00 01 00 00')?.target).toBe(0x1105);
    expect(x86('eb fe')?.target).toBe(0x1000);
    expect(x86('0f 84 fb ff ff ff')?.target).toBe(0x1001);
    expect(x86('48 8d 05 10 00 00 00')?.target).toBe(0x1017);
  });
  it('ends within bounds whatever the bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 20 }), (bytes) => {
        const decoded = decodeX86(bytes, 0, 0);
        if (decoded !== undefined)
          expect(decoded.lengthBytes).toBeLessThanOrEqual(Math.min(15, bytes.length));
      }),
    );
  });
});

describe('aarch64', () => {
  it.each([
    [0xd503201f, 'nop'],
    [0xd503245f, 'landing-pad'],
    [0xd503233f, 'landing-pad'],
    [0xa9be7bfd, 'push'],
    [0xd65f03c0, 'return'],
    [0xd65f0bff, 'return'],
    [0xd61f0220, 'indirect-jump'],
    [0xd63f0100, 'call'],
    [0xaa0003f3, 'move'],
    [0x52800020, 'move'],
    [0x8b000020, 'other'],
  ])('%s', (word, class_) => expect(arm(word)?.class).toBe(class_));

  it('gives targets', () => {
    expect(arm(0x14000002)).toMatchObject({ class: 'jump', target: 0x1008 });
    expect(arm(0x17ffffff)).toMatchObject({ class: 'jump', target: 0xffc });
    expect(arm(0x94000001)).toMatchObject({ class: 'call', target: 0x1004 });
    expect(arm(0x54000040)).toMatchObject({ class: 'conditional-jump', target: 0x1008 });
    expect(arm(0xb4000060)).toMatchObject({ class: 'conditional-jump', target: 0x100c });
    expect(arm(0x36000041)).toMatchObject({ class: 'conditional-jump', target: 0x1008 });
  });
});
