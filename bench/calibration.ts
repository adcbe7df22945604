// Whether what a hit is said to cost before anything is attached is what it then costs a program, by the first instruction of the function.
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { localHelper, type LocalHelper } from '../cli/in-process.ts';
import { TraceSession } from '../extension/core/session.ts';
import { costClasses, type CostTable } from '../protocol/cost.ts';
import type { ProbeSpec } from '../protocol/probe.ts';

const CALLS = 20_000;
const ROUNDS = 5;
/** How far the estimate may be off. */
const LIMIT = 0.3;

/** Functions as compilers begin them, called from C through pointers; for each byte it reads it prints the CPU time of a call of each, in ns. */
const source = `#include <stdio.h>
#include <time.h>
#include <unistd.h>
#define FUNCTION(name, first) __asm__(".globl " #name "\\n.type " #name ", @function\\n" #name ": " first "\\n add %rsi, %rax\\n imul %rdi, %rax\\n ret\\n.size " #name ", . - " #name); \\
  long name(long, long);
FUNCTION(begin_nop, "nop")
FUNCTION(begin_push, "push %rbp\\n pop %rbp")
FUNCTION(begin_endbr64, "endbr64")
FUNCTION(begin_mov, "mov %rdi, %rax")
static double cpu_ns(void) { struct timespec t; clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t); return t.tv_sec * 1e9 + t.tv_nsec; }
int main(void) {
  long (*volatile functions[])(long, long) = {begin_nop, begin_push, begin_endbr64, begin_mov};
  for (char byte; read(0, &byte, 1) == 1;) {
    for (int f = 0; f < 4; f++) {
      double began = cpu_ns();
      for (int i = 0; i < ${CALLS}; i++) functions[f](i, f);
      printf("%.1f ", (cpu_ns() - began) / ${CALLS});
    }
    putchar('\\n');
    fflush(stdout);
  }
}
`;

/** Prints the estimate beside what a program then loses a call, for counts and for latency. */
export async function calibration(): Promise<void> {
  if (process.arch !== 'x64') {
    console.log(`not measured: its functions are written for x64, this is ${process.arch}`);
    return;
  }
  const folder = mkdtempSync(join(tmpdir(), 'probescope-bench-'));
  // what was measured before, perhaps on a busier machine, is not asked
  process.env['XDG_CACHE_HOME'] = folder;
  const binary = join(folder, 'begins');
  writeFileSync(`${binary}.c`, source);
  execFileSync('gcc', ['-g', '-O2', '-o', binary, `${binary}.c`]);
  const program = spawn(binary, { stdio: ['pipe', 'pipe', 'inherit'] });
  const lines = createInterface({ input: program.stdout });
  const costs = async (): Promise<number[]> => {
    program.stdin.write('x');
    const [line] = (await once(lines, 'line')) as [string];
    return line.trim().split(' ').map(Number);
  };
  try {
    const bare = await least(costs);
    const estimate = await withHelper(async ({ connection }) => {
      const { costs: table } = await connection.call('hitCosts', { measure: true });
      if (table === undefined) throw new Error('nothing was calibrated');
      return table;
    });
    for (const measure of ['count', 'latency'] as const) {
      const probed = await withHelper((helper) =>
        traced(helper, { binary, pid: program.pid ?? 0, measure, costs }),
      );
      report(measure, estimate, { bare, probed });
    }
  } finally {
    program.kill('SIGKILL');
    rmSync(folder, { recursive: true });
  }
}

/** Its end waits until the kernel has detached everything, which would be measured with what comes next. */
async function withHelper<T>(work: (helper: LocalHelper) => Promise<T>): Promise<T> {
  const helper = await localHelper();
  try {
    return await work(helper);
  } finally {
    await helper.close();
  }
}

interface Traced {
  readonly binary: string;
  readonly pid: number;
  readonly measure: keyof CostTable;
  /** CPU time of a call of each function, in ns. */
  readonly costs: () => Promise<number[]>;
}

/** What a call of each function takes while all of them are traced. */
async function traced({ connection }: LocalHelper, how: Traced): Promise<number[]> {
  const { binary, pid, measure, costs } = how;
  const probes = await Promise.all(
    costClasses.map(async (first, index): Promise<ProbeSpec> => {
      const { subjects } = await connection.call('lookUp', { binary, function: `begin_${first}` });
      return { id: index + 1, binary, pid, subject: subjects[0]!, measures: [measure] };
    }),
  );
  const session = new TraceSession(connection, { onSnapshot: () => undefined, onEnded: () => undefined });
  await session.open(probes, 60_000);
  const probed = await least(costs);
  await session.close();
  return probed;
}

/** Whatever else runs on the machine only adds. */
async function least(costs: () => Promise<number[]>): Promise<number[]> {
  let best = await costs();
  for (let round = 1; round < ROUNDS; round++) {
    const next = await costs();
    best = best.map((cost, index) => Math.min(cost, next[index]!));
  }
  return best;
}

function report(
  measure: keyof CostTable,
  estimate: CostTable,
  { bare, probed }: Readonly<Record<'bare' | 'probed', readonly number[]>>,
): void {
  costClasses.forEach((first, index) => {
    const [estimated, cost] = [estimate[measure][first], probed[index]! - bare[index]!];
    const ratio = estimated / cost;
    console.log(
      `${measure.padEnd(8)} ${first.padEnd(8)} estimate ${micros(estimated)} = ${ratio.toFixed(2)} × measured ${micros(cost)}${Math.abs(ratio - 1) > LIMIT ? `: beyond ± ${LIMIT}` : ''}`,
    );
  });
}

const micros = (ns: number): string => `${(ns / 1000).toFixed(2)} µs`;
