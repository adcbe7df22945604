// Events of user functions: arguments by name and type, results and durations, of code that is optimised and code that is not.
import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { whenRecording } from '../support/recording-events.ts';
import { runCli, whyNoTracing } from '../support/traced-program.ts';

const reason = whyNoTracing();
const folder = mkdtempSync(join(tmpdir(), 'probescope-arguments-'));
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});
const running: ChildProcess[] = [];
afterEach(() => {
  for (const child of running.splice(0)) child.kill('SIGKILL');
});

const CALLS = 20;
const source = `
#include <stdbool.h>
#include <stdio.h>
#include <time.h>
enum colour { RED = 1, GREEN = 5 };
struct pair { long a, b, c; };
#define APART __attribute__((noinline, noclone))
static volatile long sink;

APART long many(int number, unsigned long wide, const char *text, enum colour colour, double real, bool flag,
                short narrow, signed char last, long seventh, long eighth)
{
  struct timespec pause = { 0, 2000000 };
  nanosleep(&pause, NULL);
  sink += wide + colour + (long)real + flag + narrow + last + seventh + eighth + text[0];
  return -number;
}
APART void behind(struct pair whole, int after, int pid) { sink += whole.a + after + pid; }
APART struct pair made(int seed) { struct pair one = { seed, 2, 3 }; return one; }
APART long deeper(long level) { return level == 0 ? 0 : 1 + deeper(level - 1) + (sink & 0); }

int main(void)
{
  if (getchar() == EOF) return 1;
  for (int i = 0; i < ${CALLS}; i++) {
    char text[16];
    snprintf(text, sizeof text, "call %d", i);
    many(i, 0xfedcba9876543210ul + i, text, i % 2 ? GREEN : RED, 1.5, i % 2, (short)(-i), (signed char)(-2), 70 + i, -80 - i);
    behind((struct pair){ 1, 2, 3 }, i, 1000 + i);
    sink += made(i).a;
  }
  sink += deeper(4);
  getchar();
  return 0;
}
`;

type Row = Record<string, unknown>;

/** The rows of a function's events while the program does its work. */
async function rowsOf(level: string, name: string, ...words: string[]): Promise<Row[]> {
  const path = join(folder, `program${level}`);
  const file = join(folder, 'program.c');
  writeFileSync(file, source);
  execFileSync('gcc', ['-g', level, '-o', path, file]);
  const program = spawn(path, { stdio: ['pipe', 'ignore', 'inherit'] });
  running.push(program);
  const run = runCli([
    'events',
    `user-function:${path}:${name}`,
    '--pid',
    String(program.pid),
    '--json',
    '--duration',
    '4s',
    ...words,
  ]);
  await whenRecording(program.pid ?? 0);
  program.stdin?.write('go\n');
  const { exitCode, stdout, stderr } = await run.ended;
  expect([exitCode, stderr.replace(/^.* events, .*\n/m, '')]).toEqual([0, '']);
  const rows = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Row);
  expect(rows.at(-1)).toMatchObject({ counts: { lost: 0, missedEntries: 0 } });
  return rows.slice(0, -1);
}

describe.each(['-O0', '-O2'])('events of functions that were compiled with %s', (level) => {
  it('show their parameters as the source names and types them', async (ctx) => {
    if (reason !== undefined) return ctx.skip(reason);
    const rows = await rowsOf(level, 'many', '--durations');
    expect(rows).toHaveLength(CALLS);
    rows.forEach((row, i) => {
      expect(row).toMatchObject({
        number: i,
        wide: String(0xfedcba9876543210n + BigInt(i)),
        text: `call ${i}`,
        colour: i % 2 === 0 ? 1 : 5,
        flag: i % 2,
        narrow: 0 - i,
        ret: 0 - i,
      });
      expect(row['text_ptr']).toBeTypeOf('number');
      expect(row).not.toHaveProperty('real');
      // three on the stack, whose places optimised code is told of
      if (level === '-O2') expect(row).toMatchObject({ last: -2, seventh: 70 + i, eighth: -80 - i });
      expect(row['duration']).toBeGreaterThan(2e6);
      expect(row['duration']).toBeLessThan(2e9);
    });
  });

  it('filter by arguments, results and durations', async (ctx) => {
    if (reason !== undefined) return ctx.skip(reason);
    const some = await rowsOf(level, 'many', '--filter', 'number >= 15 && narrow != -17');
    expect(some.map((row) => row['number'])).toEqual([15, 16, 18, 19]);
    expect(some[0]).not.toHaveProperty('duration');
    const late = await rowsOf(level, 'many', '--durations', '--filter', 'ret < -17 && duration > 1000');
    expect(late.map((row) => row['number'])).toEqual([18, 19]);
  });

  it('pair the calls of a function that calls itself', async (ctx) => {
    if (reason !== undefined) return ctx.skip(reason);
    const rows = (await rowsOf('-O0', 'deeper', '--durations')).sort(
      (a, b) => Number(a['level']) - Number(b['level']),
    );
    expect(rows.map((row) => [row['level'], row['ret']])).toEqual([
      [0, 0],
      [1, 1],
      [2, 2],
      [3, 3],
      [4, 4],
    ]);
    const durations = rows.map((row) => Number(row['duration']));
    expect(durations).toEqual([...durations].sort((a, b) => a - b));
  });

  it('say what cannot be had, and never show another value for it', async (ctx) => {
    if (reason !== undefined) return ctx.skip(reason);
    for (const row of await rowsOf(level, 'behind')) {
      expect(row).not.toHaveProperty('whole');
      if ('after' in row) expect(row).toMatchObject({ pid_: 1000 + Number(row['after']) });
    }
    const made = await rowsOf(level, 'made', '--durations');
    expect(made).toHaveLength(CALLS);
    made.forEach((row, i) => {
      if ('seed' in row) expect(row['seed']).toBe(i);
      expect(row).not.toHaveProperty('ret');
      expect(row['duration']).toBeGreaterThan(0);
    });
  });
});
