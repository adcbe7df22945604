// The latency of a kernel function in VS Code, of a target whose kernel can be measured: a guest, over ssh.
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openStudio, whyNoStudio, type Studio } from '../e2e/studio.ts';
import {
  activeWebview,
  chooseInMenu,
  clickRowAction,
  openProbesView,
  runCommand,
  treeRows,
  waitForRow,
} from '../e2e/workbench.ts';
import { startGuest, type Guest } from '../lab/guest.ts';
import { missingForLab } from '../lab/run.ts';

/** A guest under emulation, on a busy machine. */
const SLOW_MS = 180_000;
const missing = whyNoStudio() ?? missingForLab('qemu-system-x86_64', 'mmdebstrap', 'ssh', 'busybox', 'cpio');
const folder = mkdtempSync(join(tmpdir(), 'probescope-kernel-latency-panel-'));
let guest: Guest;
let studio: Studio;

beforeAll(async () => {
  if (missing !== undefined) return;
  guest = await startGuest('bookworm');
  // twenty reads a second, until the guest ends
  const reads = 'while :; do cat /proc/uptime > /dev/null; sleep 0.05; done';
  spawn('ssh', [...guest.options, guest.name, reads], { stdio: 'ignore' });
  studio = await openStudio({
    folder,
    settings: {
      'probescope.targets': [
        { name: 'guest', command: ['ssh', ...guest.options, guest.name, 'sudo', '-n', '{}'] },
      ],
    },
  });
}, 600_000);
afterAll(async () => {
  await studio?.close();
  await guest?.stop();
  rmSync(folder, { recursive: true, force: true });
});

test(
  'its figures and histogram stand in the latency panel, by what the kernel has for it',
  async (context) => {
    if (missing !== undefined) return context.skip(missing);
    context.onTestFailed(() => studio.screenshot('failed kernel latency panel'));
    const { page } = studio;
    await openProbesView(page);
    await runCommand(page, 'Focus on Targets View');
    await waitForRow(page, /^guest/);
    await clickRowAction(page, 'guest', 'Trace on This Target');
    await runCommand(page, 'Focus on Event Sources View');
    await runCommand(page, 'Probescope: Filter Event Sources');
    await page.locator('.quick-input-widget input[placeholder^="Filter event sources"]').fill('vfs_read');
    await treeRows(page)
      .filter({ hasText: /^vfs_read/ })
      .first()
      .waitFor({ timeout: SLOW_MS });
    await page.keyboard.press('Enter');
    await treeRows(page)
      .filter({ hasText: /^vfs_read/ })
      .first()
      .click({ button: 'right' });
    await chooseInMenu(page, 'Measure Latency');
    const panel = activeWebview(page);
    await panel.getByText('p99').first().waitFor({ timeout: SLOW_MS });
    await expect
      .poll(
        async () =>
          Number(/calls\s+([\d,]+)/.exec(await panel.locator('body').innerText())?.[1]?.replaceAll(',', '')),
        {
          timeout: SLOW_MS,
          interval: 1000,
        },
      )
      .toBeGreaterThan(40);
    await studio.screenshot('kernel-latency-panel');
    const text = await panel.locator('body').innerText();
    expect(text).toMatch(/vfs_read/);
    expect(text).toMatch(/p50\s+[\d.]+ [nµm]s/);
  },
  3 * SLOW_MS,
);
