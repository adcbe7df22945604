// What activating the extension takes: its code loaded and `activate` called, as it measures itself and as VS Code counts it, beside the extensions
// that VS Code brings. VS Code's count begins before it waits for its own texts (`_doLoadModule` of its extension host): extensions that are activated in
// the same moment count one another's loading.
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { sourcesOf } from '../scripts/workloads.ts';
import { openStudio, whyNoStudio } from '../test/e2e/studio.ts';
import { openFile, runCommand } from '../test/e2e/workbench.ts';

const WINDOWS = Number(process.env['PROBESCOPE_BENCH_WINDOWS'] ?? 7);
const LIMIT_MS = 50;
/** What a session before has compiled is written once its window has started (`extension/main.ts`). */
const STARTED_MS = 5_000;

/** Rows of *Developer: Show Running Extensions*: name and milliseconds. */
const READ_ROWS = `() => [...document.querySelectorAll('.runtime-extensions-editor .monaco-list-row')].map((row) => [
  row.querySelector('.name')?.textContent ?? '', row.querySelector('.activation-time')?.textContent ?? ''])`;

/** Prints the times of the first window and the median of those after it. */
export async function activation(): Promise<void> {
  const why = whyNoStudio();
  if (why !== undefined) throw new Error(why);
  const folder = mkdtempSync(join(tmpdir(), 'probescope-activation-'));
  cpSync(sourcesOf('shop'), folder, { recursive: true });
  // as any user has it: the extension host's other work counts
  const studio = await openStudio({ folder, settings: { 'git.enabled': true } });
  const times = new Map<string, number[]>();
  let own: number[][] = [];
  try {
    const { page } = studio;
    await openFile(page, 'db.c');
    for (let window = 0; window <= WINDOWS; window++) {
      if (window > 0) {
        await delay(window === 1 ? STARTED_MS : 3000);
        await page.reload();
        await page.locator('.monaco-workbench .part.activitybar').waitFor({ timeout: 60_000 });
        await delay(5000);
      }
      await runCommand(page, 'Developer: Show Running Extensions');
      await page.locator('.runtime-extensions-editor .monaco-list-row', { hasText: 'Probescope' }).waitFor();
      const rows = await page.evaluate<[string, string][]>(`(${READ_ROWS})()`);
      for (const [name, text] of rows) {
        const ms = /(\d+)\s*ms/.exec(text)?.[1];
        if (ms !== undefined) times.set(name, [...(times.get(name) ?? []), Number(ms)]);
      }
      await page.keyboard.press('Control+F4');
      await openFile(page, 'db.c');
    }
    own = [...studio.log().matchAll(/loaded in (\d+) ms, activated in (\d+) ms/g)].map(([, ...ms]) =>
      ms.map(Number),
    );
  } finally {
    await studio.close();
    rmSync(folder, { recursive: true, force: true });
  }
  for (const [name, [first, ...later]] of times) printTimes(`VS Code's count: ${name}`, first, later);
  const [first, ...later] = own;
  for (const [part, what] of ['code loaded', 'activate called'].entries())
    printTimes(
      `Probescope: ${what}`,
      first?.[part],
      later.map((ms) => ms[part] ?? NaN),
    );
  const both = later.map(([loading = NaN, call = NaN]) => loading + call);
  printTimes(
    'Probescope: both',
    first?.reduce((sum, ms) => sum + ms, 0),
    both,
  );
  console.log(`limit for Probescope: ${LIMIT_MS} ms`);
}

function printTimes(what: string, first: number | undefined, later: readonly number[]): void {
  const sorted = later.toSorted((a, b) => a - b);
  const median = sorted[Math.floor(sorted.length / 2)];
  console.log(
    median === undefined
      ? `${what.padEnd(62)} first window ${first} ms`
      : `${what.padEnd(62)} median ${median} ms of ${sorted.join(', ')}; first window ${first} ms`,
  );
}
