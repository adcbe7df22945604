// The Recordings view: what is in the workspace, and what is done with it.
import { copyFileSync, cpSync, existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { DatabaseSync } from 'node:sqlite';
import { describeRecording } from '../../extension/core/recording/description.ts';
import { summarise } from '../../extension/core/recording/summary.ts';
import { RecordingWriter } from '../../extension/core/recording/writer.ts';
import { ProfileBuilder } from '../../profile/builder.ts';
import { sourcesOf } from '../../scripts/workloads.ts';
import { openStudio, skipOrShow, whyNoStudio, type Studio } from './studio.ts';
import {
  activeWebview,
  chooseInMenu,
  chooseTheme,
  clickInNotification,
  closeNotifications,
  openProbesView,
  runCommand,
  treeRows,
  waitForNotification,
  waitForRow,
} from './workbench.ts';

const whyNot = whyNoStudio();
const demo = resolve(import.meta.dirname, '../../media/demo/shop.probescope');
let folder: string;
let studio: Studio;
const file = (name: string) => join(folder, `${name}.probescope`);

beforeAll(async () => {
  if (whyNot !== undefined) return;
  folder = mkdtempSync(join(tmpdir(), 'probescope-recordings-'));
  cpSync(sourcesOf('shop'), folder, { recursive: true });
  copyFileSync(demo, file('before'));
  copyFileSync(demo, file('after'));
  slowDown(file('after'), 'db_query');
  await describeRecording(file('after'), { name: 'After the cache', tags: ['slow'] });
  writeProfile('profile before', 100);
  writeProfile('profile after', 400);
  writeFileSync(file('broken'), 'this is no recording');
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

/** As if each call of a function had taken twice as long: 32 buckets are a factor of two. */
function slowDown(path: string, label: string): void {
  const database = new DatabaseSync(path);
  const { id } = database.prepare('SELECT id FROM probes WHERE label = ?').get(label) as { id: number };
  // in two steps: a bucket must not meet its neighbour on the way
  database.exec(`UPDATE buckets SET bucket = bucket + 10032 WHERE probe = ${id};
    UPDATE buckets SET bucket = bucket - 10000 WHERE probe = ${id};
    UPDATE totals SET max_ns = max_ns * 2, sum_ns = sum_ns * 2 WHERE probe = ${id}`);
  database.close();
}

function writeProfile(title: string, slow: number): void {
  const builder = new ProfileBuilder(title, 'samples');
  const stack = (...names: string[]) => builder.stack(names.map((name) => builder.frame({ name })));
  builder.add(stack('main', 'serve', 'db_query'), slow);
  builder.add(stack('main', 'serve', 'render'), 200);
  const writer = new RecordingWriter(file(title), { title, kind: 'profile', duration_ns: 2e9 });
  writer.addEncodedProfile(builder.build());
  writer.finish();
}

const row = (text: string) => treeRows(studio.page).filter({ hasText: text }).first();

/** By the row's context menu. */
async function choose(text: string, action: string): Promise<void> {
  await row(text).click({ button: 'right' });
  await chooseInMenu(studio.page, action);
}

test('the view lists recordings with kind, time, size and tags, and a damaged one with its reason', async () => {
  const { page } = studio;
  await openProbesView(page);
  const header = page.locator('.sidebar .pane-header', { hasText: 'Recordings' });
  await header.waitFor();
  if ((await header.getAttribute('aria-expanded')) !== 'true') await header.click();
  await waitForRow(page, /After the cache.*#slow · .* · \d+ kB/);
  await waitForRow(page, /broken\.probescope.*damaged/);
  await row('broken').hover();
  const hover = page.locator('.monaco-hover:visible', { hasText: 'does not begin as an SQLite file' });
  await hover.first().waitFor();
  await studio.screenshot('recordings damaged');
  await page.mouse.move(700, 700);
});

test('renamed, tagged and filtered: names and tags stand in the file', async () => {
  const { page } = studio;
  const input = page.locator('.quick-input-widget input:visible').first();
  await choose('slow', 'Rename Recording…');
  await input.waitFor();
  await input.fill('After $(trash) <b>the change</b>');
  await page.keyboard.press('Enter');
  await waitForRow(page, /After \$\(trash\) <b>the change<\/b>/);
  await choose('the change', 'Tag Recording…');
  await page.locator('.quick-input-list .monaco-list-row', { hasText: 'slow' }).first().waitFor();
  await page.locator('.quick-input-widget input[type="text"]:visible').fill('v2, nightly');
  await page.locator('.quick-input-list .monaco-list-row', { hasText: 'nightly' }).first().waitFor();
  await studio.screenshot('recordings tags');
  await page.keyboard.press('Enter');
  await waitForRow(page, /#v2 · #nightly · #slow|#slow · #v2 · #nightly/);
  expect(summarise(file('after')).facts?.tags.toSorted()).toEqual(['nightly', 'slow', 'v2']);
  expect(existsSync(file('after'))).toBe(true);

  await runCommand(page, 'Probescope: Filter Recordings');
  await input.fill('#nightly');
  await page.keyboard.press('Enter');
  await page.locator('.sidebar .pane-header', { hasText: '1 of 5' }).waitFor();
  expect(await row('broken').count()).toBe(0);
  await runCommand(page, 'Probescope: Clear Filter of Recordings');
  await waitForRow(page, /broken/);
});

test('deleted and had back, by the notification and by the command', async () => {
  const { page } = studio;
  const count = () => readdirSync(folder).filter((name) => name.endsWith('.probescope')).length;
  await choose('the change', 'Delete Recording');
  await waitForNotification(page, /was deleted/);
  expect(existsSync(file('after'))).toBe(false);
  await clickInNotification(page, /Undo/);
  await waitForRow(page, /the change/);
  expect(existsSync(file('after'))).toBe(true);
  await choose('broken', 'Delete Recording');
  await waitForNotification(page, /was deleted/);
  expect(count()).toBe(4);
  await closeNotifications(page);
  await runCommand(page, 'Probescope: Undo Delete of Recordings');
  await waitForRow(page, /broken/);
  expect(count()).toBe(5);
});

test('two traces are compared probe by probe, with a named test', async () => {
  const { page } = studio;
  await choose('trace of the demo', 'Select for Compare');
  await choose('the change', 'Compare Recordings');
  const panel = activeWebview(page);
  const section = panel.locator('section.compared', { hasText: 'db_query' }).first();
  await section.locator('.badge.slower').waitFor();
  await section.getByText(/Mann–Whitney U test on buckets, two-sided: p < 0.0001/).waitFor();
  expect(await section.locator('tr', { hasText: 'p50' }).innerText()).toMatch(/\+.*µs \((1\.9|2\.0)\d ×\)/);
  expect(await panel.locator('section.compared').count()).toBeGreaterThan(1);
  for (const theme of ['light', 'high-contrast', 'dark'] as const) {
    await chooseTheme(page, theme);
    await studio.screenshot(`recordings compared ${theme}`);
  }
  await runCommand(page, 'View: Close All Editors');
});

test('two profiles are compared by the flame graph of their difference; a profile and a trace are not', async () => {
  const { page } = studio;
  await row('profile after').click();
  await activeWebview(page).locator('canvas').first().waitFor();
  await runCommand(page, 'View: Close All Editors');
  await choose('profile before', 'Select for Compare');
  await choose('profile after', 'Compare Recordings');
  await activeWebview(page).getByText('Compare shares').first().waitFor();
  await activeWebview(page)
    .getByText(/“profile after” minus “profile before”/)
    .first()
    .waitFor();
  await studio.screenshot('recordings profiles compared');
  await choose('the change', 'Compare Recordings');
  await waitForNotification(
    page,
    /hold different things: profile and trace|hold different things: trace and profile/,
  );
  await closeNotifications(page);
  await runCommand(page, 'View: Close All Editors');
});

test('in all themes', async () => {
  for (const theme of ['light', 'high-contrast', 'dark'] as const) {
    await chooseTheme(studio.page, theme);
    await studio.page.waitForTimeout(800);
    await studio.screenshot(`recordings ${theme}`);
  }
});
