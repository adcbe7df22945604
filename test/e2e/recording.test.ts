// What a host without BPF gets: the shipped recording, whose figures stand at the code and say where they come from.
import { copyFileSync, cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { sourcesOf } from '../../scripts/workloads.ts';
import { tracersBelow } from './processes.ts';
import { openStudio, skipOrShow, whyNoStudio, type Studio } from './studio.ts';
import { openFile, openProbesView, treeTexts, waitForOverlay } from './workbench.ts';

const whyNot = whyNoStudio();
let folder: string;
let studio: Studio;

beforeAll(async () => {
  if (whyNot !== undefined) return;
  folder = mkdtempSync(join(tmpdir(), 'probescope-recording-'));
  cpSync(sourcesOf('shop'), folder, { recursive: true });
  copyFileSync(
    resolve(import.meta.dirname, '../../media/demo/shop.probescope'),
    join(folder, 'shop.probescope'),
  );
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

test('a recording shows its figures at the code, labelled as recorded, and attaches nothing', async () => {
  const { page } = studio;
  await page.keyboard.press('Control+P');
  const input = page.locator('.quick-input-widget input');
  await input.fill('shop.probescope');
  await page.locator('.quick-input-list .monaco-list-row', { hasText: 'shop.probescope' }).first().waitFor();
  await page.keyboard.press('Enter');
  // the source of its first probe opens beside it
  await waitForOverlay(page, 'int handle_request(', /recorded on the demo machine/);
  await studio.screenshot('recording opened');
  // beside it, where the code is: the page of a recording takes no keys
  await openFile(page, 'db.c', 33, 2);
  const text = await waitForOverlay(page, 'int db_query(', /p50 .* · recorded on the demo machine/);
  expect(text).toMatch(/p50 \d+ µs · p99 [\d.]+ m?s · recorded on the demo machine \(Linux /);
  await openProbesView(page);
  expect((await treeTexts(page)).join('\n')).toMatch(/db_query.*p50 .*recorded on the demo machine/);
  await studio.screenshot('recording');
  const engines = tracersBelow(studio.server.process.pid ?? 0).filter(({ commandLine }) =>
    commandLine.includes('bpftrace'),
  );
  expect(engines).toEqual([]);
});
