// The Recordings view: what is in the workspace, and what is done with it.
import { copyFileSync, cpSync, existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { DatabaseSync } from 'node:sqlite';
import { describeRecording } from '../../extension/core/recording/description.ts';
import { summarise } from '../../extension/core/recording/summary.ts';
import { sourcesOf } from '../../scripts/workloads.ts';
import { profileSlowedDemo, SLOWED } from '../lab/slowed-demo.ts';
import { openStudio, skipOrShow, themeNames, whyNoStudio, type Studio } from './studio.ts';
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
let whyNoProfiles: string | undefined;
const file = (name: string) => join(folder, `${name}.probescope`);

beforeAll(async () => {
  if (whyNot !== undefined) return;
  folder = mkdtempSync(join(tmpdir(), 'probescope-recordings-'));
  cpSync(sourcesOf('shop'), folder, { recursive: true });
  copyFileSync(demo, file('before'));
  copyFileSync(demo, file('after'));
  slowDown(file('after'), 'db_query');
  await describeRecording(file('after'), { name: 'After the cache', tags: ['slow'] });
  const profiles = ['profile before', 'profile after'] as const;
  whyNoProfiles = profileSlowedDemo(file(profiles[0]), file(profiles[1]));
  if (whyNoProfiles === undefined) for (const name of profiles) await describeRecording(file(name), { name });
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

/** What the test reads of a canvas (this project has no types of the DOM). */
interface Picture {
  readonly width: number;
  readonly height: number;
  readonly clientWidth: number;
  getContext(kind: '2d'): {
    getImageData(x: number, y: number, width: number, height: number): { readonly data: Uint8ClampedArray };
  };
}

/** The middle of the widest of the rectangles that are the most red and the least blue, in CSS pixels. */
function reddestPixel(element: unknown): { x: number; y: number } {
  const canvas = element as Picture;
  const { width, height, clientWidth } = canvas;
  const { data } = canvas.getContext('2d').getImageData(0, 0, width, height);
  const rednessAt = (x: number, y: number): number =>
    data[4 * (y * width + x)]! - data[4 * (y * width + x) + 2]!;
  const best = { redness: -1, length: 0, x: 0, y: 0 };
  for (let y = 0; y < height; y++)
    for (let x = 0, length = 0, last = -1; x < width; x++) {
      const redness = rednessAt(x, y);
      length = redness === last ? length + 1 : 1;
      last = redness;
      if (redness > best.redness || (redness === best.redness && length > best.length))
        Object.assign(best, { redness, length, x: Math.round(x - length / 2), y });
    }
  let bottom = best.y;
  while (bottom < height && rednessAt(best.x, bottom) === best.redness) bottom++;
  best.y = (best.y + bottom) / 2;
  return { x: (best.x * clientWidth) / width, y: (best.y * clientWidth) / width };
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
  // the row of a busy view may be the one from before
  await expect.poll(() => existsSync(file('after'))).toBe(true);
  await waitForRow(page, /the change/);
  await choose('broken', 'Delete Recording');
  await waitForNotification(page, /was deleted/);
  expect(count()).toBe(4);
  await closeNotifications(page);
  await runCommand(page, 'Probescope: Undo Delete of Recordings');
  await expect.poll(count).toBe(5);
  await waitForRow(page, /broken/);
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

test('two runs are compared by the flame graph of their difference, in which the function that was slowed down is the reddest; a profile and a trace are not', async (context) => {
  if (whyNoProfiles !== undefined) return context.skip(whyNoProfiles);
  const { page } = studio;
  await row('profile after').click();
  await activeWebview(page).locator('canvas').first().waitFor();
  await runCommand(page, 'View: Close All Editors');
  await choose('profile before', 'Select for Compare');
  await choose('profile after', 'Compare Recordings');
  const panel = activeWebview(page);
  await panel.getByText('Compare shares').first().waitFor();
  await panel
    .getByText(/“profile after” minus “profile before”/)
    .first()
    .waitFor();
  const picture = panel.locator('.flame');
  const canvas = picture.locator('canvas').first();
  const tooltip = panel.locator('.tooltip').first();
  for (const theme of themeNames) {
    await chooseTheme(page, theme);
    // in the safe scheme more is yellow: the reddest and the least blue there, too
    for (const colours of ['colour-blind', 'red-blue']) {
      await panel.locator('label', { hasText: 'Colours' }).locator('select').selectOption(colours);
      await expect
        .poll(async () => {
          await picture.hover({ position: await canvas.evaluate(reddestPixel) });
          return tooltip.innerText();
        })
        .toContain(SLOWED);
      // never by colour alone
      expect(await tooltip.innerText()).toMatch(/against the baseline \+[\d.,]+ samples?, self \+/);
      await studio.screenshot(`recordings profiles compared ${colours} ${theme}`);
    }
  }
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
