// What a recording says of the sources it was made beside, and of what it was measured with.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { addDescription, gitMeta } from '../../../extension/core/recording/circumstances.ts';
import { Recording } from '../../../extension/core/recording/reader.ts';
import { RecordingWriter } from '../../../extension/core/recording/writer.ts';

const folder = mkdtempSync(join(tmpdir(), 'probescope-circumstances-'));
afterAll(() => {
  rmSync(folder, { recursive: true });
});

test('a commit is named, with whether tracked files differ from it', async () => {
  const git = (...args: string[]) =>
    execFileSync('git', ['-C', folder, '-c', 'user.name=n', '-c', 'user.email=n@example.org', ...args], {
      encoding: 'utf8',
    }).trim();
  expect(await gitMeta(join(folder, 'missing'))).toEqual({});
  git('init', '-q');
  // a repository without a commit
  expect(await gitMeta(folder)).toEqual({});
  writeFileSync(join(folder, 'shop.c'), 'int main(void) { return 0; }\n');
  git('add', 'shop.c');
  git('commit', '-q', '-m', 'First');
  const commit = git('rev-parse', 'HEAD');
  writeFileSync(join(folder, 'untracked'), '');
  expect(await gitMeta(folder)).toEqual({ git_commit: commit, git_dirty: false });
  writeFileSync(join(folder, 'shop.c'), 'int main(void) { return 1; }\n');
  expect(await gitMeta(folder)).toEqual({ git_commit: commit, git_dirty: true });
});

test('a session’s tools, script and traced files stand in its recording, the last ones where they changed', () => {
  const path = join(folder, 'trace.probescope');
  const writer = new RecordingWriter(path, { title: 't' });
  const described = {
    host: 'h',
    kernel: '6.1.0',
    arch: 'x64',
    tools: ['Probescope 0.1.0', 'bpftrace 0.17.0'],
  };
  addDescription(writer, {
    ...described,
    script: 'BEGIN {}',
    binaries: [{ path: '/bin/a', buildId: 'c0ffee' }],
  });
  addDescription(writer, { ...described, script: 'END {}', binaries: [{ path: '/bin/b' }] });
  writer.finish();
  expect(writer.ended).toBe(true);
  const recording = new Recording(path);
  try {
    const meta = recording.meta();
    expect(meta.get('tools')).toBe('Probescope 0.1.0, bpftrace 0.17.0');
    expect(meta.get('kernel')).toBe('6.1.0');
    expect(recording.database.prepare('SELECT name, text FROM scripts').all()).toEqual([
      { name: 'trace.bt', text: 'END {}' },
    ]);
    expect(recording.database.prepare('SELECT path, build_id FROM binaries ORDER BY path').all()).toEqual([
      { path: '/bin/a', build_id: 'c0ffee' },
      { path: '/bin/b', build_id: null },
    ]);
  } finally {
    recording.close();
  }
});
