// `npm run bench -- recording`: opening a long trace up to its first view, moving the scrubber; beside reading its buckets probe by probe.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { Browser } from 'playwright-core';
import { firstView, type FirstView } from '../../extension/core/recording/first-view.ts';
import { Recording } from '../../extension/core/recording/reader.ts';
import type { HostToRecording } from '../../protocol/recording-panel.ts';
import { launchChromium, openPanelPage } from '../flame/browser.ts';
import { firstPaint } from '../flame/paints.ts';
import { writeLongTrace } from './generate.ts';
import { inEditor } from './in-editor.ts';

const MOVES = 100;

/** Never rounds down what is better when smaller. */
const ms = (value: number): string => `${(Math.ceil(value * 10) / 10).toFixed(1)} ms`;
const p95 = (values: readonly number[]): number =>
  [...values].sort((a, b) => a - b)[Math.floor(values.length * 0.95)] ?? NaN;

export async function recording(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'probescope-bench-'));
  const browser = await launchChromium();
  try {
    const path = join(folder, 'long.probescope');
    const began = performance.now();
    const { bytes, intervals, bucketRows } = writeLongTrace(
      path,
      Number(process.env['PROBESCOPE_BENCH_BYTES'] ?? 1e9),
    );
    console.log(
      `${(bytes / 1e6).toFixed(0)} MB: 50 probes, ${intervals} intervals, ${(bucketRows / 1e6).toFixed(1)} M bucket rows, written in ${((performance.now() - began) / 1e3).toFixed(0)} s`,
    );
    await open(browser, path, 'first view, from the page cache');
    if (forget(path)) await open(browser, path, 'first view, from the disk');
    await inEditor(path);
    move(path);
    probeByProbe(path);
    await older(browser, path);
  } finally {
    await browser.close();
    rmSync(folder, { recursive: true });
  }
}

/** What the host does until it posts the first picture with its figures. */
function read(path: string): { recording: Recording; view: FirstView; messages: HostToRecording[] } {
  const opened = new Recording(path);
  const view = firstView(opened);
  const range = { toNs: view.picture.stepsNs.at(-1) ?? 0 };
  const { probes, picture } = view;
  return {
    ...{ recording: opened, view },
    messages: [
      { type: 'picture', picture, figures: { range, lanes: probes.figures(range), read: probes.read } },
    ],
  };
}

/** From the first byte that is read to the painted page: rows, scrubber and a table of figures. */
async function open(browser: Browser, path: string, what: string): Promise<void> {
  const panel = await openPanelPage(browser, 'recording');
  const began = performance.now();
  const { recording: opened, messages } = read(path);
  const readMs = performance.now() - began;
  opened.close();
  panel.files.set('messages', Buffer.from(JSON.stringify(messages)));
  await panel.page.evaluate(`(${show})()`);
  const paintMs = await firstPaint(
    panel.page,
    "/\\d/.test(document.querySelector('tbody td.number')?.textContent ?? '')",
    60_000,
  );
  if (panel.faults.length > 0) throw new Error(`The page complained: ${panel.faults.join('; ')}`);
  await panel.close();
  console.log(`  ${what}  ${ms(readMs + paintMs)} (reading ${ms(readMs)}, painting ${ms(paintMs)})`);
}

const show = `async () => {
  const messages = await (await fetch('/messages')).json();
  startPaints();
  for (const message of messages) window.postMessage(message, '*');
}`;

/** Makes the next reading begin at the disk; false where the machine cannot. */
function forget(path: string): boolean {
  try {
    // GNU dd drops the pages of a file it reads nothing of
    execFileSync('dd', [`if=${path}`, 'iflag=nocache', 'count=0', 'status=none']);
    return true;
  } catch {
    return false;
  }
}

function move(path: string): void {
  const { recording: opened, view } = read(path);
  const { stepsNs } = view.picture;
  const time = (ns: number): number => {
    const began = performance.now();
    view.probes.figures({ toNs: ns });
    return performance.now() - began;
  };
  let state = 1;
  const jumps = Array.from({ length: MOVES }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return time(stepsNs[state % stepsNs.length]!);
  });
  const middle = stepsNs.length >> 1;
  const played = Array.from({ length: MOVES }, (_, i) => time(stepsNs[middle + i]!));
  opened.close();
  console.log(
    `  figures of 50 probes, p95  at any moment ${ms(p95(jumps))}, an interval on ${ms(p95(played))}`,
  );
}

/** As recordings were opened before they held cumulative buckets: a scan for each probe. */
function probeByProbe(path: string): void {
  const database = new DatabaseSync(path, { readOnly: true });
  const began = performance.now();
  database.prepare('SELECT bucket, sum(count) FROM buckets WHERE probe = ? GROUP BY bucket').all(25);
  const took = performance.now() - began;
  database.close();
  console.log(`  a scan of the buckets for one of 50 probes  ${ms(took)}`);
}

/** A file of a version that had no cumulative buckets: figures first, percentiles when it was read once. */
async function older(browser: Browser, path: string): Promise<void> {
  const database = new DatabaseSync(path);
  database.exec('DROP TABLE cumulative; DROP INDEX totals_by_probe; PRAGMA user_version = 2');
  database.close();
  await open(browser, path, 'first view of an older file, percentiles to come');
  const { recording: opened, view } = read(path);
  const { timeline } = view.probes;
  const began = performance.now();
  let [turn, longest] = [began, 0];
  await timeline.buckets.read(timeline.last, () => {
    longest = Math.max(longest, performance.now() - turn);
    turn = performance.now();
  });
  console.log(
    `  its percentiles after another ${((performance.now() - began) / 1e3).toFixed(1)} s, in turns of ${ms(longest)} at most`,
  );
  opened.close();
}
