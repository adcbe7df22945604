import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { freePort } from '../../scripts/code-server.ts';
import { labFolder, labKey, run } from './run.ts';

export interface SshHost {
  /** An alias that `ssh -F configFile` knows. */
  readonly name: string;
  readonly address: string;
  readonly configFile: string;
  /** `-F FILE`, as a target's own ssh options. */
  readonly options: readonly string[];
  /** Cuts the link without a word to either end, as a pulled cable does. */
  cutLink(): void;
  mendLink(): void;
  /** Processes of this host whose command line has the text, as `PID COMMAND LINE`, seen from inside. */
  processes(text: string): string[];
  /** Runs a command inside the host as root, not through ssh. */
  asRoot(command: string, ...args: string[]): { status: number | null; stdout: string; stderr: string };
  stop(): Promise<void>;
}

/** What runs inside the namespaces: an overlay of this machine, the user, sshd. Arguments: folder, public key, name, sudo rule, address and port of sshd. */
const inside = `
set -e; w=$1 pub=$2 name=$3 rule=$4 address=$5 port=$6
mount -t tmpfs tmpfs "$w"; mkdir "$w/u" "$w/w" "$w/m"
mount -t overlay overlay -o lowerdir=/,upperdir="$w/u",workdir="$w/w" "$w/m"; m=$w/m
hostname "$name"; echo "127.0.1.1 $name" >>"$m/etc/hosts"
mount -t proc proc "$m/proc"; mount -t sysfs sysfs "$m/sys"; mount -t tracefs tracefs "$m/sys/kernel/tracing"; mount -t debugfs debugfs "$m/sys/kernel/debug" || true
mount --rbind /dev "$m/dev"; mount -t tmpfs tmpfs "$m/run"; mkdir -p "$m/run/sshd"; cp "$pub" "$m/tmp/lab.pub"
chroot "$m" sh -ec 'id tracer >/dev/null 2>&1 || useradd -p "*" -m -s /bin/bash tracer; mkdir -p /etc/sudoers.d; echo "$1" >/etc/sudoers.d/tracer; chmod 440 /etc/sudoers.d/tracer
  mkdir -p -m700 /home/tracer/.ssh; cp /tmp/lab.pub /home/tracer/.ssh/authorized_keys; chown -R tracer /home/tracer/.ssh; ssh-keygen -A >/dev/null' sh "$rule"
exec chroot "$m" /usr/sbin/sshd -D -e -o "ListenAddress=$address:$port" -o UsePAM=no -o ClientAliveInterval=2 -o ClientAliveCountMax=2
`;

export interface SshHostOptions {
  /** Ends up in interface names: at most 10 letters and digits. */
  readonly name: string;
  /** Third octet of the pair of addresses 10.231.N.1 (here) and 10.231.N.2 (there); without it, its sshd is on this machine's loopback, at a port of its own. */
  readonly network?: number;
  /** What `tracer` may run as root; bpftrace alone when absent, nothing when empty. */
  readonly sudoRule?: string;
}

/** Brings up a host and waits until it lets `tracer` in. */
export async function startSshHost(options: SshHostOptions): Promise<SshHost> {
  const { name, network, sudoRule = 'tracer ALL=(root) NOPASSWD: /usr/bin/bpftrace' } = options;
  const key = labKey();
  const [address, port] =
    network === undefined ? ['127.0.0.1', await freePort()] : [`10.231.${network}.2`, 22];
  // The namespace and its addresses come first: an address without a route here would leave the machine.
  if (network !== undefined) makeNetwork(name, network);
  const folder = join(labFolder, `host-${name}`);
  mkdirSync(folder, { recursive: true });
  const unshare = ['unshare', '-m', '-u', '-p', '--fork', '--kill-child', '--propagation', 'private'];
  const [program = '', ...words] = [
    ...(network === undefined ? [] : ['ip', 'netns', 'exec', name]),
    ...unshare,
    ...['sh', '-c', inside, 'sh', folder, `${key}.pub`, name, sudoRule, address, String(port)],
  ];
  const child = spawn(program, words, { stdio: ['ignore', 'ignore', 'pipe'] });
  let log = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (log = (log + text).slice(-4000)));
  const configFile = join(labFolder, `ssh-${name}.conf`);
  writeFileSync(
    configFile,
    [
      `Host ${name}`,
      `  HostName ${address}`,
      `  Port ${port}`,
      '  User tracer',
      `  IdentityFile ${key}`,
      '  IdentitiesOnly yes',
      '  StrictHostKeyChecking no',
      '  UserKnownHostsFile /dev/null',
      '  LogLevel ERROR',
      '',
    ].join('\n'),
    { mode: 0o600 },
  );
  const host: SshHost = {
    name,
    address,
    configFile,
    options: ['-F', configFile],
    cutLink: () => void run('ip', '-n', name, 'link', 'set', 'eth0', 'down'),
    mendLink: () => void run('ip', '-n', name, 'link', 'set', 'eth0', 'up'),
    processes: (text) => processesInside(child, text),
    asRoot: (...words) => insideAsRoot(child, words),
    stop: () => stop(child, network === undefined ? undefined : name),
  };
  try {
    await untilItLetsUsIn(host, child, () => log);
    return host;
  } catch (error) {
    await host.stop();
    throw error;
  }
}

function makeNetwork(name: string, network: number): void {
  if (existsSync(`/run/netns/${name}`)) return;
  run('ip', 'netns', 'add', name);
  run('ip', 'link', 'add', `v${name}`, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', name);
  run('ip', 'addr', 'add', `10.231.${network}.1/24`, 'dev', `v${name}`);
  run('ip', 'link', 'set', `v${name}`, 'up');
  run('ip', '-n', name, 'addr', 'add', `10.231.${network}.2/24`, 'dev', 'eth0');
  run('ip', '-n', name, 'link', 'set', 'eth0', 'up');
  run('ip', '-n', name, 'link', 'set', 'lo', 'up');
}

async function untilItLetsUsIn(host: SshHost, child: ChildProcess, log: () => string): Promise<void> {
  const deadline = Date.now() + 20_000;
  for (;;) {
    if (child.exitCode !== null) throw new Error(`the host ${host.name} ended: ${log()}`);
    try {
      run('ssh', ...host.options, '-o', 'BatchMode=yes', '-o', 'ConnectTimeout=2', host.name, 'true');
      return;
    } catch (error) {
      if (Date.now() > deadline)
        throw new Error(`the host ${host.name} lets nobody in: ${String(error)} ${log()}`);
      await delay(100);
    }
  }
}

/** The host's own pid namespace is the unshared child's; its processes are the descendants of the process we started. */
function processesInside(child: ChildProcess, text: string): string[] {
  const lines = run('ps', '-eo', 'pid=,ppid=,args=')
    .split('\n')
    .map((line) => line.trim());
  const parents = new Map<number, number>();
  const found: { pid: number; line: string }[] = [];
  for (const line of lines) {
    const [pid, ppid, ...args] = line.split(/\s+/);
    parents.set(Number(pid), Number(ppid));
    if (args.join(' ').includes(text)) found.push({ pid: Number(pid), line: `${pid} ${args.join(' ')}` });
  }
  const isInside = (pid: number): boolean => {
    for (let at: number | undefined = pid; at !== undefined && at > 1; at = parents.get(at))
      if (at === child.pid) return true;
    return false;
  };
  // what made the host has the text of all its orders in its own command line
  return found.filter(({ pid }) => pid !== child.pid && isInside(pid)).map(({ line }) => line);
}

/** sshd's process is in all of the host's namespaces and in its root. */
function insideAsRoot(
  child: ChildProcess,
  words: readonly string[],
): { status: number | null; stdout: string; stderr: string } {
  const sshd = processesInside(child, 'sshd: ')[0]?.split(' ')[0];
  if (sshd === undefined) throw new Error('the host has no sshd');
  const { status, stdout, stderr } = spawnSync('nsenter', ['-t', sshd, '-a', '-r', '-w', ...words], {
    encoding: 'utf8',
    input: '',
  });
  return { status, stdout, stderr };
}

async function stop(child: ChildProcess, networkName: string | undefined): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) {
    const ended = new Promise((resolve) => child.once('exit', resolve));
    // unshare ignores SIGTERM; with --kill-child its death takes the whole namespace along
    child.kill('SIGKILL');
    await ended;
  }
  if (networkName !== undefined) run('ip', 'netns', 'delete', networkName);
}
