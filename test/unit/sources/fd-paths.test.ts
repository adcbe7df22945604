import { closeSync, mkdirSync, mkdtempSync, openSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { readColumn } from '../../../helper/sources/columns.ts';
import { FdPaths, withPaths } from '../../../helper/sources/tracefs/fd-paths.ts';
import { Rows, Tasks } from '../../../helper/sources/tracefs/rows.ts';
import type { EventField } from '../../../protocol/events.ts';

const folder = mkdtempSync(join(tmpdir(), 'probescope-fd-'));
afterAll(() => {
  rmSync(folder, { recursive: true });
});
const startNs = process.hrtime.bigint();
const sinceStart = () => Number(process.hrtime.bigint() - startNs);

test('a descriptor of a living process has its path, and says how long after the event it was looked up', () => {
  const file = join(folder, 'some file');
  writeFileSync(file, '');
  const fd = openSync(file, 'r');
  const paths = new FdPaths(startNs);
  const eventNs = sinceStart();
  paths.forget();
  expect(paths.resolve(process.pid, fd, eventNs)).toMatch(
    new RegExp(`^${file} \\((?:≤ 1 ms|≤ 10 ms|≤ 100 ms|≤ 1 s|> 1 s) later\\)$`),
  );
  expect(paths.resolve(process.pid, -100, eventNs)).toContain(`${process.cwd()} (`);
  expect(paths.resolve(process.pid, -1, eventNs)).toBe('');
  closeSync(fd);
  // kept for what is read together, and not longer
  expect(paths.resolve(process.pid, fd, eventNs)).toContain(file);
  paths.forget();
  expect(paths.resolve(process.pid, fd, eventNs)).toBe('(closed since)');
  expect(paths.resolve(2 ** 30, 0, eventNs)).toBe('(process ended)');
  expect(paths.resolve(0, 0, eventNs)).toBe('(process ended)');
});

test('a process that has got the number since is not asked', () => {
  const proc = join(folder, 'proc');
  mkdirSync(join(proc, '42/fd'), { recursive: true });
  symlinkSync('/secret', join(proc, '42/fd/3'));
  const uptimeTicks = 1e9; // it begins in the future
  writeFileSync(join(proc, '42/stat'), `42 (a) b) S ${'0 '.repeat(18)}${uptimeTicks} 0 0\n`);
  const paths = new FdPaths(startNs, proc);
  paths.forget();
  expect(paths.resolve(42, 3, sinceStart())).toBe('(process ended)');
  writeFileSync(join(proc, '42/stat'), `42 (a) b) S ${'0 '.repeat(18)}0 0 0\n`);
  paths.forget();
  const nowNs = sinceStart();
  paths.forget();
  expect(paths.resolve(42, 3, nowNs)).toMatch(/^\/secret \(/);
  expect(paths.resolve(42, 3, nowNs - 2e8)).toMatch(/^\/secret \((?:≤|>) 1 s later\)$/);
  expect(paths.resolve(42, 3, nowNs - 2e9)).toBe('/secret (> 1 s later)');
  writeFileSync(join(proc, '42/stat'), 'nonsense');
  paths.forget();
  expect(paths.resolve(42, 3, sinceStart())).toBe('(process ended)');
});

test('a column with the path stands behind each descriptor, and nowhere else', () => {
  const field = (name: string, as: 'fd' | 'number', offsetBytes: number): EventField => ({
    name,
    type: 'unsigned int',
    offsetBytes,
    sizeBytes: 8,
    signed: false,
    column: 'u64',
    display: { as },
  });
  const fields = [field('fd', 'fd', 8), field('count', 'number', 16)];
  expect(withPaths(fields).map(({ name }) => name)).toEqual(['fd', 'fd_path', 'count']);
  const paths = new FdPaths(startNs);
  paths.forget();
  const tasks = new Tasks(() => '');
  const rows = new Rows([{ source: 'syscall:x', id: 5, fields }], tasks, [], paths);
  const record = new DataView(new ArrayBuffer(24));
  record.setUint16(0, 5, true);
  record.setInt32(4, process.pid, true);
  record.setInt32(8, -100, true);
  record.setBigUint64(16, 7n, true);
  rows.add(record, 0, 24, sinceStart(), 0);
  // cut off before the descriptor: no path is made up
  rows.add(record, 0, 8, sinceStart(), 0);
  const { data, texts } = rows.take();
  const values = rows.columns.map(({ column }, index) => readColumn(column, data[index] ?? '', texts));
  expect(rows.columns.map(({ name }) => name).slice(6)).toEqual(['fd', 'fd_path', 'count']);
  expect(values[7]?.[0]).toContain(process.cwd());
  expect(values[7]?.[1]).toBe('');
  expect(values[8]).toEqual([7n, 0n]);
});
