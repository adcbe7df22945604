// The Targets view, and *Detach Everything* while the helper hangs: as a person sees both.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { survivors, tracersBelow, uprobesOn } from './processes.ts';
import { startShop, type Shop } from './shop.ts';
import { openStudio, skipOrShow, whyNoStudio, type Studio } from './studio.ts';
import {
  chooseInMenu,
  openFile,
  openProbesView,
  rightClickWord,
  runCommand,
  treeRows,
  waitForOverlay,
  waitForRow,
} from './workbench.ts';

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

test('processes stand below the target, with what decides whether they can be traced', async () => {
  const { page } = studio;
  await openProbesView(page);
  await runCommand(page, 'Focus on Targets View');
  await waitForRow(page, /This Machine/);
  await treeRows(page).filter({ hasText: 'Processes' }).first().click();
  await waitForRow(page, /^\S.*\d+ · root/);
  // the tree shows a few rows of many: its own search brings the program into sight
  await page.keyboard.press('Control+f');
  await page.keyboard.type('shop');
  await page.keyboard.press('Enter');
  await waitForRow(page, /^shop.*· C · debug info/);
  await studio.screenshot('targets-processes');
});

test('Detach Everything stands in red while something is attached, and works although the helper is stopped', async () => {
  const { page } = studio;
  await openFile(page, 'db.c', 33);
  await rightClickWord(page, 'db_query', LINE);
  await chooseInMenu(page, 'Trace Function', 'Count');
  await waitForOverlay(page, LINE, /calls/);
  const item = page.locator('.statusbar-item', { hasText: 'Detach Everything' });
  await item.waitFor();
  await studio.screenshot('detach-everything');

  const helper = Number([...studio.log().matchAll(/Helper \S+ is process (\d+)/g)].at(-1)?.[1]);
  const tracers = tracersBelow(studio.server.process.pid ?? 0);
  expect(tracers.length).toBeGreaterThan(0);
  process.kill(helper, 'SIGSTOP');
  await item.click();
  await expect.poll(() => survivors(tracers), { timeout: 20_000 }).toEqual([]);
  expect(uprobesOn(shop.program)).toEqual([]);
  await expect.poll(() => item.isVisible(), { timeout: 20_000 }).toBe(false);
  // the figures stay, and nobody is frightened by an error that was asked for
  await waitForOverlay(page, LINE, /calls · paused/);
  await studio.screenshot('detached');
});
