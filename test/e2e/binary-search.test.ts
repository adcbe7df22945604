// A search for binaries that takes long says how far it is, and ends when the user does not want to wait.
import { mkdirSync, mkdtempSync, readdirSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { programOfManyFiles } from '../support/many-files.ts';
import { openStudio, skipOrShow, whyNoStudio, type Studio } from './studio.ts';
import {
  chooseInMenu,
  clickInNotification,
  notifications,
  openFile,
  rightClickWord,
  waitForNotification,
} from './workbench.ts';

/** Each takes the helper a second or so. */
const PROGRAMS = 12;

const whyNot = whyNoStudio();
let studio: Studio;
let folder: string;

beforeAll(async () => {
  if (whyNot !== undefined) return;
  folder = realpathSync(mkdtempSync(join(tmpdir(), 'probescope-long-search-')));
  const workspace = join(folder, 'workspace');
  mkdirSync(join(workspace, 'build'), { recursive: true });
  writeFileSync(join(workspace, 'wanted.c'), 'int wanted(int a) {\n  return a + 1;\n}\n');
  const bytes = programOfManyFiles('wanted.c', 60, 50_000);
  for (let number = 1; number <= PROGRAMS; number++)
    writeFileSync(join(workspace, 'build', `program-${number}`), bytes);
  studio = await openStudio({ folder: workspace, env: { XDG_CACHE_HOME: join(folder, 'cache') } });
});
afterAll(async () => {
  await studio?.close();
  if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
});
skipOrShow(
  () => studio,
  () => whyNot,
);

/** Programs of the workspace whose line tables were read to their end. */
function programsRead(): number {
  const ofPrograms = new RegExp(`-${programOfManyFiles('wanted.c', 60, 50_000).length}\\.v\\d+$`);
  return readdirSync(join(folder, 'cache/probescope/source-files')).filter((name) => ofPrograms.test(name))
    .length;
}

test('the message tells how far the search is, and its button ends it', async () => {
  const { page } = studio;
  await openFile(page, 'wanted.c');
  await rightClickWord(page, 'wanted', 'int wanted(');
  await chooseInMenu(page, 'Trace Function', 'Latency');
  const text = await waitForNotification(page, /looked into \d+ of \d+ binaries, now program-\d+/);
  expect(text).toContain('Tracing wanted');
  await studio.screenshot('binary-search');
  await clickInNotification(page, /Cancel/);
  await expect.poll(() => notifications(page).count()).toBe(0);
  // nothing is told as a failure, and the helper stopped reading
  const read = programsRead();
  expect(read).toBeLessThan(PROGRAMS);
  await page.waitForTimeout(3000);
  expect(programsRead()).toBeLessThanOrEqual(read + 1);
  expect(await notifications(page).count()).toBe(0);
});

test('the next search goes on where that one ended', async () => {
  const { page } = studio;
  await rightClickWord(page, 'wanted', 'int wanted(');
  await chooseInMenu(page, 'Trace Function', 'Latency');
  const pick = page.locator('.quick-input-widget:visible .monaco-list-row', { hasText: 'program-' });
  await pick.first().waitFor({ timeout: 60_000 });
  expect(programsRead()).toBe(PROGRAMS);
  // the question takes the place of the message
  await expect.poll(() => notifications(page).count()).toBe(0);
  await studio.screenshot('binary-search-found');
  await page.keyboard.press('Escape');
  await pick.first().waitFor({ state: 'detached' });
});
