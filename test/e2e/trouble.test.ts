// What can go wrong around a trace, as it is told in the editor: no bpftrace, one that is too old or refuses, no privileges,
// two programs of one source, a program that is rebuilt or ends, a workspace that is not trusted.
import { spawn, type ChildProcess } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { buildWorkload, programOf, sourcesOf } from '../../scripts/workloads.ts';
import { engineProcessesBelow, tracersBelow, waitForEnd } from './processes.ts';
import { openStudio, skipOrShow, whyNoStudio, type Studio } from './studio.ts';
import {
  chooseInMenu,
  clickRowAction,
  closeNotifications,
  openFile,
  openProbesView,
  pick,
  rightClickWord,
  runCommand,
  treeRows,
  waitForNotification,
  waitForOverlay,
  waitForRow,
} from './workbench.ts';

const whyNot = whyNoStudio() ?? (process.getuid?.() === 0 ? undefined : 'needs root to play other users');
const scratch = mkdtempSync(join(tmpdir(), 'probescope-trouble-'));
const sources = join(scratch, 'shop');
const running: ChildProcess[] = [];
let studio: Studio | undefined;

beforeAll(() => {
  if (whyNot !== undefined) return;
  buildWorkload('shop');
  // the repository may lie where other users may not look
  chmodSync(scratch, 0o755);
  cpSync(sourcesOf('shop'), sources, { recursive: true });
  mkdirSync(join(scratch, 'home'), { mode: 0o777 });
  chmodSync(join(scratch, 'home'), 0o777);
});
afterAll(() => {
  for (const child of running) child.kill('SIGKILL');
  rmSync(scratch, { recursive: true, force: true });
});
skipOrShow(
  () => studio,
  () => whyNot,
);

function start(program: string): ChildProcess {
  const child = spawn(program, ['--rate', '100'], { stdio: 'ignore' });
  running.push(child);
  return child;
}

const LINE = 'int db_query(';
async function trace(measure: string, file = 'db.c:33', word = 'db_query', line = LINE): Promise<void> {
  const { page } = studio!;
  const [name = '', at] = file.split(':');
  await openFile(page, name, Number(at));
  await rightClickWord(page, word, line);
  await chooseInMenu(page, 'Trace Function', measure);
}

describe('an engine that cannot be used', () => {
  const program = join(sources, 'shop');
  const home = `HOME=${join(scratch, 'home')}`;
  /** A target whose bpftrace is another one, or none: the file is covered in a mount namespace of its own. */
  const covered = (name: string, cover: string) => ({
    name,
    command: [
      ...['unshare', '-m', '--propagation', 'private', 'sh', '-c'],
      ...[`mount --bind "$0" "$(command -v bpftrace)" && exec "$@"`, cover, '{}'],
    ],
  });

  beforeAll(async () => {
    if (whyNot !== undefined) return;
    copyFileSync(programOf('shop'), program);
    chmodSync(program, 0o755);
    const script = (name: string, text: string): string => {
      const path = join(scratch, name);
      writeFileSync(path, `#!/bin/sh\n${text}\n`, { mode: 0o755 });
      return path;
    };
    const none = join(scratch, 'nothing');
    writeFileSync(none, '', { mode: 0o644 });
    studio = await openStudio({
      folder: sources,
      settings: {
        'probescope.targets': [
          covered('without-bpftrace', none),
          covered('old-bpftrace', script('old', 'echo bpftrace v0.11.3')),
          covered(
            'refusing-bpftrace',
            script(
              'refusing',
              'case "$1" in --version) echo bpftrace v0.17.0;; *) cat >/dev/null; echo "ERROR: no such thing" >&2; exit 1;; esac',
            ),
          ),
          {
            name: 'nobody',
            command: ['env', home, 'setpriv', '--reuid=65534', '--regid=65534', '--clear-groups', '{}'],
          },
        ],
      },
    });
  });
  afterAll(() => studio?.close());

  test.each([
    ['without-bpftrace', 'engine-missing', /bpftrace is not installed.*apt-get install bpftrace/],
    ['old-bpftrace', 'engine-too-old', /0\.11\.3.*0\.17/],
    ['refusing-bpftrace', 'engine-refused', /no such thing/],
    ['nobody', 'no-privileges', /privileges that are missing/],
  ])('%s: told with the next step, and nothing runs', async (target, code, words) => {
    const { page, server } = studio!;
    // the palette lists what is there when it opens
    await openProbesView(page);
    await runCommand(page, 'Probescope: Trace on This Target');
    await pick(page, target);
    await trace('Latency');
    expect(await waitForNotification(page, words)).toMatch(words);
    expect(studio!.log()).toContain(`(${code})`);
    await studio!.screenshot(`trouble-${target}`);
    expect(engineProcessesBelow(server.process.pid ?? 0)).toEqual([]);
    await closeNotifications(page);
    await runCommand(page, 'Probescope: Remove All Probes');
  });
});

describe('programs that change', () => {
  const copies = ['one', 'two'].map((name) => join(scratch, name, 'shop'));
  let shops: ChildProcess[] = [];

  beforeAll(async () => {
    if (whyNot !== undefined) return;
    for (const copy of copies) {
      mkdirSync(join(copy, '..'), { recursive: true });
      copyFileSync(programOf('shop'), copy);
    }
    shops = copies.map(start);
    studio = await openStudio({ folder: sourcesOf('shop') });
  });
  afterAll(() => studio?.close());

  test('two programs of one source: asked once, the answer is remembered', async () => {
    const { page } = studio!;
    await trace('Latency');
    await page.locator('.quick-input-list .monaco-list-row', { hasText: copies[0]! }).first().waitFor();
    await studio!.screenshot('trouble-two-binaries');
    await pick(page, copies[1]!);
    await waitForOverlay(page, LINE, /p50/);
    await trace('Count', 'handle.c:61', 'handle_request', 'int handle_request(');
    await waitForOverlay(page, 'int handle_request(', /calls? · /);
    expect(studio!.log()).toContain(`traced in ${copies[1]!} (chosen before)`);
  });

  test('a program that is rebuilt while it is traced: its probes stop, and say why', async () => {
    const { page, server } = studio!;
    const tracers = engineProcessesBelow(server.process.pid ?? 0);
    expect(tracers).not.toEqual([]);
    const rebuilt = `${copies[1]!}.new`;
    copyFileSync(programOf('shop'), rebuilt);
    renameSync(rebuilt, copies[1]!);
    expect(await waitForNotification(page, /replaced by another build/)).toMatch(/Restart the program/);
    await openProbesView(page);
    await waitForRow(page, /^db_query ?stopped/);
    await studio!.screenshot('trouble-replaced');
    expect(await waitForEnd(tracers, 4000)).toEqual([]);
    await closeNotifications(page);
  });

  test('after a restart the probes are resumed in the new build', async () => {
    const { page } = studio!;
    shops[1]!.kill('SIGKILL');
    shops[1] = start(copies[1]!);
    await clickRowAction(page, 'db_query', 'Resume Probe');
    await openFile(page, 'db.c', 33);
    await waitForOverlay(page, LINE, /p50 .*\/s/);
    await runCommand(page, 'Probescope: Remove All Probes');
    await expect.poll(() => treeRows(page).count()).toBe(0);
  });

  test('a process that ends is told, with the next step', async () => {
    const { page } = studio!;
    // the same program twice: now one of its processes can be chosen
    const other = start(copies[1]!);
    await openFile(page, 'db.c', 33);
    await rightClickWord(page, 'db_query', LINE);
    await chooseInMenu(page, 'Trace Function', 'Choose Binary or Process…');
    await pick(page, `only process ${other.pid}`);
    await trace('Latency');
    await waitForOverlay(page, LINE, /p50/);
    other.kill('SIGKILL');
    expect(await waitForNotification(page, /does not run any more/)).toMatch(/Start the program again/);
    await waitForRow(page, /^db_query ?stopped/);
    await studio!.screenshot('trouble-process-gone');
  });
});

describe('a workspace that is not trusted', () => {
  beforeAll(async () => {
    if (whyNot === undefined) studio = await openStudio({ folder: sourcesOf('shop'), restricted: true });
  });
  afterAll(() => studio?.close());

  test('traces nothing: the menu is grey, and no helper runs', async () => {
    const { page, server } = studio!;
    await openFile(page, 'db.c', 33);
    await rightClickWord(page, 'db_query', LINE);
    const entry = page.locator('.monaco-menu .action-item', { hasText: /^Trace Function/ }).first();
    await entry.hover();
    await page.keyboard.press('ArrowRight');
    const latency = page.locator('.monaco-submenu .action-item', { hasText: /^Latency/ }).first();
    await latency.waitFor();
    await studio!.screenshot('trouble-restricted');
    expect(await latency.getAttribute('class')).toContain('disabled');
    expect(tracersBelow(server.process.pid ?? 0)).toEqual([]);
  });
});
