import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { buildWorkload, programOf, sourcesOf } from '../../scripts/workloads.ts';
import { missingForLab } from '../lab/run.ts';
import { startSshHost } from '../lab/ssh-host.ts';

const cli = new URL('../../dist/cli.js', import.meta.url).pathname;

test('a user whom the rule names runs the engines, and nothing else', async (ctx) => {
  const missing = missingForLab('ip', 'ssh', 'sshd', 'sudo', 'visudo', 'bpftrace');
  if (missing !== undefined) return ctx.skip(missing);
  buildWorkload('shop');
  // on a host of its own, so that this machine's sudoers stay as they are
  const host = await startSshHost({ name: 'pswrap', network: 77, sudoRule: '# no rule yet' });
  try {
    const asTracer = (command: string) =>
      spawnSync('ssh', [...host.options, host.name, command], { encoding: 'utf8' });
    const asRoot = (...args: string[]) => host.asRoot(process.execPath, cli, ...args);
    const doctor = () =>
      JSON.parse(asTracer(`${process.execPath} ${cli} doctor --json`).stdout) as {
        privilege: { way: string };
        abilities: { uprobe: { works: boolean } };
      };
    expect(doctor().privilege.way).toBe('none');

    expect(asRoot('wrapper', 'install', '--user', 'tracer').status).toBe(1);
    const installed = asRoot('wrapper', 'install', '--user', 'tracer', '--yes');
    expect(installed.stdout).toContain('NOPASSWD: /usr/local/libexec/probescope-engine');
    expect(installed.status).toBe(0);

    expect(doctor()).toMatchObject({ privilege: { way: 'wrapper' }, abilities: { uprobe: { works: true } } });
    // all engines in use through it: figures of a function, a count of inlined copies, and values at a line
    const line =
      readFileSync(join(sourcesOf('shop'), 'db.c'), 'utf8')
        .split('\n')
        .findIndex((text) => text.includes('int length = query(')) + 1;
    const program = programOf('shop');
    const whileItRuns = (command: string) =>
      asTracer(
        `${program} --threads 1 --rate 100 >/dev/null & ${process.execPath} ${cli} ${command}; kill $!`,
      );
    const traced = whileItRuns(`trace --binary ${program} --function db_query --duration 1s --json`);
    expect(traced.stderr).toContain('attached to 1 place');
    const { probes } = JSON.parse(traced.stdout) as { probes: { count: number }[] };
    expect(probes[0]?.count).toBeGreaterThan(5);
    const copies = whileItRuns(
      `trace --binary ${program} --function clamp_price --measure count --duration 1s --json`,
    );
    const counted = JSON.parse(copies.stdout) as { probes: { count: number }[] };
    expect(counted.probes[0]?.count).toBeGreaterThan(5);
    const logged = whileItRuns(
      `logpoint --binary ${program} --at db.c:${line} --hits 3 --duration 20s --json 'key {key}'`,
    );
    expect(logged.stdout.match(/"text":"key \d+"/g)).toHaveLength(3);

    for (const command of [
      'bpftrace --unsafe -f json -',
      'bpftrace -c id -f json -',
      'sh',
      'tracefs ../x 1',
      'tracefs aa 64 yes more',
      'tracefs aa 64 maybe',
      'bpftrace -o /etc/passwd -f json -',
      'bpftrace --include /etc/shadow -f json -',
      'bpftrace -e BEGIN{} -f json -',
      "bpftrace -p '1;id' -f json -",
      'perf record',
      '/bin/sh -c id',
    ]) {
      const refused = asTracer(`sudo -n /usr/local/libexec/probescope-engine ${command} </dev/null`);
      expect(refused.status, command).toBe(126);
    }
    for (const command of ['id', '/usr/bin/bpftrace --version', 'sh -c id'])
      expect(asTracer(`sudo -n ${command}`).status, command).not.toBe(0);
    expect(asTracer('echo evil >>/usr/local/libexec/probescope-engine').status).not.toBe(0);

    expect(asRoot('wrapper', 'uninstall', '--yes').stderr).toContain('/etc/sudoers.d/probescope');
    expect(doctor().privilege.way).toBe('none');
  } finally {
    await host.stop();
  }
  // a host, an installation and four traces
}, 240_000);

test('showing writes nothing, and only a login name goes into the rule', (ctx) => {
  const missing = missingForLab('bpftrace');
  if (missing !== undefined) return ctx.skip(missing);
  const { status, stderr } = spawnSync(process.execPath, [cli, 'wrapper', 'show', '--user', 'a b'], {
    encoding: 'utf8',
  });
  expect(status).toBe(1);
  expect(stderr).toContain('login name');
  const shown = execFileSync(process.execPath, [cli, 'wrapper', 'show', '--user', 'tracer'], {
    encoding: 'utf8',
  });
  expect(shown).toContain('probescope-engine: runs the engines');
  expect(existsSync('/etc/sudoers.d/probescope')).toBe(false);
});
