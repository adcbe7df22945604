import { execa } from 'execa';
import { spawnSync } from 'node:child_process';
import { setTimeout as delay } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { cliBundle, whyNoTracing } from './support/traced-program.ts';

interface Summary {
  readonly missingDurations: number;
  readonly syscalls: readonly {
    readonly name: string;
    readonly calls: number;
    readonly errors: Readonly<Record<string, number>>;
    readonly totalNs: number;
    readonly p50Ns: number;
    readonly p99Ns: number;
    readonly maxNs: number;
    readonly open: number;
  }[];
}

/** Waits for a line, then makes calls of known numbers, among them those of three children. */
const WORK = `read -r go
i=0; while [ $i -lt 200 ]; do i=$((i+1)); cd /nonexistent/$i 2>/dev/null; done
i=0; while [ $i -lt 3 ]; do i=$((i+1)); /bin/mkdir / 2>/dev/null; done
/bin/sleep 0.3
exit 0`;

function cli(...args: string[]) {
  return execa(process.execPath, [cliBundle, 'events', 'syscall:*', '--summary', ...args], { reject: false });
}

/** Waits until a process has said something on standard error. */
async function said(child: ReturnType<typeof cli>, pattern: RegExp): Promise<void> {
  let text = '';
  child.stderr.on('data', (chunk: Buffer) => (text += chunk.toString()));
  while (!pattern.test(text) && child.exitCode === null) await delay(20);
}

/** `strace -c -f`: calls and errors by name. */
function straceCounts(text: string): Map<string, { calls: number; errors: number }> {
  const rows = text.matchAll(/^\s*[\d.]+\s+[\d.]+\s+\d+\s+(\d+)\s+(\d+)?\s+(\w+)$/gm);
  return new Map(
    [...rows]
      .map(([, calls, errors, name]): [string, { calls: number; errors: number }] => [
        name ?? '',
        { calls: Number(calls), errors: Number(errors ?? 0) },
      ])
      .filter(([name]) => name !== 'total'),
  );
}

test('the summary agrees with strace -c -f on the same run, and with what the program did', async (ctx) => {
  const why = whyNoTracing();
  if (why !== undefined) ctx.skip(why);
  if (spawnSync('strace', ['-V']).error !== undefined) ctx.skip('strace is not installed');
  const work = execa('/bin/sh', ['-c', WORK], { reject: false });
  const strace = execa('strace', ['-c', '-f', '-p', String(work.pid)], { reject: false });
  await said(strace as ReturnType<typeof cli>, /attached/);
  const ours = cli('--pid', String(work.pid), '--json');
  await said(ours, /counts the system calls/);
  work.stdin.end('go\n');
  await work;
  const [theirs, mine] = [await strace, await ours];
  expect(mine.exitCode, mine.stderr).toBe(0);
  const summary = JSON.parse(mine.stdout) as Summary;
  const figures = new Map(summary.syscalls.map((one) => [one.name, one]));

  // the read that waited when the tracers came is one call for each of them, or none
  const without = (name: string) => name !== 'read';
  const counted = summary.syscalls
    .filter(({ name }) => without(name))
    .map(({ name, calls, errors }) => [
      name,
      { calls, errors: Object.values(errors).reduce((sum, count) => sum + count, 0) },
    ]);
  const oracle = straceCounts(theirs.stderr);
  expect(oracle.size).toBeGreaterThan(10);
  expect(Object.fromEntries(counted)).toEqual(
    Object.fromEntries([...oracle].filter(([name]) => without(name))),
  );

  expect(figures.get('chdir')).toMatchObject({ calls: 200, errors: { ENOENT: 200 }, open: 0 });
  expect(figures.get('mkdir')).toMatchObject({ calls: 3, errors: { EEXIST: 3 } });
  expect(figures.get('execve')).toMatchObject({ calls: 4 });
  expect(summary.missingDurations).toBe(0);
  expect(figures.get('clock_nanosleep')!.totalNs).toBeGreaterThanOrEqual(300e6);
  for (const { p50Ns, p99Ns, maxNs, totalNs } of summary.syscalls) {
    expect(p50Ns).toBeLessThanOrEqual(p99Ns);
    expect(p99Ns).toBeLessThanOrEqual(maxNs);
    expect(maxNs).toBeLessThanOrEqual(totalNs);
  }
});

test('what cannot be summed up is told with the next step', async () => {
  const gone = await cli('--pid', '4194303');
  expect(gone).toMatchObject({ exitCode: 1 });
  expect(gone.stderr).toContain('There is no process 4194303');
  const filtered = await cli('--filter', 'ret < 0');
  expect(filtered).toMatchObject({ exitCode: 2 });
  expect(filtered.stderr).toContain('--summary and --filter exclude one another');
  const wildcard = await execa(process.execPath, [cliBundle, 'events', 'syscall:*'], { reject: false });
  expect(wildcard.stderr).toContain('--summary');
});
