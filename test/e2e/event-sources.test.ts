// Browse to a tracepoint, read its fields, watch it live with a filter.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openStudio, skipOrShow, whyNoStudio, type Studio } from './studio.ts';
import {
  activeWebview,
  clickRowAction,
  openProbesView,
  runCommand,
  treeTexts,
  waitForRow,
} from './workbench.ts';

let studio: Studio;
const whyNot = whyNoStudio();
const folder = mkdtempSync(join(tmpdir(), 'probescope-sources-'));

beforeAll(async () => {
  if (whyNot === undefined) studio = await openStudio({ folder });
});
afterAll(async () => {
  await studio?.close();
  rmSync(folder, { recursive: true, force: true });
});
skipOrShow(
  () => studio,
  () => whyNot,
);

test('a tracepoint is found, filtered and watched live', async () => {
  const { page } = studio;
  await openProbesView(page);
  await runCommand(page, 'Focus on Event Sources View');
  await waitForRow(page, /Tracepoints/);
  await runCommand(page, 'Probescope: Filter Event Sources');
  await page.keyboard.type('block_rq_issue');
  await waitForRow(page, /^block_rq_issue/);
  await page.keyboard.press('Enter');
  await studio.screenshot('event-sources');
  expect((await treeTexts(page)).join('\n')).toContain('block_rq_issue');
  await clickRowAction(page, 'block_rq_issue', 'Trace Events');
  const panel = activeWebview(page);
  const filter = panel.locator('input.filter');
  await filter.waitFor({ timeout: 30_000 });
  await filter.fill('bytez > 65536');
  await panel.locator('.filter-problem', { hasText: 'no field' }).waitFor();
  await filter.fill('bytes > 65536');
  await filter.press('Enter');
  await panel.locator('.counts').waitFor();
  await page.waitForTimeout(1500);
  execFileSync('dd', ['if=/dev/zero', `of=${join(folder, 'disk')}`, 'bs=1M', 'count=16', 'oflag=direct'], {
    stdio: 'ignore',
  });
  await panel.locator('.line:not([hidden])', { hasText: 'dd' }).first().waitFor({ timeout: 20_000 });
  await studio.screenshot('live-events');
  expect(await panel.locator('.counts').innerText()).toMatch(/0 lost/);
});
