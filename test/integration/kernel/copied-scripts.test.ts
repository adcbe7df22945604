// What "Copy as… bpftrace" gives for probes in programs, run with the real bpftrace on a program that counts its own calls.
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { runCli, TracedProgram, whyNoTracing } from '../support/traced-program.ts';

const reason = whyNoTracing();
const folder = mkdtempSync(join(tmpdir(), 'probescope-copied-'));
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

const ends: (() => void)[] = [];
afterEach(() => {
  for (const end of ends.splice(0)) end();
});

async function startShop(): Promise<TracedProgram> {
  const program = await TracedProgram.start('shop', ['--threads', '2', '--requests', '60', '--rate', '400']);
  ends.push(() => {
    program.end();
  });
  return program;
}

async function copied(program: TracedProgram, ...words: string[]): Promise<string> {
  const run = runCli(['events', ...words, '--pid', String(program.pid), '--copy', 'bpftrace']);
  const { exitCode, stdout, stderr } = await run.ended;
  expect([exitCode, stderr]).toEqual([0, '']);
  return stdout;
}

/** The lines that the script prints while the program does its work, and the program's own figures. */
async function linesDuring(program: TracedProgram, script: string) {
  const file = join(folder, 'copied.bt');
  writeFileSync(file, script);
  const bpftrace = spawn('bpftrace', [file], { stdio: ['ignore', 'pipe', 'pipe'] });
  ends.push(() => bpftrace.kill('SIGKILL'));
  let [printed, said] = ['', ''];
  bpftrace.stdout.setEncoding('utf8').on('data', (chunk: string) => (printed += chunk));
  bpftrace.stderr.setEncoding('utf8').on('data', (chunk: string) => (said += chunk));
  const closed = new Promise((resolve) => bpftrace.on('close', resolve));
  while (!printed.includes('Attaching') && bpftrace.exitCode === null) await delay(50);
  expect(bpftrace.exitCode, said).toBeNull();
  // it says so before it does, and does not say when it has
  await delay(1500);
  program.go();
  const figures = await program.figures();
  bpftrace.kill('SIGINT');
  await closed;
  return { lines: printed.split('\n').filter((line) => line.startsWith('shop ')), figures };
}

describe('a copied bpftrace script', () => {
  it('of USDT probes prints each with its arguments and texts', async (ctx) => {
    if (reason !== undefined) return ctx.skip(reason);
    const program = await startShop();
    const probe = (name: string) => `usdt:${program.path}:shop/${name}`;
    const script = await copied(program, probe('request__start'), probe('request__done'));
    const { lines, figures } = await linesDuring(program, script);
    const requests = figures['handle_request']?.count;
    expect(requests).toBeGreaterThan(0);
    const started = lines.filter((line) => line.includes(' request__start '));
    const done = lines.filter((line) => line.includes(' request__done '));
    expect([started.length, done.length]).toEqual([requests, requests]);
    const id = (line: string) => / arg0=(\d+) /.exec(line)?.[1];
    expect(done.map(id).sort()).toEqual(started.map(id).sort());
    for (const line of started)
      expect(line).toMatch(
        /^shop \d+ request__start arg0=\d+ arg1=0x[0-9a-f]+ text1=\/(?:product\/\d+|menu|order|\w*)$/,
      );
    for (const line of done)
      expect(line).toMatch(/^shop \d+ request__done arg0=\d+ arg1=(?:200|201|404) arg2=/);
  });

  it('with a filter prints the events that the filter passes', async (ctx) => {
    if (reason !== undefined) return ctx.skip(reason);
    const program = await startShop();
    const source = `usdt:${program.path}:shop/request__start`;
    const all = await copied(program, source);
    const some = await copied(program, source, '--filter', 'text1 == "/menu"');
    // both in one run: requests of the menu are printed twice, all others once
    const { lines, figures } = await linesDuring(program, `${all}\n${some}`);
    const menus = lines.filter((line) => line.endsWith(' text1=/menu'));
    expect(menus.length).toBeGreaterThan(0);
    expect(lines.length - menus.length / 2).toBe(figures['handle_request']?.count);
    expect(new Set(menus).size).toBe(menus.length / 2);
  });

  it('of user functions prints each call', async (ctx) => {
    if (reason !== undefined) return ctx.skip(reason);
    const program = await startShop();
    const { path } = program;
    const script = await copied(
      program,
      `user-function:${path}:handle_request`,
      `user-function:${path}:cache_get`,
    );
    const { lines, figures } = await linesDuring(program, script);
    for (const name of ['handle_request', 'cache_get']) {
      const calls = lines.filter((line) => line.startsWith(`shop ${program.pid} ${name} `));
      expect(calls).toHaveLength(figures[name]?.count ?? 0);
      expect(calls.length).toBeGreaterThan(0);
    }
    for (const line of lines.filter((text) => text.includes(' cache_get ')))
      expect(line).toMatch(/ cache_get key=\d+$/);
  });

  it('of user functions with durations prints each call with its result', async (ctx) => {
    if (reason !== undefined) return ctx.skip(reason);
    const program = await startShop();
    const script = await copied(program, `user-function:${program.path}:handle_request`, '--durations');
    const { lines, figures } = await linesDuring(program, script);
    const calls = lines.filter((line) =>
      / handle_request request=-?\d+ response=-?\d+ ret=(?:200|201|404) duration=\d+ ns$/.test(line),
    );
    expect(calls).toHaveLength(figures['handle_request']?.count ?? 0);
    expect(calls.length).toBeGreaterThan(0);
  });
});
