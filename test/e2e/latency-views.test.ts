// What the latency panel knows beyond the histogram: calls over time, single calls, a selection's flame graph, a baseline.
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { FrameLocator } from 'playwright-core';
import { startShop, type Shop } from './shop.ts';
import { openStudio, themeNames, skipOrShow, whyNoStudio, type Studio } from './studio.ts';
import {
  chooseInMenu,
  chooseTheme,
  clickRowAction,
  openFile,
  openProbesView,
  rightClickWord,
  runCommand,
  waitForOverlay,
  webviewWith,
} from './workbench.ts';

const FUNCTION = 'route';
const LINE = 'int route(';

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

/** At once: the panel is drawn anew with each snapshot, and its elements do not wait to be still. */
async function scrollTo(panel: FrameLocator, selector: string): Promise<void> {
  await panel.locator('body').evaluate((_, wanted) => {
    // the page's own types are not this program's
    const page = globalThis as unknown as {
      document: { querySelector(selector: string): { scrollIntoView(options: object): void } | null };
    };
    page.document.querySelector(wanted)?.scrollIntoView({ block: 'center' });
  }, selector);
}

const number = (text: string | null | undefined, pattern: RegExp): number =>
  Number((pattern.exec(text ?? '')?.[1] ?? 'NaN').replaceAll(',', ''));

test('calls appear over time, as a heatmap', async () => {
  const { page } = studio;
  await page.setViewportSize({ width: 1600, height: 1500 });
  await openFile(page, 'handle.c', 47);
  await rightClickWord(page, FUNCTION, LINE);
  await chooseInMenu(page, 'Trace Function', 'Latency');
  await waitForOverlay(page, LINE, /p50/);
  await runCommand(page, 'View: Close All Editors');
  await openProbesView(page);
  await clickRowAction(page, FUNCTION, 'Open Latency');
  const panel = await webviewWith(studio.page, '.heatmap');
  await panel.locator('.heatmap svg .axis text').first().waitFor({ state: 'attached' });
  await panel.locator('.heatmap svg').focus();
  await page.keyboard.press('ArrowLeft');
  await expect
    .poll(() => panel.locator('.over-time .readout').textContent())
    .toMatch(/^\d\d:\d\d:\d\d\.\d, .* – .*: [\d,]+ calls?$/);
  await page.keyboard.press('Escape');
});

test('recorded calls say where the time went, what was called, and with which arguments', async () => {
  const panel = await webviewWith(studio.page, '.heatmap');
  await panel.getByRole('button', { name: 'Record Calls' }).last().click();
  await expect
    .poll(() => panel.locator('body').textContent(), { timeout: 20_000 })
    .toMatch(/\d+ calls recorded, of \d+ that returned/);
  const table = panel.locator('.calls');
  await expect.poll(() => table.textContent()).toMatch(/blocked/);
  await expect.poll(() => table.textContent(), { timeout: 10_000 }).toMatch(/db_query.*its own code/);
  expect(await table.textContent()).toMatch(/request = 0x[0-9a-f]+, response = 0x/);
  await table.locator('.slowest .link').first().click();
  await expect
    .poll(() => table.locator('.stack').first().textContent())
    .toMatch(/route.*handle_request.*client/);
  await studio.page.waitForTimeout(4000);
  await studio.screenshot('latency-calls');
});

test('a range that is brushed is what figures and flame graph are of', async () => {
  const { page } = studio;
  const panel = await webviewWith(studio.page, '.heatmap');
  await scrollTo(panel, '.heatmap');
  const box = (await panel.locator('.heatmap .brush .overlay').boundingBox())!;
  const drag = async (fromX: number, fromY: number, toX: number, toY: number): Promise<void> => {
    await page.mouse.move(box.x + box.width * fromX, box.y + box.height * fromY);
    await page.mouse.down();
    await page.mouse.move(box.x + box.width * toX * 0.9, box.y + box.height * toY, { steps: 4 });
    // a person takes time, and snapshots come meanwhile
    await page.waitForTimeout(1500);
    await page.mouse.move(box.x + box.width * toX, box.y + box.height * toY, { steps: 4 });
    await page.mouse.up();
  };
  const selected = panel.locator('.selection .selected');
  await drag(0.3, 0.06, 0.95, 0.94);
  await expect.poll(() => selected.textContent()).toMatch(/: [\d,]+ calls \(.*recorded$/);
  const all = number(await selected.textContent(), /; ([\d,]+) recorded/);
  expect(all).toBeGreaterThan(50);
  await studio.screenshot('latency-selection');
  await panel.getByRole('button', { name: 'Flame Graph of Selection' }).press('Enter');
  const flame = await webviewWith(studio.page, '.flame[role="tree"]');
  await expect.poll(() => flame.locator('footer').textContent()).toMatch(/Selected calls of route/);
  const before = await flame.locator('footer').textContent();
  const of = (text: string | null): number => number(text, /([\d,]+) of [\d,]+ calls/);
  expect(of(await flame.locator('.notes').textContent())).toBeGreaterThan(50);
  await page.waitForTimeout(700);
  await studio.screenshot('selection-flame-graph');

  // only the slow ones: fewer calls, other widths; a drag that begins in the selection would move it
  await panel.getByRole('button', { name: 'Clear Selection' }).press('Enter');
  await selected.waitFor({ state: 'hidden' });
  await scrollTo(panel, '.heatmap');
  // what stood there of the selection has gone, and the rest moves up
  await page.waitForTimeout(500);
  const wider = (await panel.locator('.heatmap .brush .overlay').boundingBox())!;
  Object.assign(box, wider);
  await drag(0.3, 0.06, 0.95, 0.3);
  await selected.waitFor();
  await expect.poll(() => flame.locator('footer').textContent()).toMatch(/Selected calls of route/);
  await expect.poll(() => flame.locator('footer').textContent()).not.toBe(before);
  const chosen = number(await selected.textContent(), /; ([\d,]+) recorded/);
  await expect.poll(async () => of(await flame.locator('.notes').textContent())).toBe(chosen);
  expect(of(await flame.locator('.notes').textContent())).toBeLessThan(all);
  await studio.screenshot('selection-flame-graph-slow');
  await panel.getByRole('button', { name: 'Clear Selection' }).press('Enter');
  await selected.waitFor({ state: 'hidden' });
});

test('figures are held against those of before, with a named test', async () => {
  const { page } = studio;
  const panel = await webviewWith(studio.page, '.heatmap');
  await panel.getByRole('button', { name: 'Compare with the Figures until Now' }).press('Enter');
  await expect
    .poll(() => panel.locator('.test').textContent(), { timeout: 20_000 })
    .toMatch(/Mann–Whitney U test on buckets, two-sided: p [=<] 0\.\d+/);
  const rows = await panel.locator('.comparison tbody tr').allTextContents();
  expect(rows.map((row) => /^(p[\d.]+|mean|calls)/.exec(row)?.[1])).toEqual(
    expect.arrayContaining(['mean', 'calls']),
  );
  await scrollTo(panel, '.comparison');
  await page.waitForTimeout(1500);
  await studio.screenshot('latency-baseline');
});

test.each(themeNames)('the views are legible in the %s theme', async (theme) => {
  const { page } = studio;
  await chooseTheme(page, theme);
  const panel = await webviewWith(studio.page, '.heatmap');
  await scrollTo(panel, 'h1');
  await page.waitForTimeout(800);
  await studio.screenshot(`latency-views-${theme}`);
  await scrollTo(panel, '.comparison');
  await studio.screenshot(`latency-views-${theme}-below`);
});
