import { expect, it } from 'vitest';
import type { Location } from '../../helper/symbols/values/location.ts';
import { placeText } from '../../helper/symbols/values/place-text.ts';
import { binary, constant, extend, memory, plus, register } from '../../helper/symbols/values/term.ts';

const cases: readonly [Location, string][] = [
  [{ kind: 'register', register: 5 }, 'in %rdi'],
  [{ kind: 'register', register: 17 }, 'in %xmm0'],
  [{ kind: 'memory', address: plus(register(7), -20) }, 'at -20(%rsp)'],
  [{ kind: 'memory', address: register(0) }, 'at (%rax)'],
  [{ kind: 'memory', address: { op: 'image', vaddr: 0x4040 } }, 'at 0x4040'],
  [{ kind: 'memory', address: plus(memory(register(12), 8), 672) }, 'at *(u64 *)(%r12) + 672'],
  [{ kind: 'value', term: constant(-3) }, '= -3'],
  [{ kind: 'value', term: plus(register(5), -1) }, '= %rdi - 1'],
  [{ kind: 'value', term: extend(plus(register(5), 1), 32, true) }, '= (s32)(%rdi + 1)'],
  [
    { kind: 'value', term: binary('u>>', { op: 'entry', register: 4 }, constant(2)) },
    '= (%rsi at entry) >> 2',
  ],
  [{ kind: 'bytes', bytes: Uint8Array.of(0x34, 0x12) }, '= 0x1234'],
  [
    {
      kind: 'pieces',
      pieces: [
        { location: { kind: 'register', register: 0 }, sizeBytes: 8 },
        { location: { kind: 'none' }, sizeBytes: 8 },
      ],
    },
    '8 bytes in %rax, 8 bytes optimised out',
  ],
];

it.each(cases.map(([location, text]) => ({ location, text })))('$text', ({ location, text }) => {
  expect(placeText(location, 'x86-64')).toBe(text);
});

it('names the registers of aarch64 as its assembler does', () => {
  expect(placeText({ kind: 'memory', address: plus(register(31), 8) }, 'aarch64')).toBe('at [sp, #8]');
  expect(placeText({ kind: 'register', register: 0 }, 'aarch64')).toBe('in x0');
});
