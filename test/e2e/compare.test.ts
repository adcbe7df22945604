// Recordings held against one another: traces of this session, profiles of the workspace.
import { mkdtempSync, realpathSync, rmSync, cpSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Locator } from 'playwright-core';
import { sourcesOf } from '../../scripts/workloads.ts';
import { ProfileBuilder } from '../../profile/builder.ts';
import { RecordingWriter } from '../../extension/core/recording/writer.ts';
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
  treeRows,
  treeTexts,
  waitForOverlay,
  waitForRow,
  webviewWith,
} from './workbench.ts';

let studio: Studio;
let shop: Shop;
let folder: string;
const whyNot = whyNoStudio();

/** A profile in which `slow` took its share of a hundred samples. */
function profileFile(name: string, slow: number, createdMs: number): void {
  const builder = new ProfileBuilder(name, 'samples');
  const [main, fast, other] = ['main', 'slow', 'other'].map((each) => builder.frame({ name: each }));
  builder.add(builder.stack([main!, fast!]), slow);
  builder.add(builder.stack([main!, other!]), 100 - slow);
  const writer = new RecordingWriter(join(folder, `${name}.probescope`), {
    ...{ title: name, kind: 'profile', created_ms: createdMs, target: 'lab' },
  });
  writer.addEncodedProfile(builder.build());
  writer.finish();
}

beforeAll(async () => {
  if (whyNot !== undefined) return;
  folder = realpathSync(mkdtempSync(join(tmpdir(), 'probescope-recordings-')));
  cpSync(sourcesOf('shop'), folder, { recursive: true });
  profileFile('before', 20, Date.now() - 2 * 3_600_000);
  profileFile('after', 60, Date.now() - 3_600_000);
  shop = startShop();
  studio = await openStudio({ folder: shop.sources });
});
afterAll(async () => {
  await studio?.close();
  await shop?.end().catch(() => undefined);
  if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
});
skipOrShow(
  () => studio,
  () => whyNot,
);

async function recordingsView(): Promise<void> {
  const { page } = studio;
  await openProbesView(page);
  await runCommand(page, 'Focus on Recordings View');
  for (const name of ['Probes', 'Targets', 'Event Sources', 'Hot Lines']) {
    const header = page.locator('.sidebar .pane-header[aria-expanded="true"]', { hasText: name });
    if ((await header.count()) > 0) await header.first().click();
  }
}
const rowOf = (text: string | RegExp): Locator => treeRows(studio.page).filter({ hasText: text }).first();
test('what was traced is a recording, from its first call until the last probe is removed', async () => {
  const { page } = studio;
  for (let twice = 0; twice < 2; twice++) {
    await openFile(page, 'handle.c', 47);
    await rightClickWord(page, 'route', 'int route(');
    await chooseInMenu(page, 'Trace Function', 'Latency');
    await waitForOverlay(page, 'int route(', /p50/);
    await page.waitForTimeout(2500);
    await openProbesView(page);
    const probes = page.locator('.sidebar .pane-header[aria-expanded="false"]', { hasText: 'Probes' });
    if ((await probes.count()) > 0) await probes.click();
    await clickRowAction(page, 'route', 'Remove Probe');
    await recordingsView();
    await expect
      .poll(async () => (await treeTexts(page)).filter((text) => text.startsWith('route')).length)
      .toBe(twice + 1);
  }
  await waitForRow(page, /^route ?\d\d:\d\d · [\d.]+ m?s · \d+ kB$/);
  await studio.screenshot('recordings-traced');
});

test('two traces are compared side by side, with a named test', async () => {
  const { page } = studio;
  await rowOf(/^route/).click({ button: 'right' });
  await chooseInMenu(page, 'Select for Compare');
  await treeRows(page)
    .filter({ hasText: /^route/ })
    .nth(1)
    .click({ button: 'right' });
  await chooseInMenu(page, 'Compare Recordings');
  const panel = page.frameLocator('iframe.webview.ready:visible').last().frameLocator('#active-frame');
  await panel.locator('h1', { hasText: 'Comparison of recordings' }).waitFor();
  expect(await panel.locator('tbody tr').allTextContents()).toEqual(
    expect.arrayContaining([expect.stringMatching(/^p99/), expect.stringMatching(/^calls/)]),
  );
  await panel.getByText(/Mann–Whitney U test on buckets/).waitFor();
  for (const theme of themeNames) {
    await chooseTheme(page, theme);
    await page.waitForTimeout(500);
    await studio.screenshot(`recordings-compare-${theme}`);
  }
});

test('profiles of the workspace are compared as a flame graph: what grew is told', async () => {
  const { page } = studio;
  await page.goto(page.url().replace(/folder=[^&]+/, `folder=${encodeURIComponent(folder)}`));
  await page.locator('.monaco-workbench .part.activitybar').waitFor();
  await recordingsView();
  await waitForRow(page, /^before ?\d\d:\d\d|^before ?yesterday/);
  await rowOf(/^before/).click();
  await rowOf(/^after ?(\d|yesterday)/).click({ modifiers: ['Control'] });
  await rowOf(/^after ?(\d|yesterday)/).click({ button: 'right' });
  await chooseInMenu(page, 'Compare Recordings');
  // a click has opened the first one, too
  await page.locator('.tab', { hasText: 'before → after' }).waitFor();
  await page.locator('.tab', { hasText: 'Profile: before' }).click({ button: 'middle' });
  const panel = await webviewWith(page, '.flame[role="tree"]');
  await panel.locator('input.search').fill('^slow$');
  await panel.locator('input.search').press('Enter');
  await panel.locator('.flame[role="tree"]').focus();
  await expect.poll(() => panel.locator('footer').textContent()).toMatch(/slow.*\+/);
  await studio.screenshot('recordings-compare-profiles');
});
