import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { Column } from '../helper/sources/columns.ts';
import { columnsOf } from '../helper/sources/tracefs/rows.ts';
import type { EventField } from '../protocol/events.ts';
import { launchChromium } from './flame/browser.ts';

const webview = resolve(import.meta.dirname, '../dist/webview');
const EVENTS_A_SECOND = 100_000;
const BATCH_MS = 50;
const MEASURED_MS = 6000;

/** As block:block_rq_issue carries them: numbers of both sizes and a text. */
const fields: readonly EventField[] = (
  [
    ['bytes', 'u32', 4],
    ['sector', 'u64', 8],
    ['rwbs', 'text', 8],
  ] as const
).map(([name, column, sizeBytes]) => ({
  ...{ name, column, sizeBytes, type: column, signed: false },
  display: { as: column === 'text' ? ('text' as const) : ('number' as const) },
}));

function batch() {
  const columns = columnsOf([{ source: 'tracepoint:block:block_rq_issue', id: 1, fields }]);
  const rows = (EVENTS_A_SECOND * BATCH_MS) / 1000;
  const data = columns.map(({ column }, place) => {
    const made = new Column(column);
    for (let row = 0; row < rows; row++) made.push(column === 'text' ? row % 2 : row * (place + 1));
    return made.take();
  });
  return { columns, rows, data };
}

/**
 * Frames of the live table while rows arrive as the extension posts them, beside those of the same page at rest. The browser
 * draws in software here: what counts is the difference.
 */
export async function eventFrames(): Promise<void> {
  const { columns, rows, data } = batch();
  const browser = await launchChromium();
  try {
    const page = await browser.newPage({ viewport: { width: 1200, height: 800 } });
    await page.setContent(
      `<!DOCTYPE html><style>${readFileSync(join(webview, 'events.css'), 'utf8')}</style><main></main>
       <script>window.acquireVsCodeApi = () => ({ postMessage() {}, getState() {}, setState() {} });</script>`,
    );
    await page.addScriptTag({ content: readFileSync(join(webview, 'events.js'), 'utf8') });
    const schema = {
      stream: 's',
      events: ['tracepoint:block:block_rq_issue'],
      columns,
      engine: 'tracefs',
      commands: [],
    };
    const begin = { type: 'stream', title: 'block_rq_issue', schema, filter: '', fields: [fields], note: '' };
    const measure = (arriving: boolean) =>
      page.evaluate<{ frames: number[]; shown: string; sent: number }>(
        `(${MEASURE})(${JSON.stringify({ begin, rows, data, arriving, everyMs: BATCH_MS, forMs: MEASURED_MS })})`,
      );
    for (const arriving of [false, true]) {
      const { frames, shown, sent } = await measure(arriving);
      frames.sort((a, b) => a - b);
      const at = (fraction: number) => frames[Math.floor(frames.length * fraction)]?.toFixed(1) ?? '–';
      const rate = Math.round((sent * 1000) / MEASURED_MS).toLocaleString('en-US');
      console.log(
        `live table, ${arriving ? `${rate} events/s` : 'at rest'}: frames median ${at(0.5)} ms, p95 ${at(0.95)} ms, longest ${at(0.9999)} ms (aim p95 16.7)${arriving ? `; header: ${shown}` : ''}`,
      );
    }
  } finally {
    await browser.close();
  }
}

/** Runs in the page, whose types this program does not have. Batches that a busy page is late for are made up for. */
const MEASURE = `async ({ begin, rows, data, arriving, everyMs, forMs }) => {
  window.postMessage(begin, '*');
  await new Promise((done) => setTimeout(done, 500));
  const frames = [];
  const started = performance.now();
  let sequence = 0;
  const send = () => {
    const due = Math.floor((performance.now() - started) / everyMs);
    for (; sequence < due; sequence++)
      window.postMessage({ type: 'rows', rows: { stream: 's', sequence, rows, data,
        texts: sequence === 0 ? ['R', 'WS'] : [], startedAtMs: 0,
        counts: { received: (sequence + 1) * rows, lost: 0, sampledOut: 0, missedEntries: 0 } } }, '*');
  };
  const timer = arriving ? setInterval(send, everyMs / 2) : 0;
  let last = await new Promise(requestAnimationFrame);
  while (performance.now() - started < forMs) {
    const now = await new Promise(requestAnimationFrame);
    frames.push(now - last);
    last = now;
  }
  clearInterval(timer);
  await new Promise((done) => setTimeout(done, 300));
  return { frames, sent: sequence * rows, shown: document.querySelector('.counts')?.textContent ?? '' };
}`;
