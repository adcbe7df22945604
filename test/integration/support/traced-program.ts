import { spawn, type ChildProcess } from 'node:child_process';
import { copyFileSync, cpSync, existsSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { join, resolve } from 'node:path';
import { buildWorkload, programOf, type WorkloadName } from '../../../scripts/workloads.ts';

export const repository = resolve(import.meta.dirname, '../../..');
export const cliBundle = join(repository, 'dist', 'cli.js');

/** Copies the bundle of the CLI, with the parts that it loads, for a user who may not enter this repository; its path there. */
export function copyCli(folder: string): string {
  const bundle = join(folder, 'cli.js');
  copyFileSync(cliBundle, bundle);
  cpSync(join(repository, 'dist', 'cli'), join(folder, 'cli'), { recursive: true });
  return bundle;
}

/** Why real tracing cannot be tested here, or undefined when it can. */
export function whyNoTracing(): string | undefined {
  if (process.platform !== 'linux') return 'needs Linux';
  if (process.getuid?.() !== 0) return 'needs root';
  if (!existsSync('/usr/bin/bpftrace')) return 'needs bpftrace';
  if (!existsSync('/sys/kernel/tracing/events') && !existsSync('/sys/kernel/debug/tracing/events'))
    return 'needs tracefs';
  return undefined;
}

/** What a workload says of one function: how often it was called and, where it timed it, how long that took. */
export interface OwnFigures {
  readonly count: number;
  readonly p50Ns?: number;
  readonly p90Ns?: number;
  readonly p99Ns?: number;
  readonly p98Ns?: number;
  readonly p998Ns?: number;
}

/** A workload that waits for `go` and stays until `end`. */
export class TracedProgram {
  readonly pid: number;
  readonly path: string;
  readonly #child: ChildProcess;
  readonly #lines: AsyncIterator<string>;

  private constructor(child: ChildProcess, lines: AsyncIterator<string>, path: string) {
    this.#child = child;
    this.#lines = lines;
    this.pid = child.pid ?? 0;
    this.path = path;
  }

  static async start(name: WorkloadName | { path: string }, args: readonly string[]): Promise<TracedProgram> {
    if (typeof name === 'string') buildWorkload(name);
    const path = typeof name === 'string' ? programOf(name) : name.path;
    const child = spawn(path, ['--wait', ...args], { stdio: ['pipe', 'pipe', 'inherit'] });
    const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    const program = new TracedProgram(child, lines, path);
    await lines.next();
    return program;
  }

  /** Lets it begin. */
  go(): void {
    this.#child.stdin?.write('go\n');
  }

  /** Its own figures, once it has done its work. */
  async figures(): Promise<Readonly<Record<string, OwnFigures>>> {
    const { value } = (await this.#lines.next()) as { value: string };
    const { functions } = JSON.parse(value) as { functions: Record<string, OwnFigures | number> };
    return Object.fromEntries(
      Object.entries(functions).map(([name, own]) => [name, typeof own === 'number' ? { count: own } : own]),
    );
  }

  end(): void {
    this.#child.kill('SIGKILL');
  }
}

/** What `probescope trace --json` prints, as far as the tests read it. */
export interface TraceResult {
  readonly probes: readonly {
    readonly function: string;
    readonly file: string | null;
    readonly line: number | null;
    readonly sites: number;
    readonly count: number;
    readonly lost: number;
    readonly latencyNs?: Record<'returned' | 'p50' | 'p90' | 'p99' | 'max' | 'mean', number> & {
      readonly buckets: readonly { lowNs: number; highNs: number; count: number }[];
    };
    readonly callers?: readonly {
      readonly stack: readonly { function: string; file: string | null; line: number | null }[];
      readonly count: number;
    }[];
  }[];
}

export interface CliRun {
  readonly child: ChildProcess;
  readonly pid: number;
  /** Resolves when the probes are attached, or when it ended without. */
  readonly attached: Promise<void>;
  readonly ended: Promise<{ exitCode: number | null; stdout: string; stderr: string }>;
}

/** Runs the CLI's bundle as its users do. */
export function runCli(args: readonly string[], env: NodeJS.ProcessEnv = {}): CliRun {
  const child = spawn(process.execPath, [cliBundle, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...env },
  });
  let [stdout, stderr] = ['', ''];
  const ended = new Promise<{ exitCode: number | null; stdout: string; stderr: string }>((resolveEnd) => {
    child.on('close', (exitCode) => resolveEnd({ exitCode, stdout, stderr }));
  });
  const attached = new Promise<void>((resolveAttached) => {
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text;
      if (stderr.includes('attached to')) resolveAttached();
    });
    child.on('close', () => resolveAttached());
  });
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  return { child, pid: child.pid ?? 0, attached, ended };
}

/**
 * Traces a program from its first call to its last, and gives both sides' figures. With `others` that run the same binary all of them are
 * traced, and their own figures are sums of counts.
 */
export async function traceAll(
  program: TracedProgram,
  args: readonly string[],
  others: readonly TracedProgram[] = [],
): Promise<{ traced: TraceResult; own: Readonly<Record<string, OwnFigures>>; stderr: string }> {
  const cli = runCli([
    'trace',
    ...['--binary', program.path, '--json', '--duration', '60s'],
    ...(others.length === 0 ? ['--pid', String(program.pid)] : []),
    ...args,
  ]);
  await cli.attached;
  const all = [program, ...others];
  for (const each of all) each.go();
  const figures = await Promise.all(all.map((each) => each.figures()));
  const own = others.length === 0 ? (figures[0] ?? {}) : summed(figures);
  cli.child.kill('SIGINT');
  const { exitCode, stdout, stderr } = await cli.ended;
  if (exitCode !== 0) throw new Error(`probescope trace ended with ${exitCode}: ${stderr}`);
  return { traced: JSON.parse(stdout) as TraceResult, own, stderr };
}

function summed(
  figures: readonly Readonly<Record<string, OwnFigures>>[],
): Readonly<Record<string, OwnFigures>> {
  const sums: Record<string, OwnFigures> = {};
  for (const each of figures)
    for (const [name, { count }] of Object.entries(each))
      sums[name] = { count: (sums[name]?.count ?? 0) + count };
  return sums;
}
