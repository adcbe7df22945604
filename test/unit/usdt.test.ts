import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseArguments } from '../../helper/symbols/usdt/operands.ts';

const operands = (text: string, machine: 'x86-64' | 'aarch64' = 'x86-64') =>
  parseArguments(text, machine).map(({ operand }) => operand);

describe('USDT arguments on x86-64', () => {
  it('have a size, a sign and a place', () => {
    expect(parseArguments('-4@%eax 8f@%rsi', 'x86-64')).toMatchObject([
      {
        sizeBytes: 4,
        signed: true,
        float: false,
        operand: { kind: 'register', register: 'ax', sizeBytes: 4 },
      },
      { sizeBytes: 8, signed: false, float: true, operand: { kind: 'register', register: 'si' } },
    ]);
  });
  it('name parts of registers', () => {
    expect(operands('1@%ah -1@%r10b -2@%r9w 1@%sil')).toMatchObject([
      { register: 'ax', sizeBytes: 1, highByte: true },
      { register: 'r10', sizeBytes: 1 },
      { register: 'r9', sizeBytes: 2 },
      { register: 'si', sizeBytes: 1 },
    ]);
  });
  it('are constants', () => {
    expect(operands('-4@$-42 8@$0x10')).toEqual([
      { kind: 'immediate', value: -42n },
      { kind: 'immediate', value: 16n },
    ]);
  });
  it('are memory with base, index, scale and symbol', () => {
    expect(operands('-8@(%rsp,%rdx,8) 8@-16(%rbp) 4@counter+4(%rip) 8@8+table(%rip) 4@(,%rax,4)')).toEqual([
      { kind: 'memory', displacement: 0, base: 'sp', index: 'dx', scale: 8 },
      { kind: 'memory', displacement: -16, base: 'bp', scale: 1 },
      { kind: 'memory', displacement: 4, base: 'ip', scale: 1, symbol: 'counter' },
      { kind: 'memory', displacement: 8, base: 'ip', scale: 1, symbol: 'table' },
      { kind: 'memory', displacement: 0, index: 'ax', scale: 4 },
    ]);
  });
  it('say so when they are not understood', () => {
    expect(operands('8@%xmm0 4@%rzz 8@1(%eax)')).toEqual(Array(3).fill({ kind: 'unknown' }));
  });
});

describe('USDT arguments on aarch64', () => {
  it('are registers, constants and memory', () => {
    expect(operands('-4@w0 8@x30 8@[sp] -4@[sp, 60] 8@[x0, x1, lsl 3] 4@-5 8@[x29, #-8]', 'aarch64')).toEqual(
      [
        { kind: 'register', register: 'x0', sizeBytes: 4 },
        { kind: 'register', register: 'x30', sizeBytes: 8 },
        { kind: 'memory', displacement: 0, base: 'sp', scale: 1 },
        { kind: 'memory', displacement: 60, base: 'sp', scale: 1 },
        { kind: 'memory', displacement: 0, base: 'x0', index: 'x1', scale: 8 },
        { kind: 'immediate', value: -5n },
        { kind: 'memory', displacement: -8, base: 'x29', scale: 1 },
      ],
    );
  });
});

describe('any text', () => {
  it('is read without throwing, one argument a word', () => {
    fc.assert(
      fc.property(fc.string(), fc.constantFrom('x86-64' as const, 'aarch64' as const), (text, machine) => {
        parseArguments(text, machine);
      }),
    );
  });
});
