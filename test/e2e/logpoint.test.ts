// A logpoint, as a person adds it: right-click a line, type a text with an expression, see values at the line's end.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { uprobesOn } from './processes.ts';
import { startShop, type Shop } from './shop.ts';
import { openStudio, skipOrShow, whyNoStudio, type Studio } from './studio.ts';
import { chooseInMenu, openFile, overlayTexts, rightClickWord, waitForOverlay } from './workbench.ts';

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

test('the input completes variables and says what is wrong', async () => {
  const { page } = studio;
  await openFile(page, 'db.c', 33);
  await rightClickWord(page, 'db_query', LINE);
  await chooseInMenu(page, 'Add Trace Logpoint…');
  const input = page.locator('.quick-input-widget input').first();
  await input.waitFor();
  await page.keyboard.type('hit {$tid} {');
  await expect
    .poll(() => page.locator('.quick-input-list').textContent(), { timeout: 10_000 })
    .toMatch(/In scope/);
  await studio.screenshot('logpoint-input');
  await page.keyboard.type('nothing_of_that_name}');
  await expect
    .poll(() => page.locator('.quick-input-list').textContent())
    .toMatch(/There is no variable nothing_of_that_name/);
  await studio.screenshot('logpoint-problem');
});

test('values stand at the end of the line, and removing leaves no uprobe', async () => {
  const { page } = studio;
  const input = page.locator('.quick-input-widget input').first();
  await input.fill('hit {$tid}');
  await expect
    .poll(() => page.locator('.quick-input-list').textContent(), { timeout: 10_000 })
    .toMatch(/Add: hit/);
  await page.keyboard.press('Enter');
  await waitForOverlay(page, '{', /hit \d+ ×/);
  await studio.screenshot('logpoint-values');
  expect(studio.log()).toMatch(/Logpoint at .*: attached to 1 sites in \d+ ms/);
  console.log(/Logpoint at .*/.exec(studio.log())?.[0]);
  await page.keyboard.press('F1');
  await page.keyboard.type('Remove Trace Logpoint');
  await page.waitForTimeout(500);
  await page.keyboard.press('Enter');
  await expect
    .poll(async () => [...(await overlayTexts(page)).values()].join(), { timeout: 10_000 })
    .not.toMatch(/hit \d+/);
  await expect.poll(() => uprobesOn(shop.program).length, { timeout: 10_000 }).toBe(0);
});
