import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { localHelper } from '../cli/in-process.ts';
import { TraceSession } from '../extension/core/session.ts';
import type { ProbeSpec } from '../protocol/probe.ts';
import { buildWorkload, programOf } from '../scripts/workloads.ts';

const cliBundle = resolve(import.meta.dirname, '..', 'dist', 'cli.js');
const RUNS = 3;
/** Detaching 100 probes takes the kernel 10 s, for either side. */
const FIFTY_RUNS = 1;
const CPU_SECONDS = 10;

/** Time to the first figure by its parts, CPU beside bpftrace alone, and 50 probes beside a hand-written script. */
export async function benchTrace(): Promise<void> {
  buildWorkload('shop');
  const shop = spawn(programOf('shop'), ['--rate', '200'], { stdio: 'ignore' });
  try {
    await sleep(300);
    await firstFigure(programOf('shop'), shop.pid ?? 0);
    await cpuTime(programOf('shop'), shop.pid ?? 0);
  } finally {
    shop.kill('SIGKILL');
  }
  await fiftyProbes();
}

/** Durations of parts in ms: look up (cold), attach, first snapshot with a count. */
async function firstFigure(binary: string, pid: number): Promise<void> {
  const parts: number[][] = [];
  for (let run = 0; run < RUNS; run++) {
    const helper = await localHelper();
    const began = performance.now();
    const { subjects } = await helper.connection.call('lookUp', { binary, function: 'handle_request' });
    const looked = performance.now();
    let resolveFirst: (at: number) => void = () => undefined;
    const first = new Promise<number>((done) => (resolveFirst = done));
    const session = new TraceSession(helper.connection, {
      onSnapshot: ({ probes }) => {
        if ((probes[0]?.count ?? 0) > 0) resolveFirst(performance.now());
      },
      onEnded: ({ message }) => console.error(message),
    });
    await session.open([{ id: 1, binary, pid, subject: subjects[0]!, measures: ['latency'] }], 250);
    const attached = performance.now();
    const shown = await first;
    parts.push([looked - began, attached - looked, shown - attached, shown - began]);
    await session.close();
    await helper.close();
  }
  const [lookUp, attach, snapshot, all] = [0, 1, 2, 3].map((part) =>
    median(parts.map((run) => run[part] ?? 0)),
  );
  console.log(
    `first figure (median of ${RUNS}): look-up ${ms(lookUp)}, attach ${ms(attach)}, first snapshot ${ms(snapshot)}; together ${ms(all)}`,
  );
}

/** CPU time of the CLI (helper and core in one process) beside that of a bpftrace with an equivalent script. */
async function cpuTime(binary: string, pid: number): Promise<void> {
  const names = ['handle_request', 'db_query', 'render_tree'];
  const folder = mkdtempSync(join(tmpdir(), 'probescope-bench-'));
  try {
    const script = join(folder, 'hand.bt');
    writeFileSync(
      script,
      `${handWritten(binary, names, pid)}\ninterval:s:1 { ${names.map((_, i) => `print(@l${i});`).join(' ')} }\n`,
    );
    const hand = spawn('bpftrace', ['-f', 'json', script], { stdio: ['ignore', 'ignore', 'ignore'] });
    await sleep(1500 + CPU_SECONDS * 1000);
    const handSeconds = cpuSeconds(hand.pid ?? 0);
    await ended(hand, 'SIGINT');
    const cli = spawn(
      process.execPath,
      [
        cliBundle,
        'trace',
        '--binary',
        binary,
        '--pid',
        String(pid),
        '--duration',
        '60s',
        ...names.flatMap((name) => ['--function', name]),
      ],
      { stdio: 'ignore' },
    );
    await sleep(1500 + CPU_SECONDS * 1000);
    const ours = cpuSeconds(cli.pid ?? 0);
    const engine = descendants(cli.pid ?? 0).find((child) => commOf(child) === 'bpftrace') ?? 0;
    const engineSeconds = cpuSeconds(engine);
    await ended(cli, 'SIGINT');
    console.log(
      `CPU in ${CPU_SECONDS} s, start included: helper and core ${seconds(ours)} = ${(ours / handSeconds).toFixed(2)} × hand-written bpftrace's ${seconds(handSeconds)}; our bpftrace ${seconds(engineSeconds)} = ${(engineSeconds / handSeconds).toFixed(2)} ×; helper and core = ${(ours / engineSeconds).toFixed(2)} × the bpftrace that yields the same figures`,
    );
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** 50 entry and return probes: time until attached and peak memory of bpftrace, beside a hand-written script. */
async function fiftyProbes(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'probescope-bench-'));
  const names = Array.from({ length: 50 }, (_, index) => `step_${index}`);
  const binary = join(folder, 'fifty');
  writeFileSync(
    `${binary}.c`,
    `${names.map((name) => `__attribute__((noinline)) int ${name}(int x) { __asm__ volatile(""); return x; }`).join('\n')}\n#include <unistd.h>\nint main(void) { for (;;) { ${names.map((name) => `${name}(1);`).join(' ')} usleep(10000); } }\n`,
  );
  execFileSync('gcc', ['-g', '-O2', '-o', binary, `${binary}.c`]);
  const program = spawn(binary, { stdio: 'ignore' });
  const [handMs, handKb, oursMs, oursKb]: [number[], number[], number[], number[]] = [[], [], [], []];
  try {
    for (let run = 0; run < FIFTY_RUNS; run++) {
      const began = performance.now();
      const hand = spawn('bpftrace', ['-f', 'json', '-'], { stdio: ['pipe', 'pipe', 'ignore'] });
      // BEGIN runs before the rest is attached: all are when the first and the last function were hit, both ways
      const marks = [names[0]!, names.at(-1)!].flatMap((name) => [
        `uprobe:${binary}:${name}`,
        `uretprobe:${binary}:${name}`,
      ]);
      const marking = marks.map(
        (point, index) => `${point} /!@m${index}/ { @m${index} = 1; printf("up${index}\\n"); }`,
      );
      hand.stdin.end(`${handWritten(binary, names, program.pid ?? 0)}\n${marking.join('\n')}\n`);
      let said = '';
      await new Promise<void>((done) =>
        hand.stdout.on('data', (text: Buffer) => {
          said += text.toString();
          if (marks.every((_, index) => said.includes(`up${index}`))) done();
        }),
      );
      handMs.push(performance.now() - began);
      handKb.push(peakKb(hand.pid ?? 0));
      await ended(hand, 'SIGINT');
      const helper = await localHelper();
      const subjects = await Promise.all(
        names.map(
          async (name) => (await helper.connection.call('lookUp', { binary, function: name })).subjects[0]!,
        ),
      );
      const session = new TraceSession(helper.connection, {
        onSnapshot: () => undefined,
        onEnded: () => undefined,
      });
      const probes = subjects.map((subject, id): ProbeSpec => ({
        id: id + 1,
        binary,
        pid: program.pid ?? 0,
        subject,
        measures: ['latency'],
      }));
      const start = performance.now();
      await session.open(probes, 1000);
      oursMs.push(performance.now() - start);
      oursKb.push(peakKb(descendants(process.pid).find((child) => commOf(child) === 'bpftrace') ?? 0));
      await session.close();
      await helper.close();
    }
  } finally {
    program.kill('SIGKILL');
    rmSync(folder, { recursive: true });
  }
  const ratio = (a: number[], b: number[]): string => (median(a) / median(b)).toFixed(2);
  console.log(
    `50 probes, entry and return (median of ${FIFTY_RUNS}): attach ${ms(median(oursMs))} = ${ratio(oursMs, handMs)} × hand-written ${ms(median(handMs))}; peak memory ${mb(median(oursKb))} = ${ratio(oursKb, handKb)} × ${mb(median(handKb))}`,
  );
}

/** What people write: entry time by thread, power-of-two histogram on return. */
function handWritten(binary: string, names: readonly string[], pid: number): string {
  return names
    .map(
      (name, i) =>
        `uprobe:${binary}:${name} /pid == ${pid}/ { @s${i}[tid] = nsecs; }\n` +
        `uretprobe:${binary}:${name} /@s${i}[tid]/ { @l${i} = hist(nsecs - @s${i}[tid]); delete(@s${i}[tid]); }`,
    )
    .join('\n');
}

async function ended(child: ChildProcess, signal: 'SIGINT'): Promise<void> {
  const closed = new Promise((done) => child.once('close', done));
  child.kill(signal);
  await closed;
}

/** User and system time of a process, in seconds: fields 14 and 15 of /proc/PID/stat, in ticks of 10 ms. */
function cpuSeconds(pid: number): number {
  const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

function peakKb(pid: number): number {
  return Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0);
}

function commOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/comm`, 'utf8').trim();
  } catch {
    return '';
  }
}

function descendants(pid: number): number[] {
  const children = readdirSync('/proc').filter((entry) => {
    if (!/^\d+$/.test(entry)) return false;
    try {
      const text = readFileSync(`/proc/${entry}/stat`, 'utf8');
      return Number(text.slice(text.lastIndexOf(')') + 2).split(' ')[1]) === pid;
    } catch {
      return false;
    }
  });
  return children.flatMap((child) => [Number(child), ...descendants(Number(child))]);
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
}

const ms = (value: number | undefined): string => `${(value ?? 0).toFixed(0)} ms`;
const seconds = (value: number): string => `${value.toFixed(2)} s`;
const mb = (kb: number): string => `${(kb / 1024).toFixed(0)} MB`;
