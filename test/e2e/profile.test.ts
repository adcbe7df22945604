// Profile Process: the demo program's stacks while it runs, from its row in Targets and from its source.
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { FrameLocator } from 'playwright-core';
import { tracersBelow } from './processes.ts';
import { startShop, type Shop } from './shop.ts';
import { openStudio, themeNames, skipOrShow, whyNoStudio, type Studio } from './studio.ts';
import {
  chooseInMenu,
  chooseTheme,
  openFile,
  openProcessMenu,
  pick,
  rightClickWord,
  waitForOverlay,
  webviewWith,
} from './workbench.ts';

let studio: Studio;
let shop: Shop;
const whyNot = whyNoStudio();

beforeAll(async () => {
  if (whyNot !== undefined) return;
  shop = startShop('--rate', '0');
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

const samplesOf = async (panel: FrameLocator): Promise<number> => {
  const text = (await panel.locator('.live-figures').textContent()) ?? '';
  return Number(/([\d,]+) samples/.exec(text)?.[1]?.replaceAll(',', '') ?? 0);
};
const enginesRunning = (): string[] =>
  tracersBelow(studio.server.process.pid ?? 0)
    .map(({ commandLine }) => commandLine)
    .filter((line) => /^(\S*perf|\S*bpftrace)\S* (record|script|-)/.test(line));

test('a process is profiled from its row: the flame graph grows, and is told how it is measured', async () => {
  const { page } = studio;
  await openProcessMenu(page, 'shop');
  await chooseInMenu(page, 'Profile Process…');
  await pick(page, 'On CPU, in detail');
  const panel = await webviewWith(page, '.live-state[data-state="running"]');
  await expect.poll(() => samplesOf(panel)).toBeGreaterThan(100);
  const before = await samplesOf(panel);
  await expect.poll(() => samplesOf(panel)).toBeGreaterThan(before);
  expect(await panel.locator('.live-figures').textContent()).toMatch(/ · [\d,]+ samples · 997 Hz a CPU$/);
  expect(await panel.locator('.live-lost').textContent()).toMatch(/^[\d,]+ lost$/);
  expect(await panel.locator('.live-engine').textContent()).toMatch(/^perf \d/);
  expect(enginesRunning()).not.toEqual([]);
  await studio.screenshot('profile-live');
});

test('a frame leads to its line beside the panel, and lines are marked while it grows', async () => {
  const { page } = studio;
  const panel = await webviewWith(page, '.live');
  await panel.locator('input.search').fill('^db_query$');
  await expect.poll(() => panel.locator('.found').textContent()).toMatch(/^[\d.]+ %/);
  await panel.locator('input.search').press('Enter');
  await panel.locator('.flame[role="tree"]').focus();
  await expect.poll(() => panel.locator('footer').textContent()).toMatch(/^db_query/);
  await page.keyboard.press('Enter');
  await page.locator('.tab.active', { hasText: 'db.c' }).waitFor();
  await waitForOverlay(page, 'query(key, value, size)', /total/);
  // the panel is still there
  expect(await (await webviewWith(page, '.live')).locator('.live-state').textContent()).toBe('Running');
  await studio.screenshot('profile-source');
});

test('Stop ends it: no engine is left, and what was measured is a recording', async () => {
  const { page } = studio;
  const panel = await webviewWith(page, '.live');
  await panel.locator('button', { hasText: 'Stop' }).press('Enter');
  await panel.locator('.live-state[data-state="ended"]').waitFor();
  await panel.locator('button', { hasText: 'Save Recording…' }).waitFor();
  await expect.poll(enginesRunning).toEqual([]);
  for (const theme of themeNames) {
    await chooseTheme(page, theme);
    await page.waitForTimeout(800);
    await studio.screenshot(`profile-${theme}`);
  }
});

test('by keys alone: a sandwich of the selected function, a thread alone, and back', async () => {
  const { page } = studio;
  const panel = await webviewWith(page, '.live');
  const picture = panel.locator('.flame[role="tree"]');
  const status = panel.locator('footer');
  await panel.locator('input.search').fill('^db_query$');
  await panel.locator('input.search').press('Enter');
  await picture.focus();
  await page.keyboard.press('s');
  await panel.locator('.chip', { hasText: 'sandwich: db_query' }).waitFor();
  // the selection and the way to it are those of the new picture
  await expect.poll(() => status.textContent()).toMatch(/^db_query: total/);
  expect(await panel.locator('.breadcrumbs').innerText()).toMatch(/^all\s*›\s*db_query$/);
  expect(await picture.getByRole('treeitem', { selected: true }).textContent()).toMatch(/^db_query: total/);
  await studio.screenshot('profile-sandwich');
  await panel.locator('.chip', { hasText: 'sandwich' }).press('Enter');
  await panel.locator('.chip').waitFor({ state: 'detached' });

  const threads = panel.getByRole('combobox', { name: 'Threads' });
  expect((await threads.locator('option').allTextContents()).length).toBeGreaterThan(3);
  await threads.selectOption({ index: 2 });
  await expect.poll(() => panel.locator('.chip').textContent()).toMatch(/^threads: shop \d+ ✕$/);
  await threads.selectOption({ label: 'All threads' });
  await panel.locator('.chip').waitFor({ state: 'detached' });

  await picture.focus();
  await page.keyboard.press('?');
  await panel.getByRole('button', { name: 'Close' }).waitFor();
  // all of it can be reached: the list scrolls where the panel is low
  const list = (await panel.locator('.keys').boundingBox())!;
  const all = (await panel.locator('main').boundingBox())!;
  expect(list.x).toBeGreaterThanOrEqual(all.x);
  expect(list.y + list.height).toBeLessThanOrEqual(all.y + all.height);
  await page.keyboard.press('Escape');
  await panel.locator('.keys').waitFor({ state: 'detached' });
});

test('waits are profiled from the source of the program that runs', async () => {
  const { page } = studio;
  await openFile(page, 'db.c', 33);
  await rightClickWord(page, 'db_query', 'NOINLINE int db_query');
  await chooseInMenu(page, 'Profile Process…');
  // where another demo runs on this machine, it is asked which of the two
  const which = page.locator('.quick-input-list .monaco-list-row', { hasText: `${shop.pid} · ` });
  const how = page.locator('.quick-input-list .monaco-list-row', { hasText: 'Off CPU' });
  await which.or(how).first().waitFor();
  if ((await which.count()) > 0) await which.first().click();
  await pick(page, 'Off CPU');
  const panel = await webviewWith(page, '.live-state[data-state="running"]');
  await expect.poll(() => panel.locator('.live-engine').textContent()).toMatch(/^bpftrace \d/);
  await panel.locator('input.search').fill('^db_query$');
  // the demo sleeps below it, and hardly anywhere else
  await expect.poll(() => panel.locator('.found').textContent()).toMatch(/^[\d.]+ %/);
  await studio.screenshot('profile-off-cpu');
  await panel.locator('button', { hasText: 'Stop' }).press('Enter');
  await panel.locator('.live-state[data-state="ended"]').waitFor();
  await expect.poll(enginesRunning).toEqual([]);
});

test('by the wall clock every thread is there, and what it does is the innermost frame', async () => {
  const { page } = studio;
  await openProcessMenu(page, 'shop');
  await chooseInMenu(page, 'Profile Process…');
  await pick(page, 'Wall clock, by thread state');
  const panel = await webviewWith(page, '.live-state[data-state="running"]');
  await panel.locator('input.search').fill('^\\[blocked\\]$');
  // the demo sleeps most of the time
  await expect.poll(() => panel.locator('.found').textContent(), { timeout: 10_000 }).toMatch(/^[\d.]+ %/);
  await studio.screenshot('profile-wall-clock');
  await panel.locator('button', { hasText: 'Stop' }).press('Enter');
  await panel.locator('.live-state[data-state="ended"]').waitFor();
  await expect.poll(enginesRunning).toEqual([]);
  await studio.screenshot('profile-wall-clock-ended');
});

test('each occurrence of an event is profiled; what is no event is told while it is typed', async () => {
  const { page } = studio;
  await openProcessMenu(page, 'shop');
  await chooseInMenu(page, 'Profile Process…');
  await page.locator('.quick-input-list .monaco-list-row', { hasText: 'Page faults' }).waitFor();
  await studio.screenshot('profile-choices');
  await pick(page, 'Occurrences of an event…');
  const input = page.locator('.quick-input-widget input');
  await input.fill('no event at all');
  await page
    .locator('.quick-input-message', { hasText: 'One event, such as page-faults or sched:sched_wakeup' })
    .waitFor();
  await input.fill('syscalls:sys_enter_clock_nanosleep');
  await input.press('Enter');
  const panel = await webviewWith(page, '.live-state[data-state="running"]');
  await expect.poll(() => panel.locator('.live-figures').textContent()).toMatch(/ · [\d,]{2,} times$/);
  await panel.locator('input.search').fill('^db_query$');
  // the demo sleeps below it, and hardly anywhere else
  await expect.poll(() => panel.locator('.found').textContent()).toMatch(/^[\d.]+ %/);
  await studio.screenshot('profile-event');
  await panel.locator('button', { hasText: 'Stop' }).press('Enter');
  await panel.locator('.live-state[data-state="ended"]').waitFor();
  await expect.poll(enginesRunning).toEqual([]);
});
