// Go from the editor: a function's latency and another's count stand at their lines, and are what the program says of itself.
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { sourcesOf } from '../../scripts/workloads.ts';
import { TracedProgram, whyNoTracing } from '../integration/support/traced-program.ts';
import { engineProcessesBelow, uprobesOn } from './processes.ts';
import { openStudio, skipOrShow, whyNoStudio, type Studio } from './studio.ts';
import {
  chooseInMenu,
  clickRowAction,
  codeLensTexts,
  expandRow,
  openFile,
  openProbesView,
  overlayTexts,
  rightClickWord,
  waitForOverlay,
  waitForRow,
} from './workbench.ts';

/** Some 600 calls of `work`, a second of them. */
const ROUNDS = 60;
const WORK = 'func work(micros int)';
/** Recovers from a panic of its own and returns. */
const HEAL = 'func heal(n int)';

const whyNot =
  whyNoStudio() ??
  whyNoTracing() ??
  (spawnSync('go', ['version']).status === 0 ? undefined : 'needs go (golang-go on Debian)');
const source = readFileSync(join(sourcesOf('goroutines'), 'main.go'), 'utf8').split('\n');
let studio: Studio;
let program: TracedProgram;

beforeAll(async () => {
  if (whyNot !== undefined) return;
  program = await TracedProgram.start('goroutines', [String(ROUNDS)]);
  studio = await openStudio({ folder: sourcesOf('goroutines') });
});
afterAll(async () => {
  await studio?.close();
  program?.end();
});
skipOrShow(
  () => studio,
  () => whyNot,
);

/** Scrolls to a function; decorations are read from what is in view. */
const show = (line: string): Promise<void> =>
  openFile(studio.page, 'main.go', source.findIndex((text) => text.startsWith(line)) + 1);

async function trace(word: string, line: string, measure: string): Promise<void> {
  await show(line);
  await rightClickWord(studio.page, word, line);
  await chooseInMenu(studio.page, 'Trace Function', measure);
}

test('latency and count of Go functions stand at their lines, and are the program’s own', async () => {
  const { page } = studio;
  await trace('work', WORK, 'Latency');
  await waitForOverlay(page, WORK, /./, 60_000);
  await trace('heal', HEAL, 'Count');
  await waitForOverlay(page, HEAL, /./, 60_000);
  await openProbesView(page);
  // entry and return instructions, since a return probe would end the program
  await expandRow(page, 'main.work');
  await waitForRow(page, /^attached ?\d of \d sites?/);

  program.go();
  const own = await program.figures();
  const [worked, healed] = [own['main.work'], own['main.heal']];
  expect(own['wrong']).toEqual({ count: 0 });
  expect(worked?.count).toBe(10 * ROUNDS);

  const calls = (healed?.count ?? 0).toLocaleString('en');
  await expect
    .poll(async () => [...(await overlayTexts(page)).values()].join('\n'), { timeout: 20_000 })
    .toContain(`${calls} calls`);
  await studio.screenshot('go-count');
  await show(WORK);
  await expect
    .poll(async () => (await codeLensTexts(page)).join('\n'), { timeout: 20_000 })
    .toContain(`n ${worked?.count}`);
  const [, p50 = ''] = /p50 ([\d.]+) ms/.exec(await waitForOverlay(page, WORK, /p50 [\d.]+ ms/)) ?? [];
  // buckets of 3 %, and what two probes add on a busy machine
  expect(Number(p50) * 1e6).toBeGreaterThan(0.97 * (worked?.p50Ns ?? NaN) - 50_000);
  expect(Number(p50) * 1e6).toBeLessThan(1.03 * (worked?.p50Ns ?? NaN) + 50_000);
  await studio.screenshot('go');
});

test('removed probes leave the program alive and nothing in the kernel', async () => {
  const { page } = studio;
  for (const name of ['main.work', 'main.heal']) await clickRowAction(page, name, 'Remove Probe');
  await expect.poll(() => overlayTexts(page).then((texts) => texts.size)).toBe(0);
  await expect
    .poll(() => engineProcessesBelow(studio.server.process.pid ?? 0), { timeout: 20_000 })
    .toEqual([]);
  expect(uprobesOn(program.path)).toEqual([]);
  program.go();
  expect((await program.figures())['wrong']).toEqual({ count: 0 });
});
