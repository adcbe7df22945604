// How long a logpoint takes from Enter until it is in the program, beside `perf probe --add` of the same line and variable.
import { spawn, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { localHelper } from '../cli/in-process.ts';
import { buildWorkload, programOf, sourcesOf } from '../scripts/workloads.ts';
import { median, ms } from './trace/figures.ts';

const RUNS = 15;
const LIMIT_MS = 50;
/** Nobody types a text faster; the root-side process starts meanwhile. */
const TYPING_MS = 500;
/** Values are sent ten times a second at most: the next logpoint's first one is to find nothing in its way. */
const PAUSE_MS = 200;
const STATEMENT = 'int length = query(';

/** Prints the time of the first logpoint of a helper, and the median of {@link RUNS}. The look-up is made before, while the user types. */
export async function logpoint(): Promise<void> {
  buildWorkload('shop');
  const binary = programOf('shop');
  const file = join(sourcesOf('shop'), 'db.c');
  const line =
    readFileSync(file, 'utf8')
      .split('\n')
      .findIndex((text) => text.includes(STATEMENT)) + 1;
  const program = spawn(binary, [], { stdio: 'ignore' });
  const helper = await localHelper();
  try {
    const place = { binary, file, line };
    const { connection } = helper;
    const opened = performance.now();
    const { variables } = await connection.call('scopeAt', place);
    const scope = performance.now() - opened;
    const [variable] = variables.filter(({ unavailable }) => unavailable === undefined);
    if (variable === undefined) throw new Error(`nothing can be read at ${file}:${line}`);
    const template = `value {${variable.name}}`;
    await connection.call('checkLogpoint', { ...place, template });
    await delay(TYPING_MS);
    const attached: number[] = [];
    const valued: number[] = [];
    for (let run = 0; run < RUNS; run++) {
      const id = `bench-${run}`;
      const value = new Promise<number>((resolve) => {
        const subscription = connection.onLogValues((event) => {
          if (event.id !== id) return;
          subscription.dispose();
          resolve(performance.now());
        });
      });
      const began = performance.now();
      await connection.call('addLogpoint', { ...place, id, template, rateLimitHz: 100 });
      attached.push(performance.now() - began);
      valued.push((await value) - began);
      await connection.call('removeLogpoint', { id });
      await delay(PAUSE_MS);
    }
    const perf = perfAdds(binary, `db.c:${line} ${variable.name}`);
    const ours = median(attached);
    console.log(
      `logpoint of ${variable.name} at db.c:${line}: scope when the line is chosen ${ms(scope)}; from Enter to attached ${ms(ours)} (the first ${ms(attached[0])}, median of ${RUNS}; limit ${LIMIT_MS} ms), to the first value ${ms(median(valued))}` +
        (perf === undefined
          ? ''
          : `; perf probe --add, which only defines it, ${ms(perf)} (ours is ${(Math.ceil((ours / perf) * 1000) / 1000).toString()} ×)`),
    );
  } finally {
    await helper.close();
    program.kill('SIGKILL');
  }
}

/** Median time in ms that perf takes to define the event; undefined where it cannot. */
function perfAdds(binary: string, place: string): number | undefined {
  const perf = (...args: string[]) => spawnSync('perf', ['probe', '-q', ...args], { stdio: 'ignore' }).status;
  const times: number[] = [];
  for (let run = 0; run < 5; run++) {
    const began = performance.now();
    if (perf('-x', binary, '--add', `bench_logpoint=${place}`) !== 0) return undefined;
    times.push(performance.now() - began);
    perf('--del', '*:bench_logpoint*');
  }
  return median(times);
}
