import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { expect, test } from 'vitest';
import { missingForLab } from '../lab/run.ts';
import { startSshHost } from '../lab/ssh-host.ts';

const cli = new URL('../../dist/cli.js', import.meta.url).pathname;

test('a user whom the rule names runs the engines, and nothing else', async (ctx) => {
  const missing = missingForLab('ip', 'ssh', 'sshd', 'sudo', 'visudo', 'bpftrace');
  if (missing !== undefined) return ctx.skip(missing);
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
    for (const command of [
      'bpftrace --unsafe -f json -',
      'bpftrace -c id -f json -',
      'sh',
      'tracefs ../x 1',
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
});

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
