// A bpftrace script from its first error to its charts: the language features in the real editor, then a run of it.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { cliBundle } from '../integration/support/traced-program.ts';
import { tracersBelow, waitForEnd } from './processes.ts';
import { openStudio, themeNames, whyNoStudio, type Studio } from './studio.ts';
import {
  activeWebview,
  chooseTheme,
  codeLensTexts,
  goToLine,
  openFile,
  runCommand,
  waitForNotification,
} from './workbench.ts';

const whyNot = whyNoStudio();
const folder = mkdtempSync(join(tmpdir(), 'probescope-scripts-'));

const charts = `tracepoint:syscalls:sys_enter_read
{
  @bytes = hist(args->count);
  @reads[comm] = count();
}

profile:hz:99
{
  @stacks[kstack(6)] = count();
}

interval:ms:400
{
  printf("tick for %s\\n", str($1));
  print(@bytes);
  print(@reads);
  print(@stacks);
}

tracepoint:sched:sched_process_*
{
  @processes = count();
}
`;

beforeAll(() => {
  if (whyNot !== undefined) return;
  const recorded = join(folder, 'recorded.bt');
  writeFileSync(recorded, 'BEGIN { @bytes = hist(5); printf("recorded line\\n"); exit(); }\n');
  const run = [cliBundle, 'run', recorded, '--out', join(folder, 'run.probescope')];
  expect(spawnSync(process.execPath, run, { encoding: 'utf8' })).toMatchObject({ status: 0 });
  writeFileSync(join(folder, 'charts.bt'), charts);
  writeFileSync(join(folder, 'edit.bt'), 'BEGIN\n{\n  @total=cuont();\n  print(@total);\n}\n');
  writeFileSync(join(folder, 'complete.bt'), '\n');
  writeFileSync(join(folder, 'broken.bt'), 'BEGIN\n{\n  @a = 1;\n  @a = "text";\n}\n');
});
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});
beforeEach((context) => {
  if (whyNot !== undefined) context.skip(whyNot);
});

describe('a script', () => {
  let studio: Studio;
  beforeAll(async () => {
    if (whyNot === undefined)
      studio = await openStudio({ folder, settings: { 'editor.inlayHints.enabled': 'off' } });
  });
  afterAll(() => studio?.close());
  beforeEach((context) => {
    context.onTestFailed(() => studio.screenshot(`failed ${context.task.name}`));
  });

  test('errors appear and vanish; a quick fix, formatting and renaming change the text', async () => {
    const { page } = studio;
    await openFile(page, 'edit.bt', 3);
    const errors = page.locator('.squiggly-error');
    await errors.first().waitFor();
    await page.keyboard.press('F8');
    await page.keyboard.press('Escape');
    await page.keyboard.press('Control+.');
    const fix = page.locator('.action-widget .monaco-list-row', { hasText: 'count' }).first();
    await fix.waitFor();
    await studio.screenshot('script-quick-fix');
    await page.keyboard.press('Enter');
    await errors.first().waitFor({ state: 'detached' });
    await runCommand(page, 'Format Document');
    const text = page.locator('.editor-instance .view-lines').first();
    await expect
      .poll(async () => (await text.textContent())?.replace(/\u00a0/g, ' '))
      .toContain('@total = count();');
    await goToLine(page, 3);
    await page.keyboard.press('Home');
    await page.keyboard.press('ArrowRight');
    await page.keyboard.press('ArrowRight');
    await page.keyboard.press('F2');
    const rename = page.locator('.rename-box input');
    await rename.waitFor();
    await rename.fill('@sum');
    await page.keyboard.press('Enter');
    await expect
      .poll(async () => (await text.textContent())?.replace(/\u00a0/g, ' '))
      .toMatch(/@sum = count\(\);.*print\(@sum\);/);
    await page.keyboard.press('Control+S');
    await expect.poll(() => readFileSync(join(folder, 'edit.bt'), 'utf8')).toContain('print(@sum);');
  });

  test('a tracepoint of this kernel and the fields of its args are completed', async () => {
    const { page } = studio;
    await openFile(page, 'complete.bt', 1);
    const row = (text: string) => page.locator('.suggest-widget .monaco-list-row', { hasText: text }).first();
    await page.keyboard.type('tracepoint:block:block_rq_iss', { delay: 15 });
    await page.keyboard.press('Control+Space');
    // the catalog is read after the helper has started
    await expect
      .poll(
        async () => {
          if (await row('block_rq_issue').isVisible()) return true;
          await page.keyboard.press('Escape');
          await page.keyboard.press('Control+Space');
          await page.waitForTimeout(700);
          return row('block_rq_issue').isVisible();
        },
        { timeout: 40_000 },
      )
      .toBe(true);
    await studio.screenshot('script-completion');
    await page.keyboard.press('Escape');
    await page.keyboard.type('ue { @ = count(args->');
    await page.keyboard.press('Control+Space');
    await row('nr_sector').waitFor({ timeout: 20_000 });
    await page.keyboard.press('Escape');
    await page.keyboard.press('Control+A');
    await page.keyboard.press('Delete');
    await page.keyboard.press('Control+S');
  });

  test('it runs with its argument, and shows a histogram, a table, a flame graph and a log, in each theme', async () => {
    const { page } = studio;
    await openFile(page, 'charts.bt', 1);
    expect((await codeLensTexts(page)).join(' ')).toMatch(/Run.*Run for 10 s/);
    await page
      .locator('.codelens-decoration a', { hasText: /^Show attach count$/ })
      .first()
      .click();
    await page
      .locator('.codelens-decoration a', { hasText: /^\d+ probes on local$/ })
      .waitFor({ timeout: 20_000 });
    await page.locator('.codelens-decoration a', { hasText: /^Run$/ }).first().click();
    const question = page.locator('.quick-input-widget input');
    await question.waitFor();
    await question.fill('"two words"');
    await page.keyboard.press('Enter');
    const panel = activeWebview(page);
    await panel.locator('.run-chart .run-bar').first().waitFor({ timeout: 40_000 });
    await panel.locator('.run-row', { hasText: 'tick for two words' }).first().waitFor();
    await panel.locator('.run-map', { hasText: '@reads' }).locator('.run-row').first().waitFor();
    await panel.locator('.run-flame canvas').first().waitFor();
    expect(await panel.locator('.run-facts').innerText()).toMatch(/bpftrace \d.* \d+ probes/);
    expect(await panel.locator('.run-lost').innerText()).not.toBe('');
    for (const theme of themeNames) {
      await chooseTheme(page, theme);
      await page.waitForTimeout(800);
      await studio.screenshot(`script-run-${theme}`);
    }
    await panel.locator('.run-flame').hover();
    await page.waitForTimeout(500);
    await studio.screenshot('script-run-flame');
    await panel.locator('.run-log input[type=search]').fill('nothing like this');
    await expect.poll(() => panel.locator('.run-found').innerText()).toMatch(/^0 of/);
    await panel.locator('vscode-button', { hasText: 'Stop' }).click();
    await panel.locator('.run-state', { hasText: 'Ended' }).waitFor({ timeout: 20_000 });
    await panel.locator('.run-map', { hasText: '@processes' }).waitFor();
    await panel.locator('vscode-button', { hasText: 'Save' }).waitFor();
  });

  test('the code of a diagnostic leads to where it is explained', async () => {
    const { page } = studio;
    await openFile(page, 'broken.bt', 4);
    await page.locator('.squiggly-error').first().waitFor();
    await page.keyboard.press('Home');
    for (let step = 0; step < 3; step++) await page.keyboard.press('ArrowRight');
    await runCommand(page, 'Show or Focus Hover');
    const code = page.locator('.monaco-hover a.code-link', { hasText: 'type-mismatch' }).first();
    await code.waitFor();
    await studio.screenshot('script-code-link');
    await code.click();
    await page.locator('.tab.active', { hasText: 'diagnostics.md' }).waitFor({ timeout: 20_000 });
    const line = page.locator('.editor-instance .view-line', { hasText: '`type-mismatch`' }).first();
    await line.waitFor();
    await studio.screenshot('script-code-explained');
    await runCommand(page, 'View: Close Editor');
  });

  test('an error of the run stands in the panel and in the script', async () => {
    const { page } = studio;
    await openFile(page, 'broken.bt', 1);
    await runCommand(page, 'Probescope: Run bpftrace Script');
    const panel = activeWebview(page);
    const link = panel.locator('.run-problem .run-link');
    await link.waitFor({ timeout: 30_000 });
    expect(await link.innerText()).toMatch(/line 4/);
    await studio.screenshot('script-run-failed');
    await link.click();
    await page.locator('.statusbar-item', { hasText: /Ln 4, Col/ }).waitFor();
    await page.locator('.squiggly-error').first().waitFor();
  });
});

test('kill -9 of the extension host while a script runs leaves no bpftrace', async (context) => {
  writeFileSync(
    join(folder, 'endless.bt'),
    'interval:ms:200 { printf("still here\\n"); @ticks = count(); }\nprofile:hz:49 { @stacks[kstack] = count(); }\n',
  );
  const studio = await openStudio({ folder });
  context.onTestFailed(() => studio.screenshot(`failed ${context.task.name}`));
  try {
    const { page, server } = studio;
    await openFile(page, 'endless.bt', 1);
    await page.locator('.codelens-decoration a', { hasText: /^Run$/ }).first().click();
    const panel = activeWebview(page);
    await panel.locator('.run-row', { hasText: 'still here' }).first().waitFor({ timeout: 40_000 });
    const tracers = tracersBelow(server.process.pid ?? 0);
    expect(tracers.some(({ commandLine }) => commandLine.includes('bpftrace'))).toBe(true);
    const hosts = studio.extensionHosts();
    expect(hosts.length).toBeGreaterThan(0);
    for (const { pid } of hosts) process.kill(pid, 'SIGKILL');
    expect(await waitForEnd(tracers, 10_000)).toEqual([]);
  } finally {
    await studio.close();
  }
});

test('a recording of a run opens in its panel, where nothing runs', async (context) => {
  const studio = await openStudio({ folder });
  context.onTestFailed(() => studio.screenshot(`failed ${context.task.name}`));
  try {
    const { page } = studio;
    await page.keyboard.press('Control+P');
    const input = page.locator('.quick-input-widget input');
    await input.waitFor();
    await input.fill('run.probescope');
    await page.locator('.quick-input-list .monaco-list-row[aria-label^="run.probescope"]').first().click();
    await page.locator('.tab', { hasText: 'Run: recorded.bt' }).waitFor({ timeout: 30_000 });
    await studio.screenshot('script-recorded');
    // the recording's own page is a webview, too, and either may be the last one
    const frames = page.locator('iframe.webview.ready:visible');
    const panelOf = (index: number) => frames.nth(index).contentFrame().frameLocator('#active-frame');
    let at = 0;
    await expect
      .poll(
        async () => {
          for (at = 0; at < (await frames.count()); at++)
            if (await panelOf(at).locator('.run-row', { hasText: 'recorded line' }).first().isVisible())
              return true;
          return false;
        },
        { timeout: 30_000 },
      )
      .toBe(true);
    const panel = panelOf(at);
    await panel.locator('.run-map', { hasText: '@bytes' }).locator('.run-bar').first().waitFor();
    expect(await panel.locator('.run-notes').innerText()).toContain('nothing runs now');
    expect(await panel.locator('vscode-button', { hasText: 'Run Again' }).isVisible()).toBe(false);
    await studio.screenshot('script-recorded');
  } finally {
    await studio.close();
  }
});

test('Restricted Mode: a script does not run, and the way out is offered', async (context) => {
  const studio = await openStudio({ folder, restricted: true });
  context.onTestFailed(() => studio.screenshot(`failed ${context.task.name}`));
  try {
    const { page } = studio;
    await openFile(page, 'broken.bt', 1);
    await page.locator('.codelens-decoration a', { hasText: /^Run$/ }).first().click();
    expect(await waitForNotification(page, /Restricted Mode/)).toContain('Manage Workspace Trust');
  } finally {
    await studio.close();
  }
});
