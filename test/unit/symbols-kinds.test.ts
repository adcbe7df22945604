import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { DebugInfo } from '../../helper/symbols/debug-info.ts';
import { stripped, type Type } from '../../helper/symbols/dwarf/types.ts';
import { ElfFile } from '../../helper/symbols/elf.ts';

const folder = join(import.meta.dirname, '../fixtures/symbols');
const open = (name: string): Promise<DebugInfo> => DebugInfo.open(join(folder, name));

/** What llvm-symbolizer recorded: address, then function and place of each frame. */
function recorded(name: string): string[][] {
  return readFileSync(join(folder, `${name}.llvm-symbolizer.txt`), 'utf8')
    .trimEnd()
    .split('\n\n')
    .map((block) => block.split('\n'));
}

function framesOf(info: DebugInfo, address: string | undefined): string[] {
  return info
    .frames(Number(address))
    .flatMap(({ function: own, file, line, column }) => [own, `${file}:${line}:${column}`]);
}

describe('at every address what llvm-symbolizer recorded', () => {
  it.each([
    ['an aarch64 program', 'tiny-aarch64', 'tiny-aarch64'],
    ['a relocatable Rust object', 'shapes-rust.o', 'shapes-rust'],
    // LLVM 14 does not read DWZ files: it was asked about the program before dwz took the common part out
    ['a program whose types and names dwz moved to another file', 'dwz-first', 'dwz-first'],
  ])('%s', async (_, file, record) => {
    const info = await open(file);
    info.demangleStyle = 'llvm';
    const blocks = recorded(record);
    expect(blocks.length).toBeGreaterThan(50);
    for (const [address, ...theirs] of blocks)
      expect([address, ...framesOf(info, address)]).toEqual([address, ...theirs]);
    info.close();
  });

  it("a module of Debian's kernel: places, in spite of its relocations", async () => {
    const info = await open('libarc4.ko.debug');
    info.demangleStyle = 'llvm';
    const blocks = recorded('libarc4.ko.debug');
    expect(blocks.length).toBeGreaterThan(200);
    for (const [address, ...theirs] of blocks) {
      const ours = framesOf(info, address);
      // LLVM names everything `__this_module`: in a relocatable file that is at 0 too, and sections are not told apart.
      const at = Number(address);
      const own = at < 0x76 ? 'arc4_setkey' : at < 0x80 ? '??' : 'arc4_crypt';
      expect([address, ...ours]).toEqual([address, ...theirs.slice(0, -2), own, ...theirs.slice(-1)]);
    }
    info.close();
  });
});

describe('what only some files have', () => {
  it('a DWZ file gives names and types; without it the answer goes on without them', async () => {
    const info = await open('dwz-second');
    expect(info.dwarf?.supplementary?.path).toBe(join(folder, 'common.debug'));
    const [adjusted] = info.functionsNamed('adjusted');
    expect(adjusted?.inlined.length).toBeGreaterThan(0);
    const body = info.functionsNamed('total')[0]?.bodies[0];
    const [list] = info.scopesAt(body!.entry).at(-1)!.variables;
    const pointer = list?.type();
    const target = pointer?.kind === 'pointer' ? stripped(pointer.target()) : undefined;
    expect(target?.kind === 'struct' && target.members().map(({ name }) => name)).toEqual([
      'alpha',
      'inner_structure',
      'next_shared',
      'state',
      'omega',
    ]);
    info.close();

    const alone = await DebugInfo.of(
      ElfFile.fromBytes('/elsewhere/dwz-second', new Uint8Array(readFileSync(join(folder, 'dwz-second')))),
    );
    expect(alone.dwarf?.supplementary).toBeUndefined();
    expect(alone.searched).toContain('/elsewhere/common.debug');
    expect(alone.frames(body!.entry).at(-1)?.function).toBe('total');
    alone.close();
  });

  it("a module's functions and lines have addresses of their own, and file offsets for probes", async () => {
    const info = await open('libarc4.ko.debug');
    const entries = ['arc4_setkey', 'arc4_crypt'].map(
      (name) => info.functionsNamed(name)[0]?.bodies[0]?.entry,
    );
    expect(entries).toEqual([0, 0x80]);
    const { sites, moved } = info.lineSites('lib/crypto/arc4.c', 18);
    expect(moved).toBe(false);
    expect(sites.map(({ function: name }) => name)).toEqual(['arc4_setkey']);
    info.close();
  });

  it('mini debug information (xz) names the functions that stripping took away', async () => {
    const info = await open('tiny-mini-debug');
    expect(info.dwarf).toBeUndefined();
    const whole = await open('tiny-gcc-dwarf5');
    for (const name of ['handle', '_start']) {
      const { entry } = whole.functionsNamed(name)[0]!.bodies[0]!;
      expect(info.frames(entry)).toMatchObject([{ function: name, file: '??', line: 0 }]);
    }
    expect(() => info.lineSites('tiny.c', 8)).toThrow(
      expect.objectContaining({ code: 'no-debug-information' }),
    );
    info.close();
    whole.close();
  });

  it('a big-endian file is refused by name', () => {
    expect(() => ElfFile.open(join(folder, 'tiny-aarch64-be.o'))).toThrow(
      expect.objectContaining({
        code: 'unsupported-file',
        message: expect.stringContaining('a big-endian ELF file (aarch64)') as string,
      }),
    );
  });
});

describe('Rust', () => {
  it('enums have variants with their discriminants, slices and strings a pointer and a length', async () => {
    const info = await open('shapes-rust.o');
    const body = info.functionsNamed('area')[0]?.bodies[0];
    const [holder] = info.scopesAt(body!.entry).at(-1)!.variables;
    const reference = holder!.type();
    const target =
      reference.kind === 'pointer' || reference.kind === 'reference' ? reference.target() : undefined;
    const fields = new Map<string, Type>();
    if (target?.kind === 'struct') for (const { name, type } of target.members()) fields.set(name, type());
    const shape = fields.get('shape');
    const parts = shape?.kind === 'struct' ? shape.variants() : undefined;
    expect(parts?.variants.map(({ discriminant, member }) => [discriminant, member.name])).toEqual([
      [0, 'Circle'],
      [1, 'Square'],
      [2, 'Nothing'],
    ]);
    for (const name of ['name', 'sizes']) {
      const slice = fields.get(name);
      expect(slice?.kind === 'struct' && slice.members().map((member) => member.name)).toEqual([
        'data_ptr',
        'length',
      ]);
    }
    const maybe = fields.get('maybe');
    expect(maybe?.kind === 'struct' && maybe.variants()?.variants.map(({ member }) => member.name)).toEqual([
      'None',
      'Some',
    ]);
    info.close();
  });
});
