import { spawn } from 'node:child_process';
import { existsSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { freePort } from '../../scripts/code-server.ts';
import { debianMirror, labFolder, labKey, run } from './run.ts';

export type GuestSuite = 'bookworm' | 'trixie';

export interface Guest {
  /** An alias that `ssh -F configFile` knows; the user may run anything as root. */
  readonly name: string;
  readonly options: readonly string[];
  readonly kernelRelease: string;
  stop(): Promise<void>;
}

/**
 * Boots a guest with a stock Debian kernel: kprobes, fentry, ftrace and perf probe on the kernel are there.
 * Builds its disk the first time (40 s); boots in about 7 s. The disk is a snapshot: every boot begins anew.
 */
export async function startGuest(suite: GuestSuite): Promise<Guest> {
  const key = labKey();
  const folder = join(labFolder, `guest-${suite}`);
  if (!existsSync(join(folder, 'release')))
    run('sh', join(import.meta.dirname, 'build-guest.sh'), suite, folder, debianMirror(), `${key}.pub`);
  const port = await freePort();
  const name = `labguest-${suite}`;
  const log = openSync(join(folder, 'qemu.log'), 'w');
  const child = spawn(
    'qemu-system-x86_64',
    [
      ...['-M', 'q35', '-accel', 'tcg,thread=multi', '-smp', '2', '-m', '1024'],
      // `-cpu max` boots three times slower under emulation; plain qemu64 panicked once with two processors
      ...['-cpu', 'qemu64,-cx16'],
      ...[
        '-nodefaults',
        '-no-user-config',
        '-no-reboot',
        '-display',
        'none',
        '-serial',
        `file:${join(folder, 'console.log')}`,
      ],
      ...['-kernel', join(folder, 'vmlinuz'), '-initrd', join(folder, 'initrd.gz')],
      ...[
        '-append',
        'console=ttyS0 quiet panic=-1 mitigations=off nokaslr tsc=unstable random.trust_cpu=on audit=0',
      ],
      ...['-drive', `id=d,if=none,format=raw,file=${join(folder, 'disk.img')},snapshot=on,cache=unsafe`],
      ...['-device', 'virtio-blk-pci,drive=d', '-device', 'virtio-net-pci,netdev=n,romfile='],
      // restrict: the guest reaches nothing but the port that is forwarded to it
      ...['-netdev', `user,id=n,restrict=on,hostfwd=tcp:127.0.0.1:${port}-:22`],
    ],
    { stdio: ['ignore', log, log] },
  );
  const configFile = join(labFolder, `ssh-${name}-${port}.conf`);
  const settings = [
    `HostName 127.0.0.1`,
    `Port ${port}`,
    'User tracer',
    `IdentityFile ${key}`,
    'IdentitiesOnly yes',
    'StrictHostKeyChecking no',
    'UserKnownHostsFile /dev/null',
    'LogLevel ERROR',
  ];
  writeFileSync(configFile, `Host ${name}\n  ${settings.join('\n  ')}\n`, { mode: 0o600 });
  const stop = async () => {
    if (child.exitCode === null && child.signalCode === null) {
      const ended = new Promise((resolve) => child.once('exit', resolve));
      child.kill('SIGKILL');
      await ended;
    }
    rmSync(configFile, { force: true });
  };
  const options = ['-F', configFile];
  const deadline = Date.now() + 90_000;
  for (;;) {
    if (child.exitCode !== null)
      throw new Error(`the guest ended: ${readFileSync(join(folder, 'qemu.log'), 'utf8')}`);
    try {
      run('ssh', ...options, '-o', 'BatchMode=yes', '-o', 'ConnectTimeout=8', name, 'true');
      break;
    } catch {
      if (Date.now() > deadline) {
        await stop();
        throw new Error(
          `the guest did not come up: ${readFileSync(join(folder, 'console.log'), 'utf8').slice(-2000)}`,
        );
      }
      await delay(300);
    }
  }
  return { name, options, kernelRelease: readFileSync(join(folder, 'release'), 'utf8').trim(), stop };
}
