import { expect, it } from 'vitest';
import { DebugInfo } from '../../helper/symbols/debug-info.ts';
import { ElfFile } from '../../helper/symbols/elf.ts';
import { abbreviation, CODE, makeElf, makeUnit, text, u32, u64 } from '../support/make-elf.ts';

it('an inlined copy has its variables at an entry that lies before the ranges of its code', async () => {
  // attributes and forms by their numbers in DWARF 5 sections 7.5.4 and 7.5.6
  const [NAME, LOW, HIGH, ORIGIN, ENTRY] = [0x03, 0x11, 0x12, 0x31, 0x52];
  const [STRING, ADDRESS, DATA4, REF4] = [0x08, 0x01, 0x06, 0x13];
  const abbreviations = [
    ...abbreviation(1, 0x11, true, [NAME, STRING], [LOW, ADDRESS], [HIGH, DATA4]),
    ...abbreviation(2, 0x2e, true, [NAME, STRING]),
    ...abbreviation(3, 0x05, false, [NAME, STRING]),
    ...abbreviation(4, 0x2e, true, [NAME, STRING], [LOW, ADDRESS], [HIGH, DATA4]),
    ...abbreviation(5, 0x1d, true, [ORIGIN, REF4], [ENTRY, ADDRESS], [LOW, ADDRESS], [HIGH, DATA4]),
    ...abbreviation(6, 0x05, false, [ORIGIN, REF4]),
    0,
  ];
  const root = [1, ...text('copies.c'), ...u64(0x1000), ...u32(0x100)];
  const callee = 12 + root.length;
  const parameter = callee + 1 + 'callee'.length + 1;
  const bytes = makeElf([
    { name: '.text', bytes: new Uint8Array(0x100), flags: CODE, address: 0x1000 },
    { name: '.debug_abbrev', bytes: abbreviations },
    {
      name: '.debug_info',
      bytes: makeUnit([
        ...root,
        ...[2, ...text('callee'), ...[3, ...text('size')], 0],
        ...[4, ...text('caller'), ...u64(0x1000), ...u32(0x80)],
        ...[5, ...u32(callee), ...u64(0x1010), ...u64(0x1013), ...u32(0x10), ...[6, ...u32(parameter)], 0],
        ...[0, 0],
      ]),
    },
  ]);
  const info = await DebugInfo.of(ElfFile.fromBytes('copies', bytes));
  expect(info.scopesAt(0x1010).map(({ function: name }) => name)).toEqual(['caller']);
  const [copy] = info.functionsNamed('callee').flatMap(({ inlined }) => inlined);
  expect(copy?.entry).toBe(0x1010);
  expect(info.variablesOfCopy(copy!).map(({ name, kind }) => `${kind} ${name}`)).toEqual(['parameter size']);
});
