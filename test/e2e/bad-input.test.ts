// What goes wrong is told in the editor: what happened, to what, and the next step, with a button where one can do it.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { startShop, type Shop } from './shop.ts';
import { openStudio, whyNoStudio, type Studio } from './studio.ts';
import {
  chooseInMenu,
  clickInNotification,
  closeNotifications,
  hoverWord,
  openFile,
  openProbesView,
  rightClickWord,
  treeRows,
  waitForNotification,
  waitForOverlay,
} from './workbench.ts';

const whyNot = whyNoStudio();
const scratch = mkdtempSync(join(tmpdir(), 'probescope-bad-input-'));
let shop: Shop;
beforeAll(() => {
  if (whyNot === undefined) shop = startShop();
});
afterAll(async () => {
  if (whyNot === undefined) await shop.end();
  rmSync(scratch, { recursive: true, force: true });
});
beforeEach((context) => {
  if (whyNot !== undefined) context.skip(whyNot);
});

describe('a function that cannot be traced', () => {
  let studio: Studio;
  beforeAll(async () => {
    if (whyNot === undefined) studio = await openStudio({ folder: shop.sources });
  });
  afterAll(() => studio?.close());
  beforeEach((context) => {
    context.onTestFailed(() => studio.screenshot(`failed ${context.task.name}`));
  });

  test('a function that is inlined everywhere: its callers are named, and one button traces them', async () => {
    const { page } = studio;
    await openFile(page, 'handle.c', 13);
    await rightClickWord(page, 'clamp_price', 'uint32_t clamp_price(');
    await chooseInMenu(page, 'Trace Function', 'Latency');
    const text = await waitForNotification(page, /inlined/);
    expect(text).toContain('clamp_price');
    expect(studio.log()).toContain('(function-inlined-everywhere)');
    await studio.screenshot('inlined-everywhere');
    await clickInNotification(page, /Instead/);
    await openProbesView(page);
    await expect.poll(() => treeRows(page).count(), { timeout: 10_000 }).toBeGreaterThan(0);
    await closeNotifications(page);
  });

  test('its copies can be counted: one button does it, and the hover says how many there are', async () => {
    const { page } = studio;
    const line = 'uint32_t clamp_price(';
    await rightClickWord(page, 'clamp_price', line);
    await chooseInMenu(page, 'Trace Function', 'Callers');
    await waitForNotification(page, /clamp_price is inlined everywhere/);
    await clickInNotification(page, /Count Its Copies/);
    await waitForOverlay(page, line, /\d calls · .*\/s/);
    await closeNotifications(page);
    const hover = await hoverWord(page, 'clamp_price', line);
    await expect.poll(() => hover.innerText(), { timeout: 10_000 }).toMatch(/nothing lost · 2 sites/);
    await studio.screenshot('copies-counted');
    await page.keyboard.press('Escape');
  });

  test('a function that the binary does not have: another binary is offered', async () => {
    const { page } = studio;
    await openFile(page, 'handle.c', 51);
    await rightClickWord(page, 'strncmp', 'if (strncmp');
    await chooseInMenu(page, 'Trace Function', 'Count');
    expect(await waitForNotification(page, /strncmp/)).toContain('Choose Another Binary');
    expect(studio.log()).toContain('(function-not-found)');
    await studio.screenshot('function-not-found');
    await closeNotifications(page);
  });

  test('a file that nothing was built from: how to build and where to say what', async () => {
    const { page } = studio;
    const orphan = join(scratch, 'orphan.c');
    writeFileSync(orphan, 'int lonely(void)\n{\n  return 1;\n}\n');
    await openFile(page, orphan, 1);
    await rightClickWord(page, 'lonely');
    await chooseInMenu(page, 'Trace Function', 'Latency');
    expect(await waitForNotification(page, /orphan\.c/)).toMatch(/-g.*probescope\.binaries\.folders/);
    expect(studio.log()).toContain('(binary-not-found)');
    await studio.screenshot('binary-not-found');
    await closeNotifications(page);
  });
});
