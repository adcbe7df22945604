import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { DebugInfo } from '../../helper/symbols/debug-info.ts';
import { stripped } from '../../helper/symbols/dwarf/types.ts';

const folder = join(import.meta.dirname, '../fixtures/symbols');
const names = ['tiny-gcc-dwarf5', 'tiny-clang-dwarf5', 'tiny-clang-dwarf4', 'tiny-gcc-dwarf2'];

describe('frames', () => {
  it.each(names)('%s: at every address what llvm-symbolizer recorded', async (name) => {
    const info = await DebugInfo.open(join(folder, name));
    info.demangleStyle = 'llvm';
    const blocks = readFileSync(join(folder, `${name}.llvm-symbolizer.txt`), 'utf8')
      .trimEnd()
      .split('\n\n');
    expect(blocks.length).toBeGreaterThan(100);
    for (const block of blocks) {
      const [address = '', ...theirs] = block.split('\n');
      const ours = info
        .frames(Number(address))
        .flatMap(({ function: own, file, line, column }) => [own, `${file}:${line}:${column}`]);
      expect([address, ...ours]).toEqual([address, ...theirs]);
    }
    info.close();
  });

  it.each(names)('%s: whatever was asked before, in either style', async (name) => {
    const path = join(folder, name);
    const info = await DebugInfo.open(path);
    const { address, sizeBytes } = info.elf.section('.text')!;
    const addresses = Array.from({ length: sizeBytes }, (_, index) => address + index);
    for (const style of ['people', 'llvm', 'people'] as const) {
      info.demangleStyle = style;
      const other = await DebugInfo.open(path);
      other.demangleStyle = style;
      const backwards = addresses.toReversed().map((at) => other.frames(at));
      const once = addresses.map((at) => info.frames(at));
      expect(once).toEqual(backwards.reverse());
      expect(addresses.map((at) => info.frames(at))).toEqual(once);
      other.close();
    }
    info.close();
  });

  it.each(names)(
    '%s: the first question of all, which reads what it needs, as after all was read',
    async (name) => {
      const path = join(folder, name);
      const loaded = await DebugInfo.open(path);
      loaded.loadAll();
      const first = async <T>(ask: (info: DebugInfo) => T): Promise<T> => {
        const info = await DebugInfo.open(path);
        const answer = ask(info);
        info.close();
        return answer;
      };
      const { address, sizeBytes } = loaded.elf.section('.text')!;
      for (let at = address; at < address + sizeBytes; at += 3)
        expect(await first((info) => info.frames(at))).toEqual(loaded.frames(at));
      for (let line = 1; line < 40; line++)
        expect(await first((info) => info.lineSites('tiny.c', line))).toEqual(
          loaded.lineSites('tiny.c', line),
        );
      loaded.close();
    },
  );
});

describe('functions, lines and variables', () => {
  it.each(names)('%s: an inlined function has its copies, a line its sites', async (name) => {
    const info = await DebugInfo.open(join(folder, name));
    const [scale, ...more] = info.functionsNamed('scale');
    expect(more).toEqual([]);
    expect(scale?.declared?.line).toBe(4);
    expect(scale?.bodies).toEqual([]);
    expect(scale?.inlined.map(({ callSite }) => callSite.line)).toEqual(
      // strict DWARF 2 has no DW_AT_call_line
      expect.arrayContaining([name === 'tiny-gcc-dwarf2' ? 0 : 8]),
    );
    expect(info.functionsAt('tiny.c', 8).map(({ shortName }) => shortName)).toContain('sum');
    const { moved, line, sites } = info.lineSites('somewhere/else/tiny.c'.slice(15), 8);
    expect({ moved, line }).toEqual({ moved: false, line: 8 });
    expect(sites.length).toBeGreaterThan(0);
    expect(info.lineSites('tiny.c', 2).moved).toBe(true);
    expect(() => info.lineSites('absent.c', 1)).toThrow(expect.objectContaining({ code: 'file-not-found' }));
    info.close();
  });

  it('types have members, bit fields and enumerators', async () => {
    const info = await DebugInfo.open(join(folder, 'tiny-gcc-dwarf5'));
    const handle = info.functionsNamed('handle')[0]?.bodies[0];
    const [scope] = info.scopesAt(handle!.entry).slice(-1);
    const [pointer, colour] = scope!.variables.map(({ type }) => type());
    expect(pointer?.name).toBe('struct point *');
    const target = pointer?.kind === 'pointer' ? stripped(pointer.target()) : undefined;
    expect(target?.sizeBytes).toBe(16);
    const members = target?.kind === 'struct' ? target.members() : [];
    expect(
      members.map(({ name, offsetBytes, bitSize, bitOffset }) => [name, offsetBytes, bitSize, bitOffset]),
    ).toEqual([
      ['x', 0, undefined, undefined],
      ['y', 4, 5, 32],
      ['flags', 4, 3, 37],
      ['next', 8, undefined, undefined],
    ]);
    expect(colour?.kind === 'enum' && colour.enumerators()).toEqual([
      { name: 'RED', value: 0 },
      { name: 'GREEN', value: 7 },
    ]);
    info.close();
  });

  it('reads 32-bit files', async () => {
    const info = await DebugInfo.open(join(folder, 'tiny-i386.o'));
    expect(info.functionsNamed('sum').length + info.functionsNamed('_start').length).toBeGreaterThan(0);
    info.close();
  });
});
