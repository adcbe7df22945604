import { spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { targetFacts } from '../../helper/host/facts.ts';
import { abilities, type TargetFacts } from '../../protocol/target.ts';
import { missingForLab } from '../lab/run.ts';

const cli = join(import.meta.dirname, '../../dist/cli.js');

test('what bpftrace attaches is found by attaching it', async (ctx) => {
  const missing = missingForLab('bpftrace');
  if (missing !== undefined) return ctx.skip(missing);
  const facts = await targetFacts();
  expect(facts.bpftrace).toMatchObject({
    works: true,
    version: expect.stringMatching(/^0\.\d+\.\d+$/) as string,
  });
  for (const ability of ['uprobe', 'uretprobe', 'usdt', 'tracepoint', 'profile', 'software'] as const)
    expect(facts.abilities[ability], ability).toMatchObject({ works: true });
  for (const ability of abilities) {
    const finding = facts.abilities[ability];
    expect(finding.detail).not.toBe('');
    if (!finding.works) expect(finding.remedy, ability).toBeTruthy();
  }
});

/** Runs the doctor with a bpftrace of our own making, or none. */
function doctorWith(
  bpftrace: string | undefined,
  ...before: string[]
): { status: number | null; facts: TargetFacts } {
  const folder = mkdtempSync(join(tmpdir(), 'probescope-test-'));
  try {
    chmodSync(folder, 0o755);
    const program = join(folder, 'bpftrace');
    if (bpftrace !== undefined) writeFileSync(program, `#!/bin/sh\n${bpftrace}\n`, { mode: 0o755 });
    const [file = process.execPath, ...args] = [...before, process.execPath, cli, 'doctor', '--json'];
    const result = spawnSync(file, args, { encoding: 'utf8', env: { PATH: folder } });
    return { status: result.status, facts: JSON.parse(result.stdout) as TargetFacts };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

test('a bpftrace that is too old, silent or refuses is told with a remedy', () => {
  const old = doctorWith('echo bpftrace v0.11.3');
  expect(old.status).toBe(1);
  expect(old.facts.bpftrace).toMatchObject({
    works: false,
    version: '0.11.3',
    detail: expect.stringContaining('0.17 is the oldest') as string,
  });
  expect(old.facts.abilities.uprobe).toMatchObject({ works: false, remedy: expect.any(String) as string });
  expect(doctorWith('exit 3').facts.bpftrace).toMatchObject({
    works: false,
    detail: expect.stringContaining('does not tell its version') as string,
  });
  const refusing = doctorWith(
    'case $1 in --version) echo bpftrace v0.20.1;; *) echo "stdin:1:1-9: ERROR: no such thing" >&2; exit 255;; esac',
  );
  expect(refusing.status).toBe(1);
  expect(refusing.facts.abilities.uprobe).toMatchObject({
    works: false,
    detail: expect.stringContaining('no such thing') as string,
  });
});

test('without privileges nothing is tried, and the way to allow it is told', (ctx) => {
  const missing = missingForLab('setpriv', 'bpftrace');
  if (missing !== undefined) return ctx.skip(missing);
  const { status, facts } = doctorWith(
    'echo bpftrace v0.20.1',
    '/usr/bin/setpriv',
    '--reuid=65534',
    '--regid=65534',
    '--clear-groups',
  );
  expect(status).toBe(1);
  expect(facts.privilege).toMatchObject({
    works: false,
    way: 'none',
    remedy: expect.stringContaining('probescope wrapper install') as string,
  });
  expect(facts.abilities.uprobe.detail).toContain('not tried');
});

test('a sandbox that keeps tracing from root or from sudo is named', (ctx) => {
  const missing = missingForLab('setpriv', 'bpftrace');
  if (missing !== undefined) return ctx.skip(missing);
  const root = doctorWith('echo bpftrace v0.20.1', '/usr/bin/setpriv', '--bounding-set=-all');
  expect(root.status).toBe(1);
  expect(root.facts.confinement).toMatchObject({
    works: false,
    detail: expect.stringContaining('neither CAP_SYS_ADMIN nor') as string,
    remedy: expect.stringContaining('Trace from the host') as string,
  });
  const user = doctorWith(
    'echo bpftrace v0.20.1',
    ...['/usr/bin/setpriv', '--reuid=65534', '--regid=65534', '--clear-groups', '--no-new-privs'],
  );
  expect(user.facts.confinement).toMatchObject({
    works: false,
    detail: expect.stringContaining('no_new_privs') as string,
  });
});
