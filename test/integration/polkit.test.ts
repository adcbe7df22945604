import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { expect, test } from 'vitest';
import { buildWorkload, programOf } from '../../scripts/workloads.ts';
import { missingForLab } from '../lab/run.ts';
import { startSshHost } from '../lab/ssh-host.ts';

const cli = new URL('../../dist/cli.js', import.meta.url).pathname;
const polkitd = '/usr/lib/polkit-1/polkitd';

const rule = `polkit.addRule(function (action, subject) {
  if (action.id == 'org.freedesktop.policykit.exec' && action.lookup('program') == '/usr/bin/bpftrace' && subject.user == 'tracer')
    return polkit.Result.YES;
});`;

test('where a rule of polkit lets a user run bpftrace, it traces through pkexec, and ends with its owner', async (ctx) => {
  const missing =
    missingForLab('ip', 'ssh', 'sshd', 'pkexec', 'dbus-daemon', 'bpftrace') ??
    (existsSync(polkitd) ? undefined : `the lab needs ${polkitd}`);
  if (missing !== undefined) return ctx.skip(missing);
  buildWorkload('shop');
  const host = await startSshHost({ name: 'pspolkit', network: 78, sudoRule: '# none' });
  try {
    const asTracer = (command: string) =>
      spawnSync('ssh', [...host.options, host.name, command], { encoding: 'utf8' });
    const probescope = `${process.execPath} ${cli}`;
    const doctor = () =>
      JSON.parse(asTracer(`${probescope} doctor --json`).stdout) as {
        privilege: { way: string; detail: string };
        abilities: { uprobe: { works: boolean } };
      };
    expect(doctor().privilege.way).toBe('none');

    const begun = host.asRoot(
      'sh',
      '-ec',
      `mkdir -p /run/dbus /etc/polkit-1/rules.d; printf %s "$1" >/etc/polkit-1/rules.d/50-probescope.rules
       dbus-daemon --system --fork --nopidfile; ${polkitd} --no-debug >/dev/null 2>&1 &`,
      'sh',
      rule,
    );
    expect(begun.status, begun.stderr).toBe(0);
    await expect
      .poll(doctor, { timeout: 20_000 })
      .toMatchObject({ privilege: { way: 'pkexec' }, abilities: { uprobe: { works: true } } });
    expect(asTracer('pkexec --disable-internal-agent /usr/bin/id').status).not.toBe(0);

    const program = programOf('shop');
    const trace = `${probescope} trace --binary ${program} --function db_query`;
    const traced = asTracer(
      `${program} --threads 1 --rate 100 >/dev/null & ${trace} --duration 1s --json; kill $!`,
    );
    const { probes } = JSON.parse(traced.stdout) as { probes: { count: number }[] };
    expect(probes[0]?.count).toBeGreaterThan(5);

    asTracer(
      `${trace} --duration 60s >/dev/null 2>trace.log & until grep -q 'attached to' trace.log; do sleep 0.1; done; kill -KILL $!`,
    );
    await expect.poll(() => host.processes('bpftrace'), { timeout: 5000 }).toEqual([]);
  } finally {
    await host.stop();
  }
}, 120_000);
