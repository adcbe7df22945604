import { spawn, type ChildProcess } from 'node:child_process';
import { resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { cpuSeconds, ended, engineBelow, median, ratio, seconds } from './figures.ts';
import { equivalentScript, plainScript } from './hand-written.ts';

const cliBundle = resolve(import.meta.dirname, '../..', 'dist', 'cli.js');
const RUNS = 3;
const START_MS = 1500;
const STEADY_MS = 10_000;
const functions = ['handle_request', 'db_query', 'render_tree'];

/** CPU time in s: of the tracer with its start, of the tracer in the steady part alone, of the program in that part. */
interface Spent {
  readonly whole: number;
  readonly steady: number;
  readonly program: number;
}

/**
 * What tracing three functions costs the tracer and the program: `probescope trace` (helper and core are one process)
 * beside bpftrace with a hand-written script of the same figures and with the least that shows a latency. In turn, medians.
 */
export async function cost(binary: string, program: number): Promise<void> {
  const untraced: number[] = [];
  const runs = {
    ours: [] as Spent[],
    engine: [] as Spent[],
    equivalent: [] as Spent[],
    plain: [] as Spent[],
  };
  for (let run = 0; run < RUNS; run++) {
    const before = cpuSeconds(program);
    await sleep(STEADY_MS);
    untraced.push(cpuSeconds(program) - before);
    runs.equivalent.push(await ofScript(equivalentScript(binary, functions, program), program));
    const cli = spawn(
      process.execPath,
      [
        ...[cliBundle, 'trace', '--binary', binary, '--pid', String(program), '--duration', '60s'],
        ...functions.flatMap((name) => ['--function', name]),
      ],
      { stdio: 'ignore' },
    );
    const [ours, engine] = await spentBy(cli, program, [cli.pid ?? 0, () => engineBelow(cli.pid ?? 0)]);
    runs.ours.push(ours!);
    runs.engine.push(engine!);
    const printed = functions.map((_, i) => `print(@l${i});`).join(' ');
    runs.plain.push(
      await ofScript(`${plainScript(binary, functions, program)}\ninterval:s:1 { ${printed} }`, program),
    );
  }
  const of = (list: readonly Spent[], part: keyof Spent): number => median(list.map((spent) => spent[part]));
  const { ours, engine, equivalent, plain } = runs;
  for (const [part, title] of [
    ['whole', `CPU of the tracer in ${(START_MS + STEADY_MS) / 1000} s, start included`],
    ['steady', `CPU of the tracer in ${STEADY_MS / 1000} s once it measures`],
  ] as const)
    console.log(
      `${title} (median of ${RUNS}): helper and core ${seconds(of(ours, part))} = ${ratio(of(ours, part), of(equivalent, part))} bpftrace with a hand-written script of the same figures (${seconds(of(equivalent, part))}), ${ratio(of(ours, part), of(plain, part))} one with hist() (${seconds(of(plain, part))}); the bpftrace below us ${seconds(of(engine, part))} = ${ratio(of(engine, part), of(equivalent, part))}`,
    );
  const none = median(untraced);
  console.log(
    `CPU of the traced program in ${STEADY_MS / 1000} s: ${seconds(of(ours, 'program'))} under ours = ${ratio(of(ours, 'program'), of(equivalent, 'program'))} ${seconds(of(equivalent, 'program'))} under the script of the same figures, ${ratio(of(ours, 'program'), of(plain, 'program'))} ${seconds(of(plain, 'program'))} under hist(); ${seconds(none)} untraced`,
  );
}

async function ofScript(script: string, program: number): Promise<Spent> {
  const bpftrace = spawn('bpftrace', ['-f', 'json', '-'], { stdio: ['pipe', 'ignore', 'ignore'] });
  bpftrace.stdin.end(`${script}\n`);
  const [spent] = await spentBy(bpftrace, program, [bpftrace.pid ?? 0]);
  return spent!;
}

/** Lets the tracer run, and tells what each of its processes and the program spent; ends the tracer. */
async function spentBy(
  tracer: ChildProcess,
  program: number,
  processes: readonly (number | (() => number))[],
): Promise<Spent[]> {
  await sleep(START_MS);
  const pids = processes.map((pid) => (typeof pid === 'number' ? pid : pid()));
  const started = pids.map(cpuSeconds);
  const programBefore = cpuSeconds(program);
  await sleep(STEADY_MS);
  const whole = pids.map(cpuSeconds);
  const programSpent = cpuSeconds(program) - programBefore;
  await ended(tracer, 'SIGINT');
  return whole.map((all, index) => ({
    whole: all,
    steady: all - (started[index] ?? 0),
    program: programSpent,
  }));
}
