// The main job, as a person does it: open the demo, right-click, choose Latency, read, look closer, pause, remove.
import { execFileSync } from 'node:child_process';
import { resolve } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { engineProcessesBelow, survivors, tracersBelow, uprobesOn, waitForEnd } from './processes.ts';
import { startShop, type Shop } from './shop.ts';
import { openStudio, themeNames, skipOrShow, whyNoStudio, type Studio } from './studio.ts';
import {
  activeWebview,
  chooseInMenu,
  chooseTheme,
  clickRowAction,
  codeLensTexts,
  expandRow,
  hoverWord,
  menuLabels,
  openFile,
  openProbesView,
  overlayTexts,
  reloadWindow,
  rightClickWord,
  treeRows,
  treeTexts,
  waitForOverlay,
  waitForRow,
} from './workbench.ts';

const root = resolve(import.meta.dirname, '../..');
const FUNCTION = 'db_query';
const LINE = 'int db_query(';

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

/** `p50 165 µs · …` in ns. */
function p50Of(text: string): number {
  const [, value = '', unit = ''] = /p50 ([\d.]+) (ns|µs|ms|s)/.exec(text) ?? [];
  return Number(value) * ({ ns: 1, µs: 1e3, ms: 1e6, s: 1e9 }[unit] ?? NaN);
}

const serverPid = (): number => studio.server.process.pid ?? 0;

test('the context menu of a function offers what can be measured', async () => {
  await openFile(studio.page, 'db.c', 33);
  await rightClickWord(studio.page, FUNCTION, LINE);
  expect(await menuLabels(studio.page)).toContain('Trace Function');
  await chooseInMenu(studio.page, 'Trace Function');
  const labels = await menuLabels(studio.page);
  expect(labels).toEqual(expect.arrayContaining(['Latency', 'Count', 'Callers', 'USDT Probe…']));
  await studio.screenshot('menu');
  await studio.page.keyboard.press('Escape');
  await studio.page.keyboard.press('Escape');
});

test('the latency stands at the end of the line, and agrees with the command line', async () => {
  const { page } = studio;
  await rightClickWord(page, FUNCTION, LINE);
  await chooseInMenu(page, 'Trace Function', 'Latency');
  const chosenMs = performance.now();
  await waitForOverlay(page, LINE, /p50 .* · p99 .* · .*\/s/);
  console.log(`first figure ${Math.round(performance.now() - chosenMs)} ms after the choice`);
  expect(studio.log()).toMatch(
    /db_query: first figure after .* \(binary .*, lookup .*, attach .*, first snapshot .*\)/,
  );
  console.log(/db_query: first figure .*/.exec(studio.log())?.[0]);

  await page.waitForTimeout(3000);
  const shown = p50Of(await waitForOverlay(page, LINE, /p50/));
  const output = execFileSync(
    process.execPath,
    [
      ...[resolve(root, 'dist/cli.js'), 'trace', '--binary', shop.program, '--function', FUNCTION],
      ...['--measure', 'latency', '--duration', '3s', '--json'],
    ],
    { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] },
  );
  const { probes } = JSON.parse(output) as { probes: { latencyNs: { p50: number } }[] };
  const fromTerminal = probes[0]?.latencyNs.p50 ?? NaN;
  console.log(`p50 in the editor ${shown / 1000} µs, in the terminal ${fromTerminal / 1000} µs`);
  // the program sleeps 150 µs or more; the figures are of different seconds, and a busy host doubles wake-up times
  expect(shown).toBeGreaterThan(150_000);
  expect(shown / fromTerminal).toBeGreaterThan(1 / 3);
  expect(shown / fromTerminal).toBeLessThan(3);
});

test('the lens above the function says percentiles and how many calls', async () => {
  expect((await codeLensTexts(studio.page)).join('\n')).toMatch(/p50 .* · p99 .* · n [\d,]+/);
  await studio.screenshot('overlay');
});

test('hovering the name shows percentiles, the histogram and what it says in words', async () => {
  const hover = await hoverWord(studio.page, FUNCTION, LINE);
  await expect.poll(() => hover.textContent()).toMatch(/p50.*p99.*max.*mean.*Of [\d,]+ calls/s);
  expect(await hover.locator('img[src^="data:image/svg+xml;base64,"]').count()).toBe(1);
  await studio.page.waitForTimeout(300);
  await studio.screenshot('hover');
  await studio.page.mouse.move(10, 10);
});

test('the Probes view shows the probe with its figures, and below it where and what was lost', async () => {
  const { page } = studio;
  await openProbesView(page);
  await waitForRow(page, /^db_query ?p50/);
  await expandRow(page, FUNCTION);
  // a call that had begun before the probe was attached cannot be measured, and is told as lost
  await waitForRow(page, /^lost ?(nothing|[1-9])/);
  const texts = (await treeTexts(page)).join('\n');
  expect(texts).toContain(shop.program);
  expect(texts).toMatch(/attached ?1 of 1 site/);
  await studio.screenshot('probes-view');
});

test('the latency panel shows the histogram, on both axes, and as a table', async () => {
  const { page } = studio;
  await clickRowAction(page, FUNCTION, 'Open Latency');
  const panel = activeWebview(page);
  await panel.locator('svg .bar').first().waitFor({ state: 'attached' });
  expect(await panel.locator('h1').textContent()).toBe(FUNCTION);
  await expect
    .poll(() => panel.locator('main > svg').getAttribute('aria-label'))
    .toMatch(/^Latency of [\d,]+ calls/);
  await page.waitForTimeout(500);
  await studio.screenshot('latency-panel');
  await panel.locator('vscode-radio[value="linear"]').click();
  await panel.locator('summary').click();
  await expect.poll(() => panel.locator('vscode-data-grid-row').count()).toBeGreaterThan(2);
  await panel.locator('main > svg').focus();
  await page.keyboard.press('ArrowRight');
  await expect.poll(() => panel.locator('.readout').first().textContent()).toMatch(/: [\d,]+ calls? \(/);
  await studio.screenshot('latency-panel-linear');
});

test.each(themeNames)('everything is legible in the %s theme', async (theme) => {
  const { page } = studio;
  await chooseTheme(page, theme);
  await page.waitForTimeout(1000);
  await studio.screenshot(`theme-${theme}`);
});

test('the callers are a flame graph whose frames lead to their lines', async () => {
  const { page } = studio;
  await openFile(page, 'db.c', 33);
  await rightClickWord(page, FUNCTION, LINE);
  await chooseInMenu(page, 'Trace Function', 'Callers');
  await expandRow(page, FUNCTION);
  await waitForRow(page, /^stacks ?[1-9]/);
  await clickRowAction(page, FUNCTION, 'Open Flame Graph of Callers');
  const panel = activeWebview(page);
  const graph = panel.locator('.flame[role="tree"]');
  await graph.waitFor();
  await expect.poll(() => panel.locator('footer').textContent()).toMatch(/Callers of db_query: [\d,]+ times/);
  await page.waitForTimeout(500);
  await studio.screenshot('callers');
  // down from the root: libc's start of a thread, client, handle_request
  await graph.focus();
  for (const key of ['Home', 'ArrowDown', 'ArrowDown', 'ArrowDown', 'ArrowDown', 'Enter'])
    await page.keyboard.press(key);
  await page.locator('.tab.active', { hasText: /^(handle|shop)\.c$/ }).waitFor();
  await studio.screenshot('callers-source');
});

test('USDT probes of the function are offered by provider and name, and counted', async () => {
  const { page } = studio;
  await openFile(page, 'handle.c', 61);
  await rightClickWord(page, 'request__start', 'DTRACE_PROBE2');
  await chooseInMenu(page, 'Trace Function', 'USDT Probe…');
  await waitForOverlay(page, 'DTRACE_PROBE2', /shop:request__start .* calls? · /);
  await waitForRow(page, /^shop:request__start/);
  await studio.screenshot('usdt');
});

test('paused probes stay with their figures, and measure again when resumed', async () => {
  const { page } = studio;
  await clickRowAction(page, FUNCTION, 'Pause Probe');
  await waitForRow(page, /^db_query ?paused · p50/);
  await clickRowAction(page, FUNCTION, 'Resume Probe');
  await waitForRow(page, /^db_query ?p50 .*\/s/);
});

test('after a reload of the window the probes are there, paused, and nothing runs until they are resumed', async () => {
  const { page } = studio;
  const before = tracersBelow(serverPid());
  expect(engineProcessesBelow(serverPid())).not.toEqual([]);
  await reloadWindow(page);
  await openProbesView(page);
  await waitForRow(page, /^db_query ?paused/);
  await waitForRow(page, /^shop:request__start ?paused/);
  expect(await waitForEnd(before, 2000)).toEqual([]);
  expect(engineProcessesBelow(serverPid())).toEqual([]);
  await openFile(page, 'db.c', 33);
  expect([...(await overlayTexts(page)).values()].join()).toContain('paused');
  await clickRowAction(page, FUNCTION, 'Resume Probe');
  await waitForOverlay(page, LINE, /p50 .* · p99/);
});

test('removed probes leave nothing behind', async () => {
  const { page } = studio;
  const before = engineProcessesBelow(serverPid());
  expect(before).not.toEqual([]);
  for (const [before, name] of [FUNCTION, 'shop:request__start'].entries()) {
    await clickRowAction(page, name, 'Remove Probe');
    // a click on a row that is just being drawn anew would ask which probe is meant
    await expect.poll(() => treeRows(page).count(), { timeout: 10_000 }).toBe(1 - before);
  }
  await expect.poll(() => overlayTexts(page).then((texts) => texts.size)).toBe(0);
  expect(await waitForEnd(before, 2000)).toEqual([]);
  expect(uprobesOn(shop.program)).toEqual([]);
  await studio.screenshot('removed');
});

test('kill -9 of the extension host ends the helper and bpftrace within 2 s', async () => {
  const { page } = studio;
  await openFile(page, 'db.c', 33);
  await rightClickWord(page, FUNCTION, LINE);
  await chooseInMenu(page, 'Trace Function', 'Latency');
  await waitForOverlay(page, LINE, /p50/);
  const tracers = tracersBelow(serverPid());
  expect(engineProcessesBelow(serverPid())).not.toEqual([]);
  const hosts = studio.extensionHosts();
  expect(hosts.length).toBeGreaterThan(0);
  for (const { pid } of hosts) process.kill(pid, 'SIGKILL');
  expect(await waitForEnd(tracers, 2000)).toEqual([]);
  expect(survivors(tracers)).toEqual([]);
  expect(uprobesOn(shop.program)).toEqual([]);
});
