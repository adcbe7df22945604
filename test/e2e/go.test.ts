// Go from the editor: a function's latency and another's count stand at their lines, and are what the program says of itself.
import { spawnSync } from 'node:child_process';
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
const DEEPEN = 'func deepen(depth int)';

const whyNot =
  whyNoStudio() ??
  whyNoTracing() ??
  (spawnSync('go', ['version']).status === 0 ? undefined : 'needs go (golang-go on Debian)');
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

async function trace(word: string, line: string, measure: string): Promise<void> {
  await rightClickWord(studio.page, word, line);
  await chooseInMenu(studio.page, 'Trace Function', measure);
}

test('latency and count of Go functions stand at their lines, and are the program’s own', async () => {
  const { page } = studio;
  await openFile(page, 'main.go', 80);
  await trace('work', WORK, 'Latency');
  await waitForOverlay(page, WORK, /./, 60_000);
  await trace('deepen', DEEPEN, 'Count');
  await waitForOverlay(page, DEEPEN, /./, 60_000);
  await openProbesView(page);
  // entry and return instructions, since a return probe would end the program
  await expandRow(page, 'main.work');
  await waitForRow(page, /^attached ?\d of \d sites?/);

  program.go();
  const own = await program.figures();
  const [worked, deepened] = [own['main.work'], own['main.deepen']];
  expect(own['wrong']).toEqual({ count: 0 });
  expect(worked?.count).toBe(10 * ROUNDS);

  const calls = (deepened?.count ?? 0).toLocaleString('en');
  await expect
    .poll(async () => [...(await overlayTexts(page)).values()].join('\n'), { timeout: 20_000 })
    .toContain(`${calls} calls`);
  const lens = (await codeLensTexts(page)).join('\n');
  expect(lens).toContain(`n ${worked?.count}`);
  const [, p50 = ''] = /p50 ([\d.]+) ms/.exec(await waitForOverlay(page, WORK, /p50 [\d.]+ ms/)) ?? [];
  // buckets of 3 %, and what two probes add on a busy machine
  expect(Number(p50) * 1e6).toBeGreaterThan(0.97 * (worked?.p50Ns ?? NaN) - 50_000);
  expect(Number(p50) * 1e6).toBeLessThan(1.03 * (worked?.p50Ns ?? NaN) + 50_000);
  await studio.screenshot('go');
});

test('removed probes leave the program alive and nothing in the kernel', async () => {
  const { page } = studio;
  for (const name of ['main.work', 'main.deepen']) await clickRowAction(page, name, 'Remove Probe');
  await expect.poll(() => overlayTexts(page).then((texts) => texts.size)).toBe(0);
  await expect
    .poll(() => engineProcessesBelow(studio.server.process.pid ?? 0), { timeout: 20_000 })
    .toEqual([]);
  expect(uprobesOn(program.path)).toEqual([]);
  program.go();
  expect((await program.figures())['wrong']).toEqual({ count: 0 });
});
