// A profile at the code: the demo program is profiled for real, and its recording opened in the editor.
import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { sourcesOf } from '../../scripts/workloads.ts';
import { openStudio, themeNames, skipOrShow, whyNoStudio, type Studio } from './studio.ts';
import {
  chooseTheme,
  codeLensTexts,
  openFile,
  openProbesView,
  overlayTexts,
  runCommand,
  treeRows,
  treeTexts,
  waitForNotification,
  waitForOverlay,
  waitForRow,
  wordAt,
} from './workbench.ts';

/** Neither inlined nor a leaf: perf names it, however much time its addr2line had for the rest. */
const HOT = 'query(key, value, size)';
const SHARES = /^(self [\d.<> ]+ % · )?(here [\d.]+ % · )?total [\d.]+ %$/;

let whyNot = whyNoStudio();
let folder: string;
let studio: Studio;

beforeAll(async () => {
  if (whyNot !== undefined) return;
  folder = realpathSync(mkdtempSync(join(tmpdir(), 'probescope-hot-lines-')));
  cpSync(sourcesOf('shop'), folder, { recursive: true });
  // built after its sources, in the folder that is opened: nothing is stale
  run('sh', '-c', 'gcc -g -O2 -fno-omit-frame-pointer -pthread -o shop *.c');
  const cli = resolve(import.meta.dirname, '../../dist/cli.js');
  const profile = ['profile', '--hz', '999', '--call-graph', 'dwarf', '--duration', '2s'];
  const said = run(
    ...[process.execPath, cli, ...profile, '--out', 'cpu.probescope', '--', './shop', '--rate', '0'],
  );
  if (/perf is not installed/.test(said)) {
    whyNot = 'perf is not installed';
    return;
  }
  studio = await openStudio({ folder });
});
afterAll(async () => {
  await studio?.close();
  if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
});
skipOrShow(
  () => studio,
  () => whyNot,
);

/** Runs a program in the folder; what it says on stderr. */
function run(...[program, ...args]: string[]): string {
  const { stderr, status } = spawnSync(program ?? '', args, { cwd: folder, encoding: 'utf8' });
  if (status !== 0 && !/perf is not installed/.test(stderr)) throw new Error(stderr);
  return stderr;
}

test('opening a recorded profile marks the lines, and says self and total above functions', async () => {
  const { page } = studio;
  for (const name of ['handle.c', 'db.c']) await openFile(page, name);
  await page.keyboard.press('Control+P');
  await page.locator('.quick-input-widget input').fill('cpu.probescope');
  await page.locator('.quick-input-list .monaco-list-row[aria-label^="cpu.probescope"]').first().click();
  await page.locator('.tab.active', { hasText: 'cpu.probescope' }).waitFor();
  await page.locator('.tab', { hasText: 'db.c' }).click();
  expect(await waitForOverlay(page, HOT, /total/)).toMatch(SHARES);
  const lenses = await codeLensTexts(page);
  expect(lenses.some((text) => /^self [\d.]+ % · total \d\d\.\d % of [\d,]+ samples$/.test(text))).toBe(true);
});

test('hovering the figures tells self, total and the callers of the line', async () => {
  const { page } = studio;
  const hover = page.locator('.monaco-hover-content:visible', { hasText: /line\s\d+\sof/ }).first();
  // the editor shows a hover when the pointer comes to rest, and gives it up when the line is drawn anew
  for (let tries = 0; ; tries++) {
    const { x, y } = await wordAt(page, 'size);', HOT);
    await page.mouse.move(x + 70, y + 60);
    await page.mouse.move(x + 90, y, { steps: 5 });
    try {
      await hover.waitFor({ timeout: 4000 });
      break;
    } catch (error) {
      if (tries === 5) throw error;
    }
  }
  const text = ((await hover.textContent()) ?? '').replace(/\s+/g, ' ');
  expect(text).toMatch(/line \d+ of db_query/);
  expect(text).toMatch(/total, with all it called\s*[\d.]+ %\s*[\d,]+ samples/);
  expect(text).toMatch(/Of [\d,]+ samples in “\.\/shop --rate 0”/);
  // a sample that falls into a prologue names another caller
  expect(text).toMatch(/Called from[^%]* (9\d\.\d|100) % \w+ handle\.c:\d+/);
  await studio.screenshot('hot-lines-hover');
  await page.mouse.move(10, 10);
});

test('the list is ordered by weight, and a row leads to its line', async () => {
  const { page } = studio;
  await openProbesView(page);
  await waitForRow(page, /^\w+\.c:\d+ ?(here|self) [\d.]+ % · \w+.* · (self [\d.]+ % · )?total [\d.]+ %$/);
  await page.locator('.tab', { hasText: 'handle.c' }).click();
  expect(await waitForOverlay(page, 'db_query(key, value, sizeof value)', /total/)).toMatch(SHARES);
  const rows = (await treeTexts(page)).flatMap(
    (text) => /^(\w+\.c):(\d+) ?(?:here|self) ([\d.]+) %/.exec(text) ?? [],
  );
  const [, file = '', line = ''] = rows;
  const shares = rows.filter((_, index) => index % 4 === 3).map(Number);
  expect(shares.length).toBeGreaterThan(3);
  expect(shares).toEqual([...shares].sort((a, b) => b - a));
  await treeRows(page)
    .filter({ hasText: `${file}:${line}` })
    .first()
    .click();
  await page.locator('.tab.active', { hasText: file }).waitFor();
  await page
    .locator('.editor-instance .line-numbers.active-line-number', { hasText: new RegExp(`^${line}$`) })
    .waitFor();
});

test.each(themeNames)('hot lines are legible in the %s theme', async (theme) => {
  const { page } = studio;
  await chooseTheme(page, theme);
  await page.locator('.tab', { hasText: 'db.c' }).click();
  await waitForOverlay(page, HOT, /total/);
  await studio.screenshot(`hot-lines-${theme}`);
});

test('an edited file says that its figures are of older code, at lines that move with it', async () => {
  const { page } = studio;
  await openFile(page, 'db.c', 1);
  await page.keyboard.press('Home');
  await page.keyboard.type('/* edited */');
  await page.keyboard.press('Enter');
  await waitForOverlay(page, HOT, /total [\d.]+ % · source changed since/);
  await studio.screenshot('hot-lines-stale');
  for (let undone = 0; undone < 4 && (await page.locator('.tab.dirty').count()) > 0; undone++)
    await page.keyboard.press('Control+Z');
  expect(await waitForOverlay(page, HOT, SHARES)).not.toContain('source changed');
});

test('the toggle removes marks, lenses and list, and brings them back', async () => {
  const { page } = studio;
  await runCommand(page, 'Show or Hide Hot Lines');
  await expect.poll(() => overlayTexts(page).then(({ size }) => size)).toBe(0);
  await expect.poll(() => page.locator('.codelens-decoration').count()).toBe(0);
  await expect.poll(() => page.locator('.sidebar .pane-header', { hasText: 'Hot Lines' }).count()).toBe(0);
  await studio.screenshot('hot-lines-off');
  await runCommand(page, 'Show or Hide Hot Lines');
  await waitForOverlay(page, HOT, /total/);
});

test('closing the profile ends its marks; without one the toggle says how to get one', async () => {
  const { page } = studio;
  // the recording and its flame graph
  const tabs = page.locator('.tab', { hasText: /cpu\.probescope|^Profile: / });
  while ((await tabs.count()) > 0) await tabs.first().click({ button: 'middle' });
  await expect.poll(() => overlayTexts(page).then(({ size }) => size)).toBe(0);
  for (let twice = 0; twice < 2; twice++) await runCommand(page, 'Show or Hide Hot Lines');
  await waitForNotification(page, /Lines are marked as soon as a profile is open/);
});
