import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { costClasses, type HitCosts } from '../../../protocol/cost.ts';
import { ProbeError } from '../../../protocol/errors.ts';
import { ANSWER_BYTES, CALLS, calibrationProgram, symbolOf } from './program.ts';

/** Attaches one probe to each symbol of the binary and answers when all of them are attached. */
export type Attach = (binary: string, symbols: readonly string[]) => Promise<{ detach(): Promise<void> }>;

/** Rounds of {@link CALLS} calls before and after attaching; the median round counts. */
const ROUNDS = 5;

/**
 * Measures what a hit costs on this target: the calibration program's time a call with the probes of `attach`, less its
 * time without. The median of {@link ROUNDS} rounds, so that one preempted round changes nothing.
 * Takes about 0.5 s and the engine's own start. Throws `unsupported-file` on a processor without a program.
 */
export async function calibrate(attach: Attach): Promise<HitCosts> {
  const bytes = calibrationProgram(process.arch);
  if (bytes === undefined)
    throw new ProbeError({
      code: 'unsupported-file',
      message: `There is no calibration program for the processor ${process.arch}.`,
    });
  const folder = await mkdtemp(join(tmpdir(), 'probescope-calibration-'));
  const binary = join(folder, 'calibration');
  try {
    await writeFile(binary, bytes, { mode: 0o755 });
    const program = new RunningProgram(binary);
    try {
      const without = await program.medianRound();
      const probes = await attach(binary, costClasses.map(symbolOf));
      try {
        const withProbes = await program.medianRound();
        return Object.fromEntries(
          costClasses.map((instruction, index) => [
            instruction,
            Math.max(0, (withProbes[index] ?? 0) - (without[index] ?? 0)),
          ]),
        ) as HitCosts;
      } finally {
        await probes.detach();
      }
    } finally {
      program.end();
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

class RunningProgram {
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #answers: AsyncIterator<Buffer, undefined>;
  #rest = Buffer.alloc(0);

  constructor(binary: string) {
    this.#child = spawn(binary, [], { stdio: 'pipe' });
    // an unstartable program shows as the end of its output
    this.#child.on('error', () => undefined);
    this.#child.stdin.on('error', () => undefined);
    this.#answers = this.#child.stdout[Symbol.asyncIterator]() as AsyncIterator<Buffer, undefined>;
  }

  /** Nanoseconds a call of each function: the median of some rounds, after one that warms up. */
  async medianRound(): Promise<number[]> {
    await this.#round();
    const rounds: number[][] = [];
    for (let i = 0; i < ROUNDS; i++) rounds.push(await this.#round());
    return costClasses.map((_, index) => {
      const sorted = rounds.map((round) => round[index] ?? 0).sort((a, b) => a - b);
      return sorted[Math.floor(sorted.length / 2)] ?? 0;
    });
  }

  end(): void {
    this.#child.stdin.end();
    this.#child.kill('SIGKILL');
  }

  async #round(): Promise<number[]> {
    this.#child.stdin.write('x');
    const wanted = costClasses.length * ANSWER_BYTES;
    while (this.#rest.length < wanted) {
      const next = await this.#answers.next();
      if (next.done === true)
        throw new ProbeError({
          code: 'engine-refused',
          message: 'The calibration program did not run, so the cost of a probe is not known.',
          remedy: `Allow programs to run from ${tmpdir()} (it may be mounted noexec), or set TMPDIR to a folder where they may.`,
        });
      this.#rest = Buffer.concat([this.#rest, next.value]);
    }
    const answer = this.#rest.subarray(0, wanted);
    this.#rest = this.#rest.subarray(wanted);
    return costClasses.map((_, index) => {
      const at = index * ANSWER_BYTES;
      const timespec = (offset: number) =>
        answer.readBigInt64LE(offset) * 1_000_000_000n + answer.readBigInt64LE(offset + 8);
      return Number(timespec(at + 16) - timespec(at)) / CALLS;
    });
  }
}
