import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { startHelper, type StartedHelper } from '../../extension/core/targets/start-helper.ts';
import type { Target } from '../../extension/core/targets/target.ts';

let folder: string;
let bundle: string;
const running: StartedHelper[] = [];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'probescope-test-'));
  mkdirSync(join(folder, 'home'));
  bundle = join(folder, 'helper.js');
  // answers each line with itself and ends with its input, as the helper does
  writeFileSync(
    bundle,
    `process.stdin.on("data", (d) => process.stdout.write("echo " + d)).on("end", () => process.exit(0)); //${'x'.repeat(500_000)}`,
  );
});
afterEach(() => {
  for (const helper of running.splice(0)) helper.stop();
  rmSync(folder, { recursive: true, force: true });
});

/** A "host" that is this machine with another home directory and a noisy login. */
function target(...before: string[]): Target {
  const env = [
    'env',
    '-i',
    `HOME=${join(folder, 'home')}`,
    `PATH=${dirname(process.execPath)}:/usr/bin:/bin`,
  ];
  return { kind: 'command', name: 'test host', template: [...env, ...before, '{}'] };
}

async function start(on: Target, log: string[] = []): Promise<StartedHelper> {
  const helper = await startHelper(on, { bundle, log: (line) => log.push(line) });
  running.push(helper);
  return helper;
}

async function echo(helper: StartedHelper, text: string): Promise<string> {
  helper.input.write(text);
  return new Promise((resolve) => helper.output.once('data', (data: Buffer) => resolve(data.toString())));
}

const cache = () => join(folder, 'home', '.cache', 'probescope');
/** Without the folder of what V8 compiled. */
const storedHelpers = () => readdirSync(cache()).filter((name) => name.startsWith('helper-'));

test('the first start uploads into a private folder, the second one does not', async () => {
  expect(await echo(await start(target()), 'one')).toBe('echo one');
  const [stored] = storedHelpers();
  expect(storedHelpers()).toHaveLength(1);
  expect(statSync(cache()).mode & 0o777).toBe(0o700);
  expect(statSync(join(cache(), stored!)).mode & 0o777).toBe(0o600);
  const { mtimeMs } = statSync(join(cache(), stored!));
  expect(await echo(await start(target()), 'two')).toBe('echo two');
  expect(statSync(join(cache(), stored!)).mtimeMs).toBe(mtimeMs);
});

test('a stored helper that was changed is replaced', async () => {
  await start(target());
  const stored = join(cache(), storedHelpers()[0]!);
  writeFileSync(stored, 'process.stdout.write("evil")');
  expect(await echo(await start(target()), 'hi')).toBe('echo hi');
});

test('what shell profiles print before the handshake is logged and passed over', async () => {
  const log: string[] = [];
  const noisy = target('sh', '-c', 'echo Welcome; echo "probescope upload"; exec "$@"', 'sh');
  expect(await echo(await start(noisy, log), 'hi')).toBe('echo hi');
  expect(log).toContain('Welcome');
});

test('each way of failing is told with the next step', async () => {
  const empty = join(folder, 'bin');
  mkdirSync(empty);
  const noNode: Target = {
    kind: 'command',
    name: 'h',
    template: [
      'env',
      '-i',
      `HOME=${folder}/home`,
      `PATH=${empty}`,
      '/bin/sh',
      '-c',
      'exec /bin/"$@"',
      'sh',
      '{}',
    ],
  };
  await expect(start(noNode)).rejects.toMatchObject({
    code: 'target-unreachable',
    message: 'h has no Node ≥ 18.',
    remedy: expect.stringContaining('nodejs') as string,
  });

  writeFileSync(join(folder, 'home', '.cache'), 'a file in the way');
  await expect(start(target())).rejects.toMatchObject({
    code: 'target-unreachable',
    message: expect.stringContaining('private folder') as string,
  });

  const missing: Target = { kind: 'command', name: 'h', template: [join(folder, 'no-such-command'), '{}'] };
  await expect(start(missing)).rejects.toMatchObject({ code: 'target-unreachable' });

  const ends: Target = {
    kind: 'command',
    name: 'h',
    template: ['sh', '-c', 'echo "Permission denied (publickey)." >&2; exit 255', '{}'],
  };
  await expect(start(ends)).rejects.toMatchObject({
    message: expect.stringContaining('Permission denied') as string,
  });

  const flood: Target = { kind: 'command', name: 'h', template: ['sh', '-c', 'yes', '{}'] };
  await expect(start(flood)).rejects.toMatchObject({ message: expect.stringContaining('1 MB') as string });
});

test('cancelling ends the command', async () => {
  const cancel = new AbortController();
  const mark = join(folder, 'alive');
  const slow: Target = {
    kind: 'command',
    name: 'h',
    template: ['sh', '-c', `touch ${mark}; sleep 30`, '{}'],
  };
  const starting = startHelper(slow, { bundle, log: () => undefined, cancelled: cancel.signal });
  const poll = setInterval(() => existsSync(mark) && cancel.abort(), 20);
  await expect(starting).rejects.toMatchObject({ code: 'cancelled' });
  clearInterval(poll);
});

test('a folder of another user is refused', async (ctx) => {
  if (process.getuid?.() !== 0) return ctx.skip('needs root to give a folder away');
  mkdirSync(cache(), { recursive: true });
  const { chownSync } = await import('node:fs');
  chownSync(cache(), 65534, 65534);
  chmodSync(cache(), 0o777);
  await expect(start(target())).rejects.toMatchObject({
    message: expect.stringContaining('another user') as string,
  });
});
