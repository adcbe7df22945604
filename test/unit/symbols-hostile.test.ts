import { deflateSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { DebugInfo } from '../../helper/symbols/debug-info.ts';
import { describeType, stripped, type Type } from '../../helper/symbols/dwarf/types.ts';
import { Die } from '../../helper/symbols/dwarf/die.ts';
import { ElfFile } from '../../helper/symbols/elf.ts';
import { exercise } from '../support/exercise-symbols.ts';
import {
  abbreviation,
  CODE,
  makeElf,
  makeUnit,
  SHF_COMPRESSED,
  text,
  u16,
  u32,
  u64,
  uleb,
  type MadeSection,
} from '../support/make-elf.ts';

/** Tags, attributes and forms by their numbers in DWARF 5 sections 7.5.3 to 7.5.6. */
const TAG = {
  unit: 0x11,
  function: 0x2e,
  inlined: 0x1d,
  typedef: 0x16,
  structure: 0x13,
  member: 0x0d,
  block: 0x0b,
};
const AT = {
  name: 0x03,
  low: 0x11,
  high: 0x12,
  type: 0x49,
  origin: 0x31,
  size: 0x0b,
  ranges: 0x55,
  sibling: 0x01,
};
const FORM = { string: 0x08, addr: 0x01, data4: 0x06, ref4: 0x13, secOffset: 0x17, data1: 0x0b };

const code: MadeSection = { name: '.text', bytes: new Uint8Array(0x400), flags: CODE, address: 0x1000 };
const unitRoot = abbreviation(
  1,
  TAG.unit,
  true,
  [AT.name, FORM.string],
  [AT.low, FORM.addr],
  [AT.high, FORM.data4],
);
const rootDie = [1, ...text('hostile.c'), ...u64(0x1000), ...u32(0x400)];
/** Offset of the first DIE below the root. */
const FIRST = 12 + rootDie.length;

function fileWith(
  abbreviations: readonly number[],
  dies: readonly number[],
  ...more: MadeSection[]
): Uint8Array {
  return makeElf([
    code,
    { name: '.debug_abbrev', bytes: [...unitRoot, ...abbreviations, 0] },
    { name: '.debug_info', bytes: makeUnit([...rootDie, ...dies, 0]) },
    ...more,
  ]);
}

const opened = (bytes: Uint8Array): Promise<DebugInfo> => DebugInfo.of(ElfFile.fromBytes('hostile', bytes));

/** What is refused of a file, as it is told. */
const refusals = async (bytes: Uint8Array): Promise<string[]> =>
  (await exercise(bytes)).map(({ message }) => message);

describe('references in a circle', () => {
  it('of origins: the function has no name, and its address is answered', async () => {
    const bytes = fileWith(
      abbreviation(
        2,
        TAG.function,
        false,
        [AT.origin, FORM.ref4],
        [AT.low, FORM.addr],
        [AT.high, FORM.data4],
      ),
      [
        ...[2, ...u32(FIRST + 17), ...u64(0x1000), ...u32(0x100)],
        ...[2, ...u32(FIRST), ...u64(0x1100), ...u32(0x100)],
      ],
    );
    const info = await opened(bytes);
    expect(info.frames(0x1010).map(({ function: name }) => name)).toEqual(['??']);
    expect(await refusals(bytes)).not.toContainEqual(expect.stringContaining('Maximum call stack'));
  });

  it('of a typedef to itself and of a structure in itself: names end, sizes are what is written', async () => {
    const bytes = fileWith(
      [
        ...abbreviation(2, TAG.typedef, false, [AT.name, FORM.string], [AT.type, FORM.ref4]),
        ...abbreviation(3, TAG.structure, true, [AT.size, FORM.data1]),
        ...abbreviation(4, TAG.member, false, [AT.name, FORM.string], [AT.type, FORM.ref4]),
      ],
      [...[2, ...text('loop'), ...u32(FIRST)], ...[3, 8, ...[4, ...text('me'), ...u32(FIRST + 10)], 0]],
    );
    const info = await opened(bytes);
    const [unit] = info.dwarf!.units;
    const loop: Type = describeType(Die.at(unit!, FIRST)!);
    expect(loop.name).toBe('loop');
    expect(stripped(loop).name).toBe('loop');
    let inner: Type = describeType(Die.at(unit!, FIRST + 10)!);
    for (let depth = 0; depth < 50; depth++) {
      const plain = stripped(inner);
      if (plain.kind !== 'struct') throw new Error(`a ${plain.kind} at depth ${depth}`);
      inner = plain.members()[0]!.type();
    }
    expect(inner.sizeBytes).toBe(8);
    await exercise(bytes);
  });

  it('of siblings that lead back: each entry is seen once', async () => {
    const bytes = fileWith(
      [
        ...abbreviation(
          2,
          TAG.function,
          true,
          [AT.sibling, FORM.ref4],
          [AT.name, FORM.string],
          [AT.low, FORM.addr],
          [AT.high, FORM.data4],
        ),
        ...abbreviation(3, TAG.block, false, [AT.low, FORM.addr], [AT.high, FORM.data4]),
      ],
      [
        2,
        ...u32(FIRST),
        ...text('again'),
        ...u64(0x1000),
        ...u32(0x100),
        ...[3, ...u64(0x1000), ...u32(4)],
        0,
      ],
    );
    const info = await opened(bytes);
    expect([...info.functions()].map(({ name }) => name)).toEqual(['again']);
    expect(info.frames(0x1002).map(({ function: name }) => name)).toEqual(['again']);
  });
});

describe('ranges', () => {
  const ranged = abbreviation(
    2,
    TAG.function,
    false,
    [AT.name, FORM.string],
    [AT.low, FORM.addr],
    [AT.high, FORM.data4],
  );
  const functionDie = (name: string, low: number, size: number): number[] => [
    2,
    ...text(name),
    ...u64(low),
    ...u32(size),
  ];

  it('that overlap, are empty or end beyond the last address: each address has one answer', async () => {
    const bytes = fileWith(ranged, [
      ...functionDie('outer', 0x1000, 0x200),
      ...functionDie('middle', 0x1100, 0x200),
      ...functionDie('same', 0x1100, 0x200),
      ...functionDie('empty', 0x1300, 0),
      ...functionDie('endless', 0x1380, 0xffffffff),
    ]);
    const info = await opened(bytes);
    const nameAt = (address: number): string => info.frames(address)[0]!.function;
    expect(nameAt(0x1010)).toBe('outer');
    expect(['outer', 'middle', 'same']).toContain(nameAt(0x1180));
    expect(['middle', 'same']).toContain(nameAt(0x1280));
    expect(nameAt(0x1300)).toBe('??');
    expect(nameAt(0x1390)).toBe('endless');
    await exercise(bytes);
  });

  it('by the ten thousand, all over one another', async () => {
    const dies: number[] = [];
    for (let index = 0; index < 10_000; index++) dies.push(...functionDie('f', 0x1000 + (index % 64), 0x300));
    const info = await opened(fileWith(ranged, dies));
    expect(info.frames(0x1100)[0]!.function).toBe('f');
  });

  it('in a list that claims more entries than its section holds', async () => {
    const bytes = fileWith(
      abbreviation(2, TAG.function, false, [AT.name, FORM.string], [AT.ranges, FORM.secOffset]),
      [2, ...text('listed'), ...u32(12)],
      // DW_RLE_start_end, whose second address is cut off
      { name: '.debug_rnglists', bytes: [...u32(17), ...u16(5), 8, 0, ...u32(0), 6, ...u64(0x1000)] },
    );
    expect(await refusals(bytes)).toContainEqual(
      expect.stringMatching(/^damaged is damaged: .+ \(\.debug_rnglists, offset 0x[0-9a-f]+\)\.$/),
    );
  });
});

describe('nesting', () => {
  it('of a hundred thousand entries in one another does not exhaust the stack', async () => {
    const bytes = fileWith(abbreviation(2, TAG.block, true), [
      ...new Array<number>(100_000).fill(2),
      ...new Array<number>(100_000).fill(0),
    ]);
    for (const message of await refusals(bytes))
      expect(message).toMatch(/^damaged .+ \(\.debug_\w+, offset 0x[0-9a-f]+\)\.$|has no debug|No unit/);
  });
});

describe('compression bombs', () => {
  const ZLIB = 1;
  const ZSTD = 2;
  const packed = (type: number, claimed: number, body: readonly number[] | Uint8Array): MadeSection => ({
    name: '.debug_info',
    flags: SHF_COMPRESSED,
    bytes: [...u32(type), ...u32(0), ...u64(claimed), ...u64(1), ...body],
  });
  const withInfo = (section: MadeSection): Uint8Array =>
    makeElf([code, { name: '.debug_abbrev', bytes: [...unitRoot, 0] }, section]);
  const zeros = deflateSync(Buffer.alloc(1 << 20));

  it.each([
    ['zlib, 16 GB from a kilobyte', packed(ZLIB, 2 ** 34, zeros)],
    ['zstd, 16 GB from a few bytes', packed(ZSTD, 2 ** 34, [0x28, 0xb5, 0x2f, 0xfd, 0])],
  ])('%s: refused before a byte is inflated', async (_, section) => {
    const before = process.memoryUsage().rss;
    expect(await refusals(withInfo(section))).toContainEqual(
      expect.stringMatching(
        /^damaged is damaged: \d+ bytes claim to inflate to 17179869184 \(\.debug_info, offset 0x0\)\.$/,
      ),
    );
    expect(process.memoryUsage().rss - before).toBeLessThan(256 << 20);
  });

  it('that inflate to more than they claim end at the claim', async () => {
    expect(await refusals(withInfo(packed(ZLIB, 64, zeros)))).toContainEqual(
      expect.stringMatching(/it does not inflate .*\(\.debug_info, offset 0x0\)/),
    );
  });

  it('that inflate to less than they claim are told with both sizes', async () => {
    expect(await refusals(withInfo(packed(ZLIB, 5 << 20, zeros)))).toContainEqual(
      expect.stringContaining('it inflates to 1048576 bytes, not 5242880 (.debug_info, offset 0x0)'),
    );
  });

  it("in GNU's older form, with no size, are told alike", async () => {
    const old: MadeSection = { name: '.zdebug_info', bytes: [...Buffer.from('ZLIB'), 0, 0, 0] };
    expect(await refusals(withInfo(old))).toContainEqual(
      expect.stringMatching(/its "ZLIB" header is missing \(\.z?debug_info, offset 0x0\)/),
    );
  });
});

describe('counts that nothing stands behind', () => {
  it('of files in a line program', async () => {
    // version 5, one directory format of DW_LNCT_path as a string, no directory, and 2^28 files
    const header = [1, 1, 1, 0xfb, 14, 1, 1, 1, 8, 0, 1, 1, 8, ...uleb(2 ** 28)];
    const body = [...u16(5), 8, 0, ...u32(header.length), ...header];
    const bytes = makeElf([
      code,
      {
        name: '.debug_abbrev',
        bytes: [
          ...abbreviation(
            1,
            TAG.unit,
            false,
            [0x10, FORM.secOffset],
            [AT.low, FORM.addr],
            [AT.high, FORM.data4],
          ),
          0,
        ],
      },
      { name: '.debug_info', bytes: makeUnit([1, ...u32(0), ...u64(0x1000), ...u32(0x400)]) },
      { name: '.debug_line', bytes: [...u32(body.length), ...body] },
    ]);
    expect(await refusals(bytes)).toContainEqual(
      expect.stringMatching(/^damaged is damaged: .+ \(\.debug_line, offset 0x[0-9a-f]+\)\.$/),
    );
  });

  it('of a unit that is longer than its section', async () => {
    const bytes = makeElf([
      code,
      { name: '.debug_abbrev', bytes: [...unitRoot, 0] },
      { name: '.debug_info', bytes: [...u32(0x7fffffff), ...u16(5), 1, 8, ...u32(0), 1] },
    ]);
    expect(await refusals(bytes)).toContainEqual(
      expect.stringMatching(/^damaged is damaged: .+ \(\.debug_info, offset 0x[0-9a-f]+\)\.$/),
    );
  });
});
