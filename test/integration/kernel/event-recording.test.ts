// Live events in a recording, paths of file descriptors, and counts in the kernel, of a process that does a known amount.
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { Recording } from '../../../extension/core/recording/reader.ts';
import { RecordedEvents } from '../../../extension/core/recording/recorded-events.ts';
import { whenRecording } from '../support/recording-events.ts';
import { runCli, whyNoTracing } from '../support/traced-program.ts';

const reason = whyNoTracing();
const folder = mkdtempSync(join(tmpdir(), 'probescope-event-recording-'));
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});
const running: ChildProcess[] = [];
afterEach(() => {
  for (const child of running.splice(0)) child.kill('SIGKILL');
});

const READS = 25;
const file = join(folder, 'what is read');
writeFileSync(file, 'x'.repeat(1000));

/** Reads a byte of the file on descriptor 5 so often, after a line on its standard input, and lives until another one. */
function reader(): ChildProcess {
  const script = `exec 5< '${file}' 6< '${file}'; until read -r -t 0.1 go; do read -r -N 1 -u 6 x; done 2> /dev/null; i=0; while [ $i -lt ${READS} ]; do read -r -n 1 -u 5 x; i=$((i+1)); done; read -r end`;
  const child = spawn('bash', ['-c', script], { stdio: ['pipe', 'ignore', 'inherit'] });
  running.push(child);
  return child;
}

async function during(child: ChildProcess, ...words: string[]) {
  const run = runCli(['events', ...words, '--pid', String(child.pid), '--duration', '4s', '--json']);
  if (!words.includes('--count-by')) await whenRecording(child.pid ?? 0);
  // a map is printed when the script counts: the process reads now and then from another descriptor
  else await new Promise((resolve) => run.child.stdout?.once('data', resolve));
  child.stdin?.write('go\n');
  const { exitCode, stdout, stderr } = await run.ended;
  expect(exitCode, stderr).toBe(0);
  return stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}

describe('events of a process', () => {
  it('whose fields are called as the row’s own columns tell both: who signals, and who is signalled', async (ctx) => {
    if (reason !== undefined) return ctx.skip(reason);
    const child = spawn(
      'bash',
      ['-c', `until read -r -t 0.1 go; do kill -0 $$; done; kill -CONT ${process.pid}; read -r end`],
      {
        stdio: ['pipe', 'ignore', 'inherit'],
      },
    );
    running.push(child);
    const out = join(folder, 'signals.probescope');
    const printed = await during(
      child,
      'signal:signal_generate',
      '--filter',
      `pid == ${process.pid}`,
      '--out',
      out,
    );
    expect(printed.slice(0, -1)).toEqual([
      expect.objectContaining({ pid: child.pid, tid: child.pid, comm: 'bash', pid_2: process.pid }),
    ]);
    const recording = new Recording(out);
    const stored = recording.database
      .prepare(
        "SELECT pid, name, json_extract(fields, '$.pid_2') AS signalled FROM events JOIN threads ON threads.id = thread",
      )
      .all();
    recording.close();
    expect(stored).toEqual([{ pid: child.pid, name: 'bash', signalled: process.pid }]);
  });

  it('are in the recording as they are printed, with the paths of descriptors', async (ctx) => {
    if (reason !== undefined) return ctx.skip(reason);
    const out = join(folder, 'reads.probescope');
    const printed = await during(reader(), 'read', '--filter', 'fd == 5', '--fd-paths', '--out', out);
    const rows = printed.slice(0, -1);
    expect(rows).toHaveLength(READS);
    for (const row of rows)
      expect(row['fd_path']).toMatch(
        new RegExp(`^${file} \\((?:≤ 1 ms|≤ 10 ms|≤ 100 ms|≤ 1 s|> 1 s) later\\)$`),
      );
    const recording = new Recording(out);
    const stored = recording.database
      .prepare('SELECT fields, pid, threads.name AS comm FROM events JOIN threads ON threads.id = thread')
      .all() as { fields: string; pid: number; comm: string }[];
    expect(stored.map(({ fields, ...thread }) => ({ ...(JSON.parse(fields) as object), ...thread }))).toEqual(
      rows.map(({ time: _, tid: __, ...row }) => row),
    );
    const events = new RecordedEvents(recording);
    expect(events.counts).toEqual(printed.at(-1)?.['counts']);
    expect(events.schema.columns.map(({ name }) => name)).toContain('fd_path');
    recording.close();
    // it is never written over
    const again = runCli(['events', 'read', '--first', '1', '--out', out]);
    expect((await again.ended).exitCode).toBe(1);
  });

  it('have no path when the process is gone before they are read', async (ctx) => {
    if (reason !== undefined) return ctx.skip(reason);
    const child = spawn('bash', ['-c', `read -r go; exec head -c 10 '${file}' > /dev/null`], {
      stdio: ['pipe', 'ignore', 'inherit'],
    });
    running.push(child);
    const rows = await during(child, 'read', '--filter', 'count == 10', '--fd-paths');
    expect(rows).toHaveLength(2);
    expect(rows[0]?.['fd_path']).toMatch(/^\(process ended\)$|^\(closed since\)$|later\)$/);
  });

  it('are counted in the kernel by a field', async (ctx) => {
    if (reason !== undefined) return ctx.skip(reason);
    const lines = await during(reader(), 'read', '--count-by', 'fd');
    const maps = lines.flatMap((line) =>
      'map' in line ? [line['map'] as { name: string; rows: unknown }] : [],
    );
    expect(JSON.stringify(maps.at(-1))).toMatch(new RegExp(`"5".*${READS}|5\\D+${READS}\\b`));
    expect(lines.at(-1)).toMatchObject({ lost: { events: 0 } });
  });
});
