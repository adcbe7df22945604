// Opening the same long trace in VS Code, from the click to the figures; beside VS Code's own preview of a Markdown file, for both wait until it has started a webview.
import { copyFileSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Page } from 'playwright-core';
import { repository } from '../../scripts/node24.mjs';
import { openStudio, whyNoStudio } from '../../test/e2e/studio.ts';

const TIMES = 5;
const LIMIT_MS = 30_000;

const figures = "/\\d/.test(document.querySelector('tbody td.number')?.textContent ?? '')";
const preview = "document.body?.innerText.includes('A preview')";

/** Prints the medians of both, and how far they are apart. */
export async function inEditor(recording: string): Promise<void> {
  const why = whyNoStudio();
  if (why !== undefined) {
    console.log(`  in VS Code: not measured, ${why}`);
    return;
  }
  const folder = mkdtempSync(join(tmpdir(), 'probescope-bench-editor-'));
  symlinkSync(recording, join(folder, 'long.probescope'));
  copyFileSync(join(repository, 'media/demo/shop.probescope'), join(folder, 'short.probescope'));
  writeFileSync(join(folder, 'preview.md'), '# A preview\n');
  const studio = await openStudio({
    folder,
    settings: { 'workbench.editorAssociations': { '*.md': 'vscode.markdown.preview.editor' } },
  });
  try {
    const { page } = studio;
    // the extension is active, and VS Code has had a webview before
    await timeOf(page, 'short.probescope', figures);
    const long: number[] = [];
    const markdown: number[] = [];
    for (let time = 0; time < TIMES; time++) {
      long.push(await timeOf(page, 'long.probescope', figures));
      markdown.push(await timeOf(page, 'preview.md', preview));
    }
    const [ours, peer] = [median(long), median(markdown)];
    console.log(
      `  in VS Code, from the click to the figures  median ${Math.ceil(ours)} ms (${spread(long)}); its preview of a Markdown file of one line ${Math.floor(peer)} ms (${spread(markdown)}), ours is ${(Math.ceil((100 * ours) / peer) / 100).toFixed(2)} ×`,
    );
  } finally {
    await studio.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Clicks a file in the explorer, waits until its webview shows what is asked for, and closes it; milliseconds. */
async function timeOf(page: Page, file: string, shows: string): Promise<number> {
  const row = page.locator('.explorer-folders-view .monaco-list-row', { hasText: file });
  await row.waitFor();
  const began = performance.now();
  await row.dblclick();
  while (!(await isShown(page, shows))) {
    if (performance.now() - began > LIMIT_MS) throw new Error(`${file} showed nothing in ${LIMIT_MS} ms.`);
    await delay(5);
  }
  const took = performance.now() - began;
  // by the pointer as well: a webview that has just taken the focus takes the keys too
  const close = page.locator('.tab .tab-actions .codicon-close');
  while ((await close.count()) > 0) await close.first().click();
  await delay(1500);
  return took;
}

/** True when one of the page's webviews shows it, and a frame was drawn since. */
async function isShown(page: Page, shows: string): Promise<boolean> {
  const asked = page
    .frames()
    .filter((frame) => frame.parentFrame() !== null)
    // a frame that goes away meanwhile shows nothing
    .map((frame) => frame.evaluate<boolean>(shows).catch(() => false));
  return (await Promise.all(asked)).includes(true);
}

const median = (values: readonly number[]): number =>
  [...values].sort((a, b) => a - b)[values.length >> 1] ?? NaN;
const spread = (values: readonly number[]): string =>
  `${Math.floor(Math.min(...values))}–${Math.ceil(Math.max(...values))}`;
