// Browse to a tracepoint, read its fields, watch it live with a filter; from an event's stack to its source line.
import { execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { sourcesOf } from '../../scripts/workloads.ts';
import { TracedProgram } from '../integration/support/traced-program.ts';
import { openStudio, skipOrShow, whyNoStudio, type Studio } from './studio.ts';
import {
  activeWebview,
  chooseInMenu,
  clickRowAction,
  openProbesView,
  runCommand,
  treeRows,
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

/** The box stands where the palette was a moment ago: only its own takes the text. */
async function filterSources(name: string): Promise<void> {
  const { page } = studio;
  await runCommand(page, 'Probescope: Filter Event Sources');
  await page.locator('.quick-input-widget input[placeholder^="Filter event sources"]').fill(name);
  await waitForRow(page, new RegExp(`^${name}`));
  await page.keyboard.press('Enter');
}

function select(path: string, sql: string): Record<string, unknown>[] {
  const database = new DatabaseSync(path, { readOnly: true });
  try {
    return database.prepare(sql).all();
  } finally {
    database.close();
  }
}

/** The counts that are written last; empty until then. */
function aboutOf(path: string): string {
  try {
    const value = select(path, "SELECT value FROM about WHERE name = 'counts'")[0]?.['value'];
    return typeof value === 'string' ? value : '';
  } catch {
    return '';
  }
}

test('a tracepoint is found, filtered and watched live', async () => {
  const { page } = studio;
  await openProbesView(page);
  await runCommand(page, 'Focus on Event Sources View');
  await waitForRow(page, /Tracepoints/);
  await filterSources('block_rq_issue');
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
  await panel.getByRole('button', { name: 'Record', exact: true }).click();
  const stop = panel.getByRole('button', { name: 'Stop recording' });
  await stop.waitFor({ timeout: 20_000 });
  execFileSync('dd', ['if=/dev/zero', `of=${join(folder, 'disk')}`, 'bs=1M', 'count=16', 'oflag=direct'], {
    stdio: 'ignore',
  });
  await page.waitForTimeout(1000);
  await studio.screenshot('live-events-recording');
  const live = new Set(await panel.locator('.line:not([hidden])').allInnerTexts());
  await stop.click();
  await panel.locator('.notice', { hasText: 'Recordings' }).waitFor({ timeout: 20_000 });
  await runCommand(page, 'Focus on Recordings View');
  await treeRows(page)
    .filter({ hasText: /block:block_rq_issue/ })
    .first()
    .click();
  const again = activeWebview(page);
  await again.locator('h1', { hasText: '(recorded)' }).waitFor({ timeout: 30_000 });
  await again.locator('.line:not([hidden])', { hasText: 'dd' }).first().waitFor({ timeout: 20_000 });
  expect(await again.locator('.counts').innerText()).toMatch(/0 lost/);
  await studio.screenshot('recorded-events');
  const recorded = await again.locator('.line:not([hidden])').allInnerTexts();
  const time = (line: string): string | undefined => /^\S+/.exec(line)?.[0];
  const times = new Set([...live].map(time));
  const shownLive = recorded.filter((line) => times.has(time(line)));
  expect(shownLive.filter((line) => /\bdd\b/.test(line)).length).toBeGreaterThan(10);
  for (const line of shownLive) expect(live).toContain(line);
});

test('more events than can be traced one by one are counted in the kernel', async () => {
  const { page } = studio;
  const load = spawn('dd', ['if=/dev/zero', 'of=/dev/null', 'bs=1'], { stdio: 'ignore' });
  try {
    await runCommand(page, 'Focus on Event Sources View');
    await filterSources('sys_enter_read');
    await clickRowAction(page, 'sys_enter_read', 'Trace Events');
    const choice = page.locator('.quick-input-list .monaco-list-row', { hasText: 'Count in the kernel' });
    await choice.first().waitFor({ timeout: 30_000 });
    await studio.screenshot('events-over-budget');
    await choice.first().click();
    await page
      .locator('.quick-input-list .monaco-list-row', { hasText: 'the thread’s name' })
      .first()
      .click();
    await page.locator('.view-line', { hasText: '[comm] = count()' }).first().waitFor({ timeout: 20_000 });
    const panel = activeWebview(page);
    await panel.getByText('dd', { exact: true }).first().waitFor({ timeout: 60_000 });
    await studio.screenshot('events-counted');
  } finally {
    load.kill('SIGKILL');
    await runCommand(page, 'Probescope: Stop bpftrace Scripts');
  }
});

test('the latency of a kernel function is measured, or refused with what was found by trying', async () => {
  const { page } = studio;
  await runCommand(page, 'Focus on Event Sources View');
  await filterSources('vfs_read');
  await treeRows(page)
    .filter({ hasText: /^vfs_read/ })
    .first()
    .click({ button: 'right' });
  await chooseInMenu(page, 'Measure Latency');
  if (existsSync('/sys/kernel/tracing/kprobe_events')) {
    const panel = activeWebview(page);
    await panel.getByText('p99').first().waitFor({ timeout: 60_000 });
  } else {
    const message = page.locator('.notification-toast', {
      hasText: 'Functions of this kernel cannot be measured',
    });
    await message.waitFor({ timeout: 60_000 });
    expect(await message.innerText()).toMatch(/fentry: Could not attach to .*kprobe: Could not attach to/s);
  }
  await studio.screenshot('kernel-function-latency');
  await runCommand(page, 'Notifications: Clear All Notifications');
});

test('the stack of an event leads to its source line', async () => {
  const { page } = studio;
  const program = await TracedProgram.start('stacks', ['200']);
  try {
    await runCommand(page, 'Focus on Event Sources View');
    await filterSources('sys_enter_write');
    await clickRowAction(page, 'sys_enter_write', 'Trace Events');
    const panel = activeWebview(page);
    const filter = panel.locator('input.filter');
    await filter.waitFor({ timeout: 30_000 });
    await panel.locator('.line:not([hidden])').first().waitFor({ timeout: 20_000 });
    await filter.fill(`comm == "stacks" && count == 8`);
    await filter.press('Enter');
    await panel.locator('.counts', { hasText: /^0 events/ }).waitFor({ timeout: 20_000 });
    await panel.getByLabel('Stacks', { exact: true }).selectOption('Both stacks');
    await panel.locator('.notice', { hasText: 'Stacks are recorded' }).waitFor({ timeout: 20_000 });
    program.go();
    await panel.locator('.line:not([hidden])', { hasText: 'stacks' }).nth(3).waitFor({ timeout: 20_000 });
    await panel.locator('.line:not([hidden])', { hasText: 'stacks' }).nth(3).click();
    const frame = panel.locator('.stack li', { hasText: /^store/ });
    await frame.waitFor({ timeout: 20_000 });
    await studio.screenshot('event-stacks');
    expect(await panel.locator('.counts').innerText()).not.toMatch(/stacks missing/);
    expect(await panel.locator('.stack li .function').allInnerTexts()).toEqual(
      expect.arrayContaining(['put', 'store', 'work', 'main', 'do_syscall_64']),
    );
    await frame.getByRole('button').click();
    const line = readFileSync(join(sourcesOf('stacks'), 'stacks.c'), 'utf8')
      .split('\n')
      .findIndex((text) => text.includes('put(fd, text, sizeof text);'));
    await page
      .locator('.statusbar-item', { hasText: `Ln ${line + 1},` })
      .first()
      .waitFor({ timeout: 20_000 });
    await page.locator('.view-lines', { hasText: 'put(fd, text, sizeof text);' }).first().waitFor();
    await studio.screenshot('event-stack-source');
    await panel.getByRole('button', { name: 'SQLite' }).click();
    const path = join(folder, 'events.sqlite');
    await page.locator('.quick-input-widget input').first().fill(path);
    await page.keyboard.press('Enter');
    await expect.poll(() => aboutOf(path), { timeout: 20_000 }).toMatch(/"received":200/);
    const [row] = select(path, 'SELECT count(*) AS n, max(user_stack) AS stack FROM events');
    expect(row?.['n']).toBe(200);
    expect(row?.['stack']).toMatch(/^write .*\nput stacks.c:19 \(inlined\)\nstore stacks.c:26\nwork /);
  } finally {
    program.end();
  }
});

test('events of a USDT probe become a script, which runs from its editor', async () => {
  const { page } = studio;
  const program = await TracedProgram.start('shop', ['--requests', '20']);
  try {
    await runCommand(page, 'Probescope: Refresh Event Sources');
    await runCommand(page, 'Focus on Event Sources View');
    await filterSources('shop/request__start');
    const entry = treeRows(page).filter({ hasText: /^shop\/request__start/ });
    await entry.first().click({ button: 'right' });
    await chooseInMenu(page, 'Insert as Script');
    const line = page.locator('.view-line', { hasText: `usdt:"${program.path}":"shop":"request__start"` });
    await line.first().waitFor({ timeout: 20_000 });
    await studio.screenshot('events-as-script');
    await page.locator('.codelens-decoration a', { hasText: /^Run$/ }).first().click();
    const panel = activeWebview(page);
    await panel.locator('.run-facts', { hasText: /\d+ probe/ }).waitFor({ timeout: 40_000 });
    program.go();
    const row = panel.locator('.run-row', { hasText: /request__start arg0=\d+ .*text1=\// });
    await row.first().waitFor({ timeout: 20_000 });
    await studio.screenshot('events-as-script-run');
  } finally {
    program.end();
  }
});
