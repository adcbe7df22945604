// Counters and system calls of a process, from its row in Targets, in three themes.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { engineProcessesBelow } from './processes.ts';
import { startShop, type Shop } from './shop.ts';
import { openStudio, themeNames, skipOrShow, whyNoStudio, type Studio } from './studio.ts';
import { activeWebview, chooseInMenu, chooseTheme, openProcessMenu } from './workbench.ts';

let studio: Studio;
let shop: Shop;
const whyNot = whyNoStudio();

beforeAll(async () => {
  if (whyNot !== undefined) return;
  shop = startShop();
  studio = await openStudio({ folder: shop.sources });
});
afterAll(async () => {
  await studio?.close();
  await shop?.end().catch(() => undefined);
});
skipOrShow(
  () => studio,
  () => whyNot,
);

test('counters and system calls of a process are shown live, from its row', async () => {
  const { page } = studio;
  await openProcessMenu(page, 'shop');
  await chooseInMenu(page, 'Show Counters (perf stat)');
  const panel = activeWebview(page);
  const line = (name: string) => panel.locator('tbody tr', { hasText: name });
  await line('task-clock')
    .locator('td', { hasText: /\d CPUs/ })
    .waitFor({ timeout: 30_000 });
  // the third interval has come: the line has a course
  await panel.locator('.head .text', { hasText: /after [3-9]/ }).waitFor({ timeout: 30_000 });
  expect(await panel.locator('.chart .line').getAttribute('d')).toMatch(/^M.*L/);
  await line('page-faults').locator('button').click();
  await panel.locator('h2', { hasText: 'page-faults' }).waitFor();
  // without a performance unit the hardware's counters say so, and never show a zero
  const cycles = await line('cycles').first().innerText();
  expect(cycles).toMatch(/not supported|\d \/s/);
  for (const theme of themeNames) {
    await chooseTheme(page, theme);
    await panel.locator('h2').waitFor();
    await studio.screenshot(`counters-${theme}`);
  }
  await panel.locator('button', { hasText: 'Stop' }).click();
  await panel.locator('.state', { hasText: 'stopped' }).waitFor();

  await openProcessMenu(page, 'shop');
  await chooseInMenu(page, 'Summarise System Calls');
  const calls = activeWebview(page);
  await calls.locator('tbody tr').first().waitFor({ timeout: 30_000 });
  expect(await calls.locator('.head .text').innerText()).toMatch(/\d calls? of \d+ system calls?/);
  await calls.locator('thead button', { hasText: 'calls' }).click();
  await calls.locator('th[aria-sort="descending"]', { hasText: 'calls' }).waitFor();
  await studio.screenshot('syscall-summary');
  await calls.locator('button', { hasText: 'Stop' }).click();
  await calls.locator('.state', { hasText: 'stopped' }).waitFor({ timeout: 20_000 });
  await expect
    .poll(() => engineProcessesBelow(studio.server.process.pid ?? 0).length, { timeout: 20_000 })
    .toBe(0);
});
