import {
  copyFileSync,
  mkdtempSync,
  readdirSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  utimesSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { OpenBinaries } from '../../helper/symbols/open-binaries.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'probescope-open-binaries-'));
});
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

function copyOfNode(name: string): string {
  const path = join(folder, name);
  copyFileSync(process.execPath, path);
  return path;
}

test('a file is read once, by whichever path and from whichever process it is seen', async () => {
  const binaries = new OpenBinaries();
  const link = join(folder, 'link');
  symlinkSync(process.execPath, link);
  const info = await binaries.open(process.execPath);
  expect(await binaries.open(link)).toBe(info);
  expect(await binaries.open(`/proc/self/root${process.execPath}`)).toBe(info);
  expect(await binaries.open('/proc/self/exe')).toBe(info);
  expect(binaries.held.count).toBe(1);
});

test('a rebuilt file is another one', async () => {
  const binaries = new OpenBinaries();
  const path = copyOfNode('program');
  const before = await binaries.open(path);
  utimesSync(path, new Date(1), new Date(1));
  expect(await binaries.open(path)).not.toBe(before);
});

test('large files are forgotten, the one used longest ago first; who holds one reads on', async () => {
  const binaries = new OpenBinaries(2 ** 20);
  const paths = ['a', 'b', 'c'].map(copyOfNode);
  const first = await binaries.open(paths[0]!);
  // the order of Node's own symbols, made for who asks more than a few times: some megabytes
  const used = async (path: string): Promise<void> => {
    const info = await binaries.open(path);
    for (let question = 0; question < 10; question++)
      expect(info.symbols.find(info.elf.header.entry)).toBeDefined();
  };
  for (const path of [...paths, ...paths]) await used(path);
  await binaries.open(paths[2]!);
  expect(binaries.held.count).toBe(1);
  expect(first.symbols.find(first.elf.header.entry)).toBeDefined();
});

test('a file that cannot be read is refused each time, and not kept', async () => {
  const binaries = new OpenBinaries();
  const path = join(folder, 'nothing');
  for (let twice = 0; twice < 2; twice++)
    await expect(binaries.open(path)).rejects.toMatchObject({ code: 'file-not-found' });
  expect(binaries.held).toEqual({ count: 0, bytes: 0 });
  expect(readdirSync('/proc/self/fd').filter((fd) => linkOf(fd).startsWith(folder))).toEqual([]);
});

function linkOf(fd: string): string {
  try {
    return readlinkSync(`/proc/self/fd/${fd}`);
  } catch {
    return '';
  }
}
