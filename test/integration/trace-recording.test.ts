// `probescope trace --out`: what the recording says of how it was made is what the tools themselves say.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { hostname, release, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { Recording } from '../../extension/core/recording/reader.ts';
import { repository, runCli, TracedProgram, whyNoTracing } from './support/traced-program.ts';

const folder = mkdtempSync(join(tmpdir(), 'probescope-trace-recording-'));
afterAll(() => {
  rmSync(folder, { recursive: true });
});

const said = (file: string, ...args: string[]): string =>
  execFileSync(file, args, { cwd: repository, encoding: 'utf8' });

/** Undefined where these sources are in no repository. */
function checkedOut(): string | undefined {
  try {
    return said('git', 'rev-parse', 'HEAD').trim();
  } catch {
    return undefined;
  }
}

test('tools, kernel, script, build id and commit stand beside the figures', async (ctx) => {
  const why = whyNoTracing();
  if (why !== undefined) ctx.skip(why);
  const program = await TracedProgram.start('shop', ['--threads', '1', '--rate', '200']);
  const out = join(folder, 'shop.probescope');
  program.go();
  const target = ['--binary', program.path, '--pid', String(program.pid)];
  const cli = runCli(['trace', ...target, '--function', 'route', '--duration', '1200ms', '--out', out]);
  const { exitCode, stderr } = await cli.ended;
  program.end();
  expect(exitCode, stderr).toBe(0);
  const recording = new Recording(out);
  try {
    const meta = recording.meta();
    expect(meta.get('host')).toBe(hostname());
    expect(meta.get('kernel')).toBe(release());
    const version = /v(\S+)/.exec(said('bpftrace', '--version'))?.[1];
    expect(meta.get('tools')).toMatch(new RegExp(`^Probescope \\d.*, bpftrace ${version}$`));
    const commit = checkedOut();
    expect(meta.get('git_commit')).toBe(commit);
    expect(meta.has('git_dirty')).toBe(commit !== undefined);
    const buildId = /Build ID: ([0-9a-f]+)/.exec(said('readelf', '-n', program.path))?.[1];
    expect(recording.database.prepare('SELECT path, build_id FROM binaries').all()).toEqual([
      { path: program.path, build_id: buildId ?? null },
    ]);
    // it begins when the probes do, not a second later
    const { first } = recording.database
      .prepare('SELECT count AS first FROM totals ORDER BY interval')
      .get() as {
      first: number;
    };
    const { last } = recording.database.prepare('SELECT max(count) AS last FROM totals').get() as {
      last: number;
    };
    expect(first).toBeLessThan(last / 2);
    const [script] = recording.database.prepare('SELECT text FROM scripts').all() as { text: string }[];
    expect(script?.text).toMatch(/^uprobe:.*:"?route"? /m);
    // the words that an engine obeys are secrets
    expect(script?.text).not.toMatch(/"ps_/);
    expect(script?.text).toContain('args->newcomm == "probescope_off"');
  } finally {
    recording.close();
  }
});
