// Files as a user meets them: packed, cut off, foreign, hostile.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, expect, test } from 'vitest';
import {
  importFile,
  LineSplitter,
  type ImportFormat,
} from '../../../extension/core/interchange/import-file.ts';
import { exportPprof } from '../../../profile/export/pprof.ts';
import { ProbeError } from '../../../protocol/errors.ts';
import { profileOf } from './slow.ts';

const folder = mkdtempSync(join(tmpdir(), 'probescope-import-'));
afterAll(() => {
  rmSync(folder, { recursive: true });
});

const read = (name: string, content: string | Uint8Array, format?: ImportFormat) => {
  const path = join(folder, name);
  writeFileSync(path, content);
  return importFile(path, format);
};
const weight = ({ profile }: Awaited<ReturnType<typeof importFile>>): number =>
  profile.nodes.self.reduce((sum, each) => sum + each, 0);

const refusal = async (reading: Promise<unknown>): Promise<ProbeError> => {
  const error = await reading.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (error instanceof ProbeError) return error;
  throw new Error(`It was not refused as it should be: ${String(error)}`);
};

test('gzip is unpacked, of each format that is packed', async () => {
  const packed = await read('a.folded.gz', gzipSync('main;a 3\nmain;b 4\n'));
  expect([packed.format, weight(packed), packed.notes]).toEqual(['folded', 7, []]);
  const profile = profileOf([{ frames: ['main', 'a'], weight: 5 }]);
  const pprof = await read('a.pb.gz', gzipSync(exportPprof(profile)));
  expect([pprof.format, weight(pprof)]).toEqual(['pprof', 5]);
});

test('a gzip that is cut off gives what came before, and says so', async () => {
  const lines = Array.from({ length: 20_000 }, (_, i) => `main;f${(i * 7919) % 6007} 1\n`).join('');
  const packed = gzipSync(lines);
  const cut = await read('cut.gz', packed.subarray(0, packed.length / 2));
  expect(weight(cut)).toBeGreaterThan(1000);
  expect(weight(cut)).toBeLessThan(20_000);
  expect(cut.notes[0]).toMatch(/^the end: the gzip stream is cut off or damaged after \d+ unpacked bytes/);
});

test('a zip bomb is refused by its ratio, with line breaks and without', async () => {
  for (const line of ['main;a 1\n', 'a']) {
    const { code, message, remedy } = await refusal(
      read('bomb.gz', gzipSync(Buffer.alloc(80_000_000, line))),
    );
    expect(code).toBe('malformed-file');
    expect(message).toMatch(/unpacks to more than 200 times its size \(\d+ bytes gave \d+ and more\)/);
    expect(remedy).toContain('gunzip');
  }
});

test('a file without line breaks is no line: it is let go, and what comes after it is read', async () => {
  const endless = Buffer.concat([Buffer.alloc(70 << 20, 'a'), Buffer.from('\nmain;a 1\nmain;b\n')]);
  const imported = await read('endless.folded', endless, 'folded');
  expect(weight(imported)).toBe(1);
  expect(imported.notes).toEqual([
    'line 1: is longer than 64 MB',
    'line 3: there is no count after the stack',
  ]);
});

test('lines are the same in whatever pieces they come', () => {
  const text = 'a\r\nb\u00e9\u4e2d\n\nlast without an end';
  const bytes = new TextEncoder().encode(text);
  for (let size = 1; size <= bytes.length; size++) {
    const lines: string[] = [];
    const splitter = new LineSplitter((line) => lines.push(line));
    for (let at = 0; at < bytes.length; at += size) splitter.push(bytes.subarray(at, at + size));
    splitter.finish();
    expect(lines).toEqual(['a', 'b\u00e9\u4e2d', '', 'last without an end']);
  }
});

test('files without a single good stack are refused with place and reason', async () => {
  await expect(read('empty', '')).rejects.toThrow(/is empty/);
  for (const [content, reason] of [
    ['a;b -5\n', 'line 1: the count is negative'],
    ['a;b;c\na;b;d\n', 'line 2: there is no count after the stack'],
    [Uint8Array.from({ length: 5000 }, (_, i) => (i * 7919) % 256), 'line 1: there is no count'],
  ] as const) {
    const { code, message } = await refusal(read('none.folded', content));
    expect(code).toBe('malformed-file');
    expect(message).toContain(reason);
  }
  await expect(read('cut.json', '{"$schema":"https://www.speed')).rejects.toThrow(/is no JSON: .* position/);
  await expect(read('other.json', '{"a":1}')).rejects.toThrow(/no speedscope profile/);
  new DatabaseSync(join(folder, 'other.sqlite')).exec('CREATE TABLE t (a)');
  await expect(importFile(join(folder, 'other.sqlite'))).rejects.toThrow(/is an SQLite file/);
});

test('stacks that are cut for their depth are told', async () => {
  const deep = Array.from({ length: 20_000 }, (_, i) => `f${i % 7}`).join(';');
  const { notes } = await read('deep.folded', `${deep} 1\n`);
  expect(notes).toEqual(['1 stack was deeper than 16384 frames; the innermost ones are cut off.']);
});
