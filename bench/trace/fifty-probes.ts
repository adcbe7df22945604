import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { localHelper } from '../../cli/in-process.ts';
import { TraceSession } from '../../extension/core/session.ts';
import type { ProbeSpec } from '../../protocol/probe.ts';
import { ended, engineBelow, mb, median, ms, peakKb, ratio } from './figures.ts';
import { plainScript } from './hand-written.ts';

/** Detaching 100 probes takes the kernel 10 s, for either side. */
const RUNS = 3;

/** 50 entry and return probes: time until attached and peak memory of bpftrace, beside a hand-written script. */
export async function fiftyProbes(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'probescope-bench-'));
  const names = Array.from({ length: 50 }, (_, index) => `step_${index}`);
  const binary = join(folder, 'fifty');
  const bodies = names.map(
    (name) => `__attribute__((noinline)) int ${name}(int x) { __asm__ volatile(""); return x; }`,
  );
  const calls = names.map((name) => `${name}(1);`).join(' ');
  writeFileSync(
    `${binary}.c`,
    `${bodies.join('\n')}\n#include <unistd.h>\nint main(void) { for (;;) { ${calls} usleep(10000); } }\n`,
  );
  execFileSync('gcc', ['-g', '-O2', '-o', binary, `${binary}.c`]);
  const program = spawn(binary, { stdio: 'ignore' });
  const pid = program.pid ?? 0;
  const hand: Attached[] = [];
  const ours: Attached[] = [];
  try {
    for (let run = 0; run < RUNS; run++) {
      hand.push(await byHand(binary, names, pid));
      ours.push(await byUs(binary, names, pid));
    }
  } finally {
    program.kill('SIGKILL');
    rmSync(folder, { recursive: true });
  }
  const of = (list: readonly Attached[], part: keyof Attached): number =>
    median(list.map((one) => one[part]));
  console.log(
    `50 probes, entry and return (median of ${RUNS}): attach ${ms(of(ours, 'attachMs'))} = ${ratio(of(ours, 'attachMs'), of(hand, 'attachMs'))} hand-written ${ms(of(hand, 'attachMs'))}; peak memory ${mb(of(ours, 'peakKb'))} = ${ratio(of(ours, 'peakKb'), of(hand, 'peakKb'))} ${mb(of(hand, 'peakKb'))}`,
  );
}

interface Attached {
  readonly attachMs: number;
  readonly peakKb: number;
}

async function byHand(binary: string, names: readonly string[], pid: number): Promise<Attached> {
  const began = performance.now();
  const bpftrace = spawn('bpftrace', ['-f', 'json', '-'], { stdio: ['pipe', 'pipe', 'ignore'] });
  // what BEGIN prints comes when bpftrace starts to listen, which is after everything is attached
  bpftrace.stdin.end(`BEGIN { printf("attached\\n"); }\n${plainScript(binary, names, pid)}\n`);
  let said = '';
  await new Promise<void>((done) =>
    bpftrace.stdout.on('data', (text: Buffer) => {
      said += text.toString();
      if (said.includes('attached\\n')) done();
    }),
  );
  const attached = { attachMs: performance.now() - began, peakKb: peakKb(bpftrace.pid ?? 0) };
  await ended(bpftrace, 'SIGINT');
  return attached;
}

async function byUs(binary: string, names: readonly string[], pid: number): Promise<Attached> {
  const helper = await localHelper();
  const probes = await Promise.all(
    names.map(async (name, index): Promise<ProbeSpec> => {
      const { subjects } = await helper.connection.call('lookUp', { binary, function: name });
      return { id: index + 1, binary, pid, subject: subjects[0]!, measures: ['latency'] };
    }),
  );
  const session = new TraceSession(helper.connection, {
    onSnapshot: () => undefined,
    onEnded: () => undefined,
  });
  const began = performance.now();
  await session.open(probes, 1000);
  const attached = { attachMs: performance.now() - began, peakKb: peakKb(engineBelow(process.pid)) };
  await session.close();
  await helper.close();
  return attached;
}
