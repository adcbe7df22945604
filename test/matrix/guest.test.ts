// The same over ssh in a guest with a stock Debian kernel, where kprobes and fentry work: a helper that is uploaded there.
import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { HelperConnection } from '../../extension/core/connection.ts';
import { LogpointList } from '../../extension/core/logpoints.ts';
import type { NewProbe } from '../../extension/core/probe.ts';
import { ProbeRegistry } from '../../extension/core/registry.ts';
import { startHelper } from '../../extension/core/targets/start-helper.ts';
import { KERNEL } from '../../protocol/probe.ts';
import { repository } from '../integration/support/traced-program.ts';
import { startGuest, type Guest } from '../lab/guest.ts';
import { missingForLab } from '../lab/run.ts';
import { sourcesOf } from '../../scripts/workloads.ts';

const PROGRAM = '/home/tracer/shop';
const missing = missingForLab('qemu-system-x86_64', 'mmdebstrap', 'ssh', 'gcc', 'busybox', 'cpio');
let guest: Guest;
let helper: HelperConnection;
let registry: ProbeRegistry;
let folder: string;

beforeAll(async () => {
  if (missing !== undefined) return;
  folder = mkdtempSync(join(tmpdir(), 'probescope-guest-'));
  const shop = join(folder, 'shop');
  const sources = ['cache', 'db', 'handle', 'render', 'request', 'shop', 'stats'].map((name) =>
    join(sourcesOf('shop'), `${name}.c`),
  );
  // static: the guest has another libc
  execFileSync('gcc', [
    '-g',
    '-O2',
    '-fno-omit-frame-pointer',
    '-static',
    '-pthread',
    '-o',
    shop,
    ...sources,
  ]);
  guest = await startGuest('bookworm');
  const ssh = (command: string, input?: Buffer) =>
    execFileSync('ssh', [...guest.options, guest.name, command], { input, stdio: ['pipe', 'pipe', 'pipe'] });
  ssh(`cat > ${PROGRAM} && chmod +x ${PROGRAM}`, readFileSync(shop));
  // its own figures are not asked for: it serves until the guest ends
  spawn('ssh', [...guest.options, guest.name, `${PROGRAM} --threads 2 --rate 50`], { stdio: 'ignore' });
  helper = await HelperConnection.open(
    await startHelper(
      { kind: 'ssh', name: guest.name, host: guest.name, options: guest.options },
      { bundle: join(repository, 'dist/helper.js'), log: () => undefined },
    ),
    'test',
    { keepAlive: true, target: guest.name },
  );
  registry = new ProbeRegistry({ connect: () => Promise.resolve(helper), intervalMs: 500 });
}, 600_000);
afterAll(async () => {
  registry?.dispose();
  helper?.dispose();
  await guest?.stop();
  if (folder !== undefined) rmSync(folder, { recursive: true });
});

const probe = async (name: string, measures: NewProbe['measures']) => {
  const { subjects } = await helper.call('lookUp', { binary: PROGRAM, function: name });
  return registry.add({ binary: PROGRAM, subject: subjects[0]!, measures });
};

test('what works there is found by trying: kprobes and fentry too', async (ctx) => {
  if (missing !== undefined) return ctx.skip(missing);
  const facts = await helper.call('targetFacts', { refresh: false });
  expect(facts.kernelRelease).toBe(guest.kernelRelease);
  expect(facts.privilege.way).toBe('sudo');
  for (const ability of ['uprobe', 'uretprobe', 'usdt', 'tracepoint', 'kprobe', 'fentry'] as const)
    expect(facts.abilities[ability], ability).toMatchObject({ works: true });
});

test('latency, and callers with their lines', async (ctx) => {
  if (missing !== undefined) return ctx.skip(missing);
  const traced = await probe('db_query', ['latency', 'callers']);
  const { aggregate } = traced;
  await expect.poll(() => aggregate.figures.returned, { timeout: 60_000 }).toBeGreaterThan(20);
  expect(aggregate.figures.p50Ns).toBeGreaterThan(1000);
  await expect.poll(() => aggregate.callers.length, { timeout: 60_000 }).toBeGreaterThan(0);
  const { stack } = aggregate.callers[0]!;
  expect(stack.map((frame) => frame.function)).toContain('handle_request');
  for (const frame of stack.slice(0, 3)) expect(frame.line).toBeGreaterThan(0);
  await registry.remove([traced.key]);
});

test('latency of a kernel function, which only root may look up and attach', async (ctx) => {
  if (missing !== undefined) return ctx.skip(missing);
  const { subjects } = await helper.call('lookUp', { binary: KERNEL, function: 'ksys_write' });
  expect(subjects).toMatchObject([{ kind: 'kernel-function', module: 'vmlinux', attach: 'fentry' }]);
  const traced = await registry.add({
    binary: KERNEL,
    subject: subjects[0]!,
    measures: ['latency', 'callers'],
  });
  const { aggregate } = traced;
  await expect.poll(() => aggregate.figures.returned, { timeout: 60_000 }).toBeGreaterThan(20);
  expect(aggregate.figures.p50Ns).toBeGreaterThan(100);
  await expect.poll(() => aggregate.callers.length, { timeout: 60_000 }).toBeGreaterThan(0);
  await registry.remove([traced.key]);
});

test('a USDT probe is counted', async (ctx) => {
  if (missing !== undefined) return ctx.skip(missing);
  const usdt = { provider: 'shop', name: 'request__start' };
  const { subjects } = await helper.call('lookUp', { binary: PROGRAM, usdt });
  const traced = await registry.add({ binary: PROGRAM, subject: subjects[0]!, measures: ['count'] });
  await expect.poll(() => traced.aggregate.figures.count, { timeout: 60_000 }).toBeGreaterThan(20);
  await registry.remove([traced.key]);
});

test('a logpoint prints the values of locals', async (ctx) => {
  if (missing !== undefined) return ctx.skip(missing);
  const file = join(sourcesOf('shop'), 'db.c');
  const line =
    readFileSync(file, 'utf8')
      .split('\n')
      .findIndex((text) => text.includes('int length = query(')) + 1;
  const list = new LogpointList(() => Promise.resolve(helper));
  const logpoint = await list.add({ binary: PROGRAM, file, line, template: 'key {key}' }, { file, line });
  await expect.poll(() => logpoint.history.length, { timeout: 30_000 }).toBeGreaterThan(5);
  for (const { text } of logpoint.history) expect(text).toMatch(/^key \d+$/);
  await list.remove(logpoint.id);
  list.dispose();
});
