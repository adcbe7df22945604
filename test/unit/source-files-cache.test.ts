import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join, resolve } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { DebugInfo } from '../../helper/symbols/debug-info.ts';
import { sourceFilesOf } from '../../helper/symbols/source-files.ts';
import { SourceFilesCache, type SourceFilesKey } from '../../helper/symbols/source-files-cache.ts';
import { programOfManyFiles } from '../support/many-files.ts';

const fixture = (name: string): string => resolve(import.meta.dirname, '../fixtures/symbols', name);

describe('source files of a binary', () => {
  test.each(['tiny-gcc-dwarf2', 'tiny-gcc-dwarf5', 'tiny-clang-dwarf4', 'tiny-clang-dwarf5'])(
    '%s: every file that has code is among them',
    async (name) => {
      const info = await DebugInfo.open(fixture(name));
      const text = info.elf.section('.text');
      const inFrames = new Set<string>();
      for (let at = text?.address ?? 0; at < (text?.address ?? 0) + (text?.sizeBytes ?? 0); at++)
        for (const { file } of info.frames(at)) if (file.includes('/')) inFrames.add(file);
      info.close();
      const listed = sourceFilesOf(fixture(name))?.files.map(({ path }) => path) ?? [];
      expect(inFrames.size).toBeGreaterThan(0);
      expect(listed).toEqual(expect.arrayContaining([...inFrames]));
      expect(new Set(listed).size).toBe(listed.length);
    },
  );

  test('clang’s DWARF 5 has their content hashes', () => {
    const files = sourceFilesOf(fixture('tiny-clang-dwarf5'))?.files ?? [];
    expect(files.find(({ path }) => basename(path) === 'tiny.c')?.md5s).toEqual([
      expect.stringMatching(/^[0-9a-f]{32}$/),
    ]);
  });

  test('a binary without debug information has none', () => {
    expect(sourceFilesOf(fixture('tiny-mini-debug'))).toBeUndefined();
  });
});

describe('the cache of source files', () => {
  let folder: string;
  let cache: SourceFilesCache;
  beforeEach(() => {
    folder = join(mkdtempSync(join(tmpdir(), 'probescope-files-')), 'source-files');
    cache = new SourceFilesCache(folder);
  });
  afterEach(() => rmSync(resolve(folder, '..'), { recursive: true, force: true }));

  const key: SourceFilesKey = { name: 'abcd', sections: [1, 2, 3, 4] };
  const files = [
    { path: '/a/b.c', md5s: [] },
    { path: '/a/ü\n.c', md5s: ['00112233445566778899aabbccddeeff'] },
  ];
  const entry = (): string => join(folder, readdirSync(folder)[0] ?? '');

  test('gives what was written, to nobody but its owner', () => {
    expect(cache.read(key)).toBeUndefined();
    cache.write(key, files);
    expect(cache.read(key)).toEqual(files);
    expect(statSync(folder).mode & 0o777).toBe(0o700);
    expect(statSync(entry()).mode & 0o777).toBe(0o600);
    expect(readdirSync(folder)).toHaveLength(1);
  });

  test('an entry with any byte changed, cut short or empty is thrown away', () => {
    cache.write(key, files);
    const path = entry();
    const whole = readFileSync(path);
    for (let at = 0; at < whole.length; at++) {
      const damaged = Buffer.from(whole);
      damaged[at] = (damaged[at] ?? 0) ^ 0x15;
      writeFileSync(path, damaged);
      expect.soft(cache.read(key), `byte ${at}`).toBeUndefined();
      expect.soft(existsSync(path), `byte ${at}`).toBe(false);
    }
    for (const length of [0, 1, whole.length - 1]) {
      writeFileSync(path, whole.subarray(0, length));
      expect(cache.read(key)).toBeUndefined();
      expect(existsSync(path)).toBe(false);
    }
  });

  test('an entry of other debug information under the same build id is not believed', () => {
    cache.write(key, files);
    expect(cache.read({ ...key, sections: [1, 2, 3, 5] })).toBeUndefined();
    expect(cache.read(key)).toBeUndefined();
  });

  test('a link is not followed, and a folder that others may write to is not used', () => {
    cache.write(key, files);
    const path = entry();
    const elsewhere = join(folder, '../elsewhere');
    writeFileSync(elsewhere, readFileSync(path));
    rmSync(path);
    symlinkSync(elsewhere, path);
    expect(cache.read(key)).toBeUndefined();
    expect(existsSync(elsewhere)).toBe(true);
    chmodSync(folder, 0o777);
    cache.write(key, files);
    expect(readdirSync(folder)).toEqual([]);
  });

  test('keeps what was used last within its bound, and nothing that was half written', () => {
    cache.write(key, files);
    const { size } = statSync(entry());
    cache = new SourceFilesCache(folder, 2 * size);
    const long = new Date(Date.now() - 86_400_000);
    for (const name of ['aaaa', 'bbbb', 'cccc']) {
      cache.write({ ...key, name }, files);
      utimesSync(join(folder, `${name}.v1`), long, long);
    }
    writeFileSync(join(folder, 'dddd.v1.0.part'), '');
    utimesSync(join(folder, 'dddd.v1.0.part'), long, long);
    expect(cache.read({ ...key, name: 'bbbb' })).toEqual(files);
    cache.trim();
    expect(readdirSync(folder).sort()).toEqual(['abcd.v1', 'bbbb.v1']);
  });

  test('answers for the binary, which is read once', () => {
    const binary = join(folder, '../program');
    writeFileSync(binary, programOfManyFiles('wanted.c', 2, 10));
    const first = sourceFilesOf(binary, cache);
    expect(first?.files.map(({ path }) => path)).toContain('/made/wanted.c');
    let units = 0;
    expect(sourceFilesOf(binary, cache, () => units++)).toEqual(first);
    expect(units).toBe(0);
    // the next build is another file
    writeFileSync(binary, programOfManyFiles('other.c', 2, 10));
    expect(sourceFilesOf(binary, cache)?.files.map(({ path }) => path)).toContain('/made/other.c');
  });

  test('a folder that cannot be made costs nothing but time', () => {
    writeFileSync(folder, 'a file');
    cache.write(key, files);
    expect(cache.read(key)).toBeUndefined();
    cache.trim();
    rmSync(folder);
    mkdirSync(folder);
  });
});
