import { execFileSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { formatAddress, parseAddress } from '../../helper/symbols/address.ts';
import { DwarfFile } from '../../helper/symbols/dwarf/file.ts';
import { ElfFile } from '../../helper/symbols/elf.ts';

describe('addresses', () => {
  it('keep kernel text exact as negative numbers', () => {
    expect(parseAddress('0xffffffff81000000')).toBe(-0x7f000000);
    expect(formatAddress(-0x7f000000)).toBe('0xffffffff81000000');
  });
  it('are read with the radix llvm-symbolizer sees', () => {
    expect(['0x10', '16', '020', '0o20', '0b10000'].map(parseAddress)).toEqual([16, 16, 16, 16, 16]);
    expect(['', 'x', '1f', '08', '-1', '0x'].map(parseAddress)).toEqual(Array(6).fill(undefined));
  });
});

describe('ElfFile', () => {
  it('reads the program it runs in', () => {
    const elf = ElfFile.open(process.execPath);
    expect(elf.header.is64).toBe(true);
    expect(elf.section('.text')).toBeDefined();
    const text = elf.section('.text')!;
    expect(elf.fileOffsetOf(text.address)).toBe(text.offset);
    expect(elf.vaddrOf(text.offset)).toBe(text.address);
    elf.close();
  });
  it('reads single symbols as it reads all of them', () => {
    const [single, all] = [ElfFile.open(process.execPath), ElfFile.open(process.execPath)];
    const [table, loaded] = [
      single.symbols() ?? single.dynamicSymbols(),
      all.symbols() ?? all.dynamicSymbols(),
    ];
    loaded?.load();
    const { count = 0 } = table ?? {};
    const indices = Array.from({ length: 1000 }, (_, step) => (step * 7919) % count);
    // the longest names do not fit where the others are read
    for (let index = 0; index < count; index++)
      if ((loaded?.name(index).length ?? 0) > 1024) indices.push(index);
    for (const index of [...indices, count - 1]) expect(table?.at(index)).toEqual(loaded?.at(index));
    single.close();
    all.close();
  });
  it('refuses what is no ELF file, by code', () => {
    expect(() => ElfFile.fromBytes('x', new Uint8Array(100))).toThrow(
      expect.objectContaining({ code: 'not-an-elf-file' }),
    );
    expect(() => ElfFile.open('/nonexistent')).toThrow(expect.objectContaining({ code: 'file-not-found' }));
  });
});

describe('DwarfFile', () => {
  it('has none for a file without debug information', () => {
    const elf = ElfFile.open(execFileSync('which', ['true'], { encoding: 'utf8' }).trim());
    expect(DwarfFile.of(elf)).toBeUndefined();
    elf.close();
  });
});
