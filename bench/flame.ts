// `npm run bench -- flame` (PROBESCOPE_BENCH_LARGE=1 adds a million stacks): opening, reading, panning; beside speedscope and d3-flame-graph in the same run and browser.
import { closeSync, createReadStream, mkdtempSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser } from 'playwright-core';
import { Recording } from '../extension/core/recording/reader.ts';
import { RecordingWriter } from '../extension/core/recording/writer.ts';
import { encodeProfile } from '../profile/codec.ts';
import { FoldedImporter } from '../profile/import/folded.ts';
import { launchChromium, openFlamePage } from './flame/browser.ts';
import { eachStack, functionName } from './flame/generate.ts';
import { heapMb, loadInPeer, peers } from './flame/peers.ts';

/** Never rounds up what is better when larger, nor down what is better when smaller. */
const ms = (value: number): string => `${(Math.ceil(value * 10) / 10).toFixed(1)} ms`;
const rate = (bytes: number, milliseconds: number): string =>
  `${Math.floor(bytes / 1e3 / milliseconds)} MB/s`;

export async function flame(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'probescope-bench-'));
  const browser = await launchChromium();
  try {
    const modules = peers();
    for (const count of process.env['PROBESCOPE_BENCH_LARGE'] === '1'
      ? [10_000, 100_000, 1_000_000]
      : [10_000, 100_000]) {
      console.log(`\n${count.toLocaleString('en-US')} unique stacks`);
      const folded = join(folder, `${count}.folded`);
      writeFolded(folded, count);
      const { recording, importMs } = readFolded(folded, folder, count);
      if (count === 1_000_000) await paintWhileReading(browser, folded);
      const page = await openFlamePage(browser);
      const rss = process.memoryUsage().rss;
      const began = performance.now();
      const opened = new Recording(recording);
      const encoded = opened.encodedProfile();
      opened.close();
      const readMs = performance.now() - began;
      const grownMb = (process.memoryUsage().rss - rss) / 1e6;
      const paintMs = await page.show(encoded);
      const heap = await heapMb(page.page);
      console.log(
        `  recording → first paint  ${ms(readMs + paintMs)} (reading ${ms(readMs)}; ${(encoded.length / 1e6).toFixed(1)} MB, host grew by ${Math.ceil(grownMb)} MB)`,
      );
      for (const what of ['pan', 'zoom', 'hover', 'search'] as const) {
        const { scriptP95, frameP95 } = await page.drive(what, 80);
        console.log(`  ${what.padEnd(6)} p95  script ${ms(scriptP95)}, frame ${ms(frameP95)}`);
      }
      await page.close();
      if (modules === undefined || count > 100_000) continue;
      for (const peer of ['speedscope', 'd3-flame-graph'] as const) {
        const result = await loadInPeer(browser, peer, modules, folded, 120_000);
        if (typeof result === 'string') console.log(`  ${peer.padEnd(15)} ${result}`);
        else {
          const times = (ours: number): string => (Math.floor((10 * result.ms) / ours) / 10).toFixed(1);
          console.log(
            `  ${peer.padEnd(15)} load from folded ${ms(result.ms)} = ${times(readMs + paintMs)} × ours from a recording, ${times(importMs + paintMs)} × ours from folded; heap ${result.heapMb.toFixed(0)} MB, ours ${heap.toFixed(0)} MB = ${(Math.ceil((100 * heap) / result.heapMb) / 100).toFixed(2)} ×`,
          );
        }
      }
    }
  } finally {
    await browser.close();
    rmSync(folder, { recursive: true });
  }
}

function writeFolded(path: string, count: number): void {
  const file = openSync(path, 'w');
  const names: string[] = [];
  let text = '';
  eachStack(count, 1, (frames, weight) => {
    text += `${frames.map((index) => (names[index] ??= functionName(index))).join(';')} ${weight}\n`;
    if (text.length < 1 << 22) return;
    writeSync(file, text);
    text = '';
  });
  writeSync(file, text);
  closeSync(file);
}

/** More than V8's longest string: the file is read twice, as one file with every stack in it twice. */
const PASSES = 2;
/** The first picture comes when this much was read. */
const FIRST_BYTES = 32 << 20;

/** The first picture of folded stacks that are still being read, from a file beyond V8's 512 MB string. */
async function paintWhileReading(browser: Browser, path: string): Promise<void> {
  const page = await openFlamePage(browser);
  const importer = new FoldedImporter(path);
  const began = performance.now();
  let read = 0;
  let paintedMs: number | undefined;
  let pausedMs = 0;
  for (let pass = 0; pass < PASSES; pass++)
    for await (const chunk of createReadStream(path, { highWaterMark: 4 << 20 })) {
      importer.push(chunk as Uint8Array);
      read += (chunk as Uint8Array).length;
      if (read < FIRST_BYTES || paintedMs !== undefined) continue;
      const asked = performance.now();
      const encoded = encodeProfile(importer.builder.build());
      const encodedMs = performance.now() - asked;
      paintedMs = asked - began + encodedMs + (await page.show(encoded));
      pausedMs = performance.now() - asked - encodedMs;
    }
  importer.finish();
  const wall = performance.now() - began - pausedMs;
  console.log(
    `  folded, streamed  ${(read / 1e6).toFixed(0)} MB in ${ms(wall)} = ${rate(read, wall)}; first picture after ${ms(paintedMs ?? NaN)}, with ${(FIRST_BYTES / 1e6).toFixed(0)} MB read`,
  );
  await page.close();
}

/** Times the reading of folded stacks in random and in sorted order (in this process' CPU time as well); makes the recording. */
function readFolded(path: string, folder: string, count: number): { recording: string; importMs: number } {
  const bytes = readFileSync(path);
  const time = (data: Uint8Array, what: string): FoldedImporter => {
    const cpu = process.cpuUsage();
    const began = performance.now();
    const importer = new FoldedImporter(path);
    for (let at = 0; at < data.length; at += 4 << 20) importer.push(data.subarray(at, at + (4 << 20)));
    const wall = performance.now() - began;
    const { user, system } = process.cpuUsage(cpu);
    console.log(
      `  folded, ${what.padEnd(6)}  ${rate(data.length, wall)} by the clock, ${rate(data.length, (user + system) / 1e3)} of CPU time (${(data.length / 1e6).toFixed(0)} MB)`,
    );
    return importer;
  };
  if (bytes.length < 100e6) {
    const lines = bytes.toString('latin1').trimEnd().split('\n');
    // warm-up, as a second import in the same window would find it
    time(bytes, 'warm');
    for (let i = lines.length - 1, state = 1; i > 0; i--) {
      state = (Math.imul(state, 1103515245) + 12345) >>> 0;
      const k = state % (i + 1);
      [lines[i], lines[k]] = [lines[k]!, lines[i]!];
    }
    time(Buffer.from(`${lines.join('\n')}\n`, 'latin1'), 'random');
    time(Buffer.from(`${lines.sort().join('\n')}\n`, 'latin1'), 'sorted');
  }
  const began = performance.now();
  const { profile } = time(bytes, 'as is').finish();
  const importMs = performance.now() - began;
  const recording = join(folder, `${count}.probescope`);
  const writer = new RecordingWriter(recording, {});
  writer.addEncodedProfile(profile);
  writer.finish();
  return { recording, importMs };
}
