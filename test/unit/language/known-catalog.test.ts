import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { NameTable, PackedNames } from '../../../language-server/language/packed-names.ts';
import { readCatalog } from '../../../protocol/catalog.ts';
import { smallCatalog } from './catalog.ts';

describe('packed names', () => {
  test('give back every text, and find each by its name', () => {
    const names = fc.string({ unit: fc.constantFrom('a', 'Z', '_', 'é', '🐝', '￿') });
    fc.assert(
      fc.property(fc.dictionary(names, fc.string({ unit: 'grapheme' })), names, (table, other) => {
        const packed = NameTable.of(table);
        expect([...packed.names].sort()).toEqual(Object.keys(table).sort());
        for (const [name, value] of Object.entries(table)) expect(packed.get(name)).toBe(value);
        expect(packed.get(other)).toBe(Object.hasOwn(table, other) ? table[other] : undefined);
      }),
    );
  });

  test('take `constructor` for no name that is there', () => {
    expect(NameTable.of({ vfs_read: '' }).has('constructor')).toBe(false);
    expect(NameTable.of({}).get('')).toBeUndefined();
  });

  test('are the same block in lower case when nothing changes', () => {
    const [plain, mixed] = [PackedNames.of(['a_b', 'c']), PackedNames.of(['VFS_É', 'x'])];
    expect(plain.lowered()).toBe(plain);
    expect([...mixed.lowered()]).toEqual(['vfs_É', 'x']);
  });
});

describe('a catalog that is malformed or of another release', () => {
  const refusal = (text: string): string => {
    const read = readCatalog(text);
    return 'refusal' in read ? read.refusal : 'accepted';
  };
  const damaged = (changes: object): string => refusal(JSON.stringify({ ...smallCatalog, ...changes }));

  test.each([
    ['text that is no JSON', refusal('\0{"format":'), 'is not JSON'],
    ['another file', refusal('[1, 2]'), '"format" is not'],
    ['a version to come', damaged({ version: 2 }), 'has version 2; this release reads version 1'],
    ['a table that is missing', damaged({ functions: undefined }), '"functions" is missing'],
    ['a function that is a number', damaged({ functions: { vfs_read: 5 } }), 'damaged at "vfs_read"'],
    ['an event without members', damaged({ tracepoints: { block: { a: null } } }), 'damaged at "block"'],
    ['a category that is a list', damaged({ tracepoints: { block: ['a'] } }), 'damaged at "block"'],
    ['an enum of numbers', damaged({ enums: { e: { A: 1 } } }), 'damaged at "e"'],
    ['a module of numbers', damaged({ modules: { ext4: [1] } }), 'damaged at "ext4"'],
    ['a binary without USDT', damaged({ binaries: { '/bin/sh': { functions: [] } } }), 'at "/bin/sh"'],
    ['an iterator that is an object', damaged({ iterators: [{}] }), '"iterators" is damaged at "0"'],
    ['a struct that is null', damaged({ structs: { 'struct a': null } }), 'damaged at "struct a"'],
  ])('%s is refused with its place', (_what, said, wanted) => {
    expect(said).toContain(wanted);
  });

  test('and a good one is taken', () => {
    expect(refusal(JSON.stringify(smallCatalog))).toBe('accepted');
  });
});
