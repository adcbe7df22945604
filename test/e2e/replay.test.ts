// The shipped recording is replayed: the scrubber, the brush and playing move the figures of the page and those at the code.
import { copyFileSync, cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { FrameLocator } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { RecordingWriter } from '../../extension/core/recording/writer.ts';
import { ProfileBuilder } from '../../profile/builder.ts';
import { sourcesOf } from '../../scripts/workloads.ts';
import { openStudio, themeNames, skipOrShow, whyNoStudio, type Studio } from './studio.ts';
import {
  chooseTheme,
  codeLensTexts,
  hoverWord,
  openFile,
  openProbesView,
  runCommand,
  treeTexts,
  waitForOverlay,
  webviewWith,
} from './workbench.ts';

const whyNot = whyNoStudio();
let folder: string;
let studio: Studio;
let panel: FrameLocator;
let recording: ReturnType<typeof growing>;

beforeAll(async () => {
  if (whyNot !== undefined) return;
  folder = mkdtempSync(join(tmpdir(), 'probescope-replay-'));
  cpSync(sourcesOf('shop'), folder, { recursive: true });
  copyFileSync(
    resolve(import.meta.dirname, '../../media/demo/shop.probescope'),
    join(folder, 'shop.probescope'),
  );
  writeProfile(join(folder, 'phases.probescope'));
  recording = growing(join(folder, 'growing.probescope'));
  for (const second of [1, 2, 3]) recording.second(second);
  studio = await openStudio({ folder, file: join(folder, 'shop.probescope') });
});
afterAll(async () => {
  await studio?.close();
  if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
});
skipOrShow(
  () => studio,
  () => whyNot,
);

/** Ten seconds of two threads: `early` runs in the first half, `late` in the second. */
function writeProfile(path: string): void {
  const builder = new ProfileBuilder('two phases', 'samples');
  const nodes = ['early', 'late'].map((name) =>
    builder.stack(['main', name].map((each) => builder.frame({ name: each }))),
  );
  const threads = [1, 2].map((tid) => builder.thread({ pid: 1, tid, name: `worker ${tid}` }));
  for (let i = 0; i < 200; i++) builder.sample(nodes[i < 100 ? 0 : 1]!, 1, i * 5e7, threads[i % 2]!);
  builder.durationNs = 10e9;
  const writer = new RecordingWriter(path, { title: 'two phases', kind: 'profile', target: 'lab' });
  writer.addEncodedProfile(builder.build());
  writer.finish();
}

/** A recording that is still being written: one probe, ten calls a second. */
function growing(path: string): { readonly second: (count: number) => void; readonly end: () => void } {
  const writer = new RecordingWriter(path, { title: 'growing', kind: 'trace', target: 'lab' });
  writer.addProbe(
    {
      ...{ id: 1, binary: '/bin/shop', measures: ['latency'] },
      subject: { kind: 'usdt', provider: 'shop', name: 'order', sites: [] },
    },
    'shop:order',
  );
  return {
    second: (count) => {
      writer.addSnapshot({
        ...{
          session: 's',
          sequence: count,
          monotonicNs: count * 1e9,
          wallClockMs: count * 1e3,
          final: false,
        },
        probes: [
          {
            ...{ probe: 1, count: count * 10 },
            lost: { missedEntries: 0, abandonedCalls: 0, droppedByEngine: 0 },
            latency: { buckets: [[300, count * 10]], sumNs: count * 1e4, maxNs: 1e4 },
          },
        ],
      });
      writer.commit();
    },
    end: () => {
      writer.finish();
    },
  };
}

async function openRecording(name: string): Promise<void> {
  const { page } = studio;
  await page.keyboard.press('Control+P');
  const input = page.locator('.quick-input-widget input');
  await input.fill(name);
  await page.locator('.quick-input-list .monaco-list-row', { hasText: name }).first().click();
  panel = await webviewWith(page, '.time-line svg');
}

const position = () => panel.locator('.position').innerText();
const caption = () => panel.locator('.figures h2').innerText();
/** Cells of a probe's row: calls, rate, p50, p90, p99, max, lost. */
async function cells(name: string): Promise<string[]> {
  const row = panel.locator('tbody tr', { hasText: name }).first();
  return row.locator('td.number').allTextContents();
}
const calls = async (name: string): Promise<number> => Number((await cells(name))[0]!.replaceAll(',', ''));

test('a window that begins with it, before the extension is known, shows the figures of the whole recording, in the page and at the code', async () => {
  const { page } = studio;
  panel = await webviewWith(page, '.time-line svg');
  expect(await page.locator('.tabs-container .tab', { hasText: 'shop.probescope' }).count()).toBe(1);
  await expect.poll(position).toMatch(/^0:29\.9 of 0:29\.9$/);
  await expect
    .poll(() => cells('db_query'))
    .toEqual(expect.arrayContaining([expect.stringMatching(/^\d+ µs$|^\d\.\d+ ms$/)]));
  expect(await caption()).toBe('Figures of the whole recording');
  expect(await panel.locator('.facts').first().innerText()).toMatch(
    /Host\s+the demo machine[\s\S]*Kernel\s+6/,
  );
  expect(await panel.locator('.holds').innerText()).toMatch(
    /It holds 6 probes over 32 intervals, 6 flame graphs of callers/,
  );
  await waitForOverlay(page, 'int handle_request(', /p50 .* · recorded on the demo machine/);
  await studio.screenshot('replay opened');
  await openFile(page, 'db.c', 33, 2);
  await page.locator('.tab', { hasText: 'handle.c' }).click();
});

test('keys move the scrubber, and the figures at the code follow', async () => {
  const { page } = studio;
  const whole = await calls('handle_request');
  await panel.locator('.scrubber .handle').focus();
  await page.keyboard.press('Home');
  await expect.poll(position).toMatch(/^0:00\.0 of/);
  await expect.poll(() => calls('handle_request')).toBe(7);
  await waitForOverlay(page, 'int handle_request(', /as of 0:00\.0 of 0:29\.9, recorded on the demo machine/);
  for (let i = 0; i < 12; i++) await page.keyboard.press('ArrowRight');
  await expect.poll(position).toMatch(/^0:(09|10)\.\d of/);
  const third = await waitForOverlay(page, 'int handle_request(', /as of 0:(09|10)\.\d of 0:29\.9/);
  await expect.poll(() => calls('handle_request')).toBeGreaterThan(whole / 5);
  expect(await calls('handle_request')).toBeLessThan(whole / 2);
  await page.keyboard.press('End');
  const end = await waitForOverlay(page, 'int handle_request(', /^p50 [^·]*· p99 [^·]*· recorded/);
  expect(end).not.toBe(third);
  await expect.poll(() => calls('handle_request')).toBe(whole);
});

test('the handle is dragged, and a range is brushed: its figures are those between', async () => {
  const { page } = studio;
  const whole = await calls('handle_request');
  const svg = (await panel.locator('.time-line svg').boundingBox())!;
  const ruler = (await panel.locator('.time-line rect.ruler').boundingBox())!;
  const handle = (await panel.locator('.scrubber .handle path').boundingBox())!;
  await page.mouse.move(handle.x + handle.width / 2, handle.y + handle.height / 2);
  await page.mouse.down();
  await page.mouse.move(ruler.x + ruler.width / 2, handle.y + 4, { steps: 8 });
  await page.mouse.up();
  await expect.poll(position).toMatch(/^0:1[45]\.\d of/);
  const half = await calls('handle_request');
  expect(half).toBeGreaterThan(whole / 3);
  expect(half).toBeLessThan((2 * whole) / 3);

  await page.mouse.move(ruler.x + ruler.width / 3, svg.y + 70);
  await page.mouse.down();
  await page.mouse.move(ruler.x + (2 * ruler.width) / 3, svg.y + 100, { steps: 8 });
  await page.mouse.up();
  await expect.poll(caption).toMatch(/^Figures of the range from 0:0[89]\.\d to 0:(19|20)\.\d$/);
  await expect.poll(() => calls('handle_request')).toBeLessThan(whole / 2);
  await waitForOverlay(page, 'int handle_request(', /0:0[89]\.\d to 0:(19|20)\.\d of 0:29\.9, recorded/);
  // not by keys: Escape in the page would clear the range
  await page.locator('.tab', { hasText: 'db.c' }).click();
  const lens = (await codeLensTexts(page)).join('\n');
  expect(lens).toMatch(/recorded, 0:0[89]\.\d to 0:(19|20)\.\d of 0:29\.9/);
  const hover = await hoverWord(page, 'db_query', 'int db_query(');
  expect((await hover.innerText()).replace(/\s+/g, ' ')).toMatch(
    /These figures were recorded on .*, 0:0[89]\.\d to .* of 0:29\.9; nothing is measured/,
  );
  await page.keyboard.press('Escape');
  await openProbesView(page);
  expect((await treeTexts(page)).join('\n')).toMatch(
    /db_query.*0:0[89]\.\d to 0:(19|20)\.\d of 0:29\.9, recorded/,
  );
  await page.keyboard.press('Control+B');
  for (const theme of themeNames) {
    await chooseTheme(page, theme);
    await page.mouse.move(1200, 750);
    await page.waitForTimeout(600);
    await studio.screenshot(`replay range ${theme}`);
  }
  await panel.getByText('Clear Range').click();
  await expect.poll(caption).toMatch(/^Figures from the start up to 0:(19|20)\.\d$/);
});

test('it plays at a speed, pauses, and stops at the end', async () => {
  const { page } = studio;
  await panel.locator('.scrubber .handle').focus();
  await page.keyboard.press('Home');
  await panel.getByText('10×', { exact: true }).click();
  await panel.locator('.play').click();
  await expect.poll(() => panel.locator('.play').innerText()).toMatch(/Pause/);
  await expect.poll(() => calls('db_query')).toBeGreaterThan(50);
  await studio.screenshot('replay playing');
  await panel.locator('.scrubber .handle').focus();
  await page.keyboard.press('Space');
  await expect.poll(() => panel.locator('.play').innerText()).toMatch(/Play/);
  const at = await position();
  await page.waitForTimeout(500);
  expect(await position()).toBe(at);
  await studio.screenshot('replay paused');
  await page.keyboard.press('Space');
  await expect.poll(position, { timeout: 15_000 }).toBe('0:29.9 of 0:29.9');
  await expect.poll(() => panel.locator('.play').innerText()).toMatch(/Play/);
});

test('a row leads to its source and to the latency panel of that moment', async () => {
  const { page } = studio;
  await panel.locator('.scrubber .handle').focus();
  await page.keyboard.press('Home');
  await page.keyboard.press('PageDown');
  await expect.poll(caption).toMatch(/^Figures from the start up to 0:0\d/);
  await expect.poll(() => calls('render_tree')).toBeGreaterThan(100);
  const shown = (await cells('render_tree'))[0];
  await panel.locator('tbody tr', { hasText: 'render_tree' }).getByText('render_tree').click();
  await waitForOverlay(page, 'render_tree(', /as of 0:0\d\.\d of 0:29\.9/);
  await panel.locator('tbody tr', { hasText: 'render_tree' }).getByText('Latency').click();
  const latency = await webviewWith(page, 'dl.figures');
  await expect
    .poll(() => latency.locator('.notices').innerText())
    .toMatch(/recorded on .*, as of 0:0\d\.\d of 0:29\.9/);
  expect(await latency.locator('dl.figures').innerText()).toContain(shown!);
  // the heatmap is that of the recording's intervals up to then
  await latency.locator('.heatmap canvas').waitFor();
  await latency.locator('.heatmap').scrollIntoViewIfNeeded();
  await studio.screenshot('replay latency');
});

test('a profile with times is replayed by thread, and the brush opens the flame graph of the range', async () => {
  const { page } = studio;
  await runCommand(page, 'View: Close All Editors');
  await openRecording('phases.probescope');
  await expect.poll(() => panel.locator('tbody tr').allTextContents()).toHaveLength(2);
  await expect.poll(() => calls('worker 1')).toBe(100);
  await panel.locator('.scrubber .handle').focus();
  await page.keyboard.press('Home');
  for (let i = 0; i < 6; i++) await page.keyboard.press('PageDown');
  await expect.poll(position).toMatch(/^0:02\.5 of 0:10\.0$/);
  await expect.poll(() => calls('worker 1')).toBe(25);
  await panel.getByText('Flame Graph up to 0:02.5').click();
  const flame = await webviewWith(page, '.flame[role="tree"]');
  await expect.poll(() => flame.locator('body').innerText()).toMatch(/0\.00 s to 2\.50 s/);
  await studio.screenshot('replay profile');
});

test('one that is still being written says so, and reading it again shows what came since', async () => {
  const { page } = studio;
  await runCommand(page, 'View: Close All Editors');
  await openRecording('growing.probescope');
  await expect.poll(() => panel.locator('tbody tr').allTextContents()).toHaveLength(1);
  await expect.poll(() => calls('shop:order')).toBe(30);
  expect(await panel.locator('.notice').first().innerText()).toMatch(
    /is still being written\. It holds everything/,
  );
  for (const second of [4, 5, 6, 7]) recording.second(second);
  await panel.getByText('Read Again').click();
  await expect.poll(() => calls('shop:order')).toBe(70);
  recording.end();
  await panel.getByText('Read Again').click();
  await expect.poll(() => panel.locator('.notice').count()).toBe(0);
  expect(await panel.getByText('Read Again').count()).toBe(0);
});
