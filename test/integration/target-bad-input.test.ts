// What can be wrong with a target, each with a real ssh, sshd, mount or file: a clear state and a next step.
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { HelperConnection } from '../../extension/core/connection.ts';
import { clockFinding } from '../../extension/core/targets/findings.ts';
import { startHelper } from '../../extension/core/targets/start-helper.ts';
import type { Target } from '../../extension/core/targets/target.ts';
import { asProblem } from '../../protocol/errors.ts';
import { missingForLab, run } from '../lab/run.ts';
import { startSshHost, type SshHost } from '../lab/ssh-host.ts';
import { repository } from './support/traced-program.ts';

const bundle = join(repository, 'dist/helper.js');
const missing = missingForLab('ip', 'ssh', 'sshd', 'ssh-keygen', 'mount');
let host: SshHost;
let folder: string;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'probescope-bad-'));
  if (missing === undefined) host = await startSshHost({ name: 'psbad', network: 80 });
});
afterAll(async () => {
  spawnSync('umount', [join(folder, 'small')]);
  spawnSync('umount', [join(folder, 'noexec')]);
  rmSync(folder, { recursive: true, force: true });
  await host?.stop();
});

const ssh = (name: string, ...options: string[]): Target => ({ kind: 'ssh', name, host: name, options });

async function problemOf(target: Target) {
  try {
    (await startHelper(target, { bundle, nodePath: process.execPath, log: () => undefined })).stop();
  } catch (error) {
    return asProblem(error);
  }
  return expect.fail(`${target.name} was reached`);
}

test('a host that nobody knows', async (ctx) => {
  if (missing !== undefined) return ctx.skip(missing);
  expect(await problemOf(ssh('no-such-host.invalid'))).toMatchObject({
    code: 'target-unreachable',
    message: expect.stringMatching(/resolve hostname/) as string,
    remedy: expect.stringMatching(/No such host is known/) as string,
  });
});

test('a host key that is not known yet, and one that changed: OpenSSH refuses, and so it stays', async (ctx) => {
  if (missing !== undefined) return ctx.skip(missing);
  const known = join(folder, 'known_hosts');
  const strict = [
    '-o',
    'StrictHostKeyChecking=ask',
    '-o',
    `UserKnownHostsFile=${known}`,
    '-o',
    'LogLevel=INFO',
  ];
  writeFileSync(known, '');
  expect(await problemOf(ssh(host.name, ...strict, ...host.options))).toMatchObject({
    message: expect.stringMatching(/Host key verification failed/) as string,
    remedy: expect.stringMatching(/compare the key/) as string,
  });
  run('ssh-keygen', '-q', '-t', 'ed25519', '-N', '', '-f', join(folder, 'other'));
  const other = run('cat', join(folder, 'other.pub')).split(' ').slice(0, 2).join(' ');
  writeFileSync(known, `${host.address} ${other}\n`);
  const before = run('cat', known);
  expect(await problemOf(ssh(host.name, ...strict, ...host.options))).toMatchObject({
    message: expect.stringMatching(/HOST IDENTIFICATION HAS CHANGED/) as string,
    remedy: expect.stringMatching(/ssh-keygen -R .* Probescope never does/) as string,
  });
  expect(run('cat', known)).toBe(before);
});

test('a host that wants a password', async (ctx) => {
  if (missing !== undefined) return ctx.skip(missing);
  const options = ['-o', 'PubkeyAuthentication=no', ...host.options];
  expect(await problemOf(ssh(host.name, ...options))).toMatchObject({
    message: expect.stringMatching(/Permission denied/) as string,
    remedy: expect.stringMatching(/passwords are never asked for/) as string,
  });
});

/** A "host" that is this machine with another home. */
const withHome = (home: string, ...before: string[]): Target => ({
  kind: 'command',
  name: 'test host',
  template: ['env', '-i', `HOME=${home}`, `PATH=${dirname(process.execPath)}:/usr/bin:/bin`, ...before, '{}'],
});

function mounted(name: string, options: string): string {
  const path = join(folder, name);
  mkdirSync(path);
  run('mount', '-t', 'tmpfs', '-o', options, 'tmpfs', path);
  return path;
}

test('a full disk: said so, and no half of a file is left', async (ctx) => {
  if (missing !== undefined) return ctx.skip(missing);
  const home = mounted('small', 'size=128k');
  expect(await problemOf(withHome(home))).toMatchObject({
    code: 'target-unreachable',
    message: expect.stringMatching(/could not be stored .*ENOSPC/) as string,
    remedy: expect.stringMatching(/make room/) as string,
  });
  expect(readdirSync(join(home, '.cache/probescope'))).toEqual([]);
});

test('a home from which nothing may be executed is fine: the helper is read, not executed', async (ctx) => {
  if (missing !== undefined) return ctx.skip(missing);
  const home = mounted('noexec', 'noexec,size=32m');
  const streams = await startHelper(withHome(home), { bundle, log: () => undefined });
  const helper = await HelperConnection.open(streams, 'test');
  expect(helper.helperPid).toBeGreaterThan(0);
  // Uninstall from Target leaves nothing
  const { removed } = await helper.call('uninstall', {});
  // the helper, and from Node 22.1 on what V8 compiled
  expect(removed.map((path) => basename(path).slice(0, 7))).toEqual(
    ['compile', 'helper-'].slice(Number.parseInt(process.versions.node) < 22 ? 1 : 0),
  );
  expect(readdirSync(join(home, '.cache'))).toEqual([]);
  helper.dispose();
  await streams.ended;
  expect(readdirSync(join(home, '.cache'))).toEqual([]);
});

test('a Node for another processor is passed over', async () => {
  const foreign = join(folder, 'node-aarch64');
  // the header of an ELF file for EM_AARCH64 (183), without anything behind it
  const elf = Buffer.alloc(64);
  elf.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]);
  elf.writeUInt16LE(2, 16);
  elf.writeUInt16LE(183, 18);
  writeFileSync(foreign, elf, { mode: 0o755 });
  const home = join(folder, 'home');
  mkdirSync(home);
  const streams = await startHelper(withHome(home), { bundle, nodePath: foreign, log: () => undefined });
  expect(streams.nodeVersion).toBe(process.versions.node);
  streams.stop();
});

test('a clock that is wrong is said, with how far', async () => {
  const home = join(folder, 'clock-home');
  mkdirSync(home);
  for (const [aheadMs, text] of [
    [-7_230_000, /^Its clock is 2 h 0 min behind ours \(± [\d.]+ (µs|ms)\)/],
    [90_000, /^Its clock is 90 s ahead of ours \(± [\d.]+ (µs|ms)\)/],
    [0, /^Its clock agrees with ours, as far as that can be told \(± [\d.]+ (µs|ms)\)\.$/],
  ] as const) {
    const clock = join(folder, `clock${aheadMs}.cjs`);
    writeFileSync(clock, `const now = Date.now; Date.now = () => now() + ${aheadMs};`);
    const target = withHome(home, `NODE_OPTIONS=--require=${clock}`);
    const streams = await startHelper(target, { bundle, nodePath: process.execPath, log: () => undefined });
    const helper = await HelperConnection.open(streams, 'test', { keepAlive: true });
    await expect.poll(() => helper.clockOffset).toBeDefined();
    const finding = clockFinding(helper.clockOffset!);
    expect(finding).toMatchObject({ works: aheadMs === 0, detail: expect.stringMatching(text) as string });
    expect(finding.remedy === undefined).toBe(aheadMs === 0);
    helper.dispose();
    await streams.ended;
  }
});

test('a helper that speaks an older protocol is refused by its version', async () => {
  const old = join(folder, 'old.js');
  writeFileSync(
    old,
    `const answer = JSON.stringify({ jsonrpc: "2.0", id: 0, result: { protocol: 0, helper: "0.0.1", pid: 1 } });
     process.stdin.once("data", () => process.stdout.write("Content-Length: " + answer.length + "\\r\\n\\r\\n" + answer));
     process.stdin.on("end", () => process.exit(0));`,
  );
  const home = join(folder, 'old-home');
  mkdirSync(home);
  const streams = await startHelper(withHome(home), { bundle: old, log: () => undefined });
  await expect(HelperConnection.open(streams, 'test')).rejects.toMatchObject({
    code: 'version-mismatch',
    message: expect.stringContaining('protocol 0') as string,
  });
});
