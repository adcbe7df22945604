import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readdirSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { debianMirror, labFolder, run } from './run.ts';

/** Suites of Debian, and one of Ubuntu, and the bpftrace they ship. */
export const suites = { bullseye: '0.11', trixie: '0.23', resolute: '0.25', sid: '0.27' } as const;
export type Suite = keyof typeof suites;

/**
 * Path of a program `bpftrace` of another suite, in a folder of its own (so that the folder can lead PATH).
 * Fetched once with an apt state of its own, unpacked without maintainer scripts and run through its own loader, so that
 * host paths stay visible. Takes about 10 s and 300 MB the first time.
 */
export function otherBpftrace(suite: Suite): string {
  const folder = join(labFolder, `suite-${suite}`);
  const root = join(folder, 'root');
  const program = join(folder, 'bin', 'bpftrace');
  if (existsSync(program)) return program;
  if (!existsSync(join(root, 'usr/bin/bpftrace'))) fetchInto(folder, root, suite);
  const loader = ['lib64', 'usr/lib64', 'usr/lib/x86_64-linux-gnu']
    .map((place) => join(root, place, 'ld-linux-x86-64.so.2'))
    .find((file) => existsSync(file) && statSync(file).size > 0);
  if (loader === undefined) throw new Error(`bpftrace of ${suite} came without its loader`);
  const libraries = ['usr/lib/x86_64-linux-gnu', 'lib/x86_64-linux-gnu']
    .map((place) => join(root, place))
    .join(':');
  mkdirSync(join(folder, 'bin'), { recursive: true });
  const command = `'${loader}' --library-path '${libraries}' '${join(root, 'usr/bin/bpftrace')}' "$@"`;
  const needsModules = suite === 'resolute' && !existsSync('/proc/modules');
  const text = needsModules ? withModuleList(join(folder, 'proc'), command) : `exec ${command}`;
  writeFileSync(program, `#!/bin/sh\n${text}\n`);
  chmodSync(program, 0o755);
  return program;
}

/**
 * Runs the command where `/proc/modules` is an empty list: 0.25 reads it before anything else, and kernels without
 * modules have none. The real /proc is at `place` then, in a mount namespace of the command's own.
 */
function withModuleList(place: string, command: string): string {
  mkdirSync(place, { recursive: true });
  const entries =
    'self thread-self filesystems cpuinfo meminfo mounts kallsyms sys version stat uptime loadavg config.gz';
  const inside = [
    'mount --make-rprivate /',
    `mount --rbind /proc '${place}'`,
    'mount -t tmpfs none /proc',
    `for entry in ${entries}; do ln -s '${place}'/$entry /proc/$entry; done`,
    ': >/proc/modules',
    `exec ${command}`,
  ].join('; ');
  return `exec unshare -m sh -c '${inside.replaceAll("'", `'\\''`)}' sh "$@"`;
}

/** What stands in apt's list of sources for a suite. */
function sourceOf(suite: Suite): string {
  if (suite !== 'resolute') return `deb ${debianMirror()} ${suite} main`;
  return `deb [signed-by=${ubuntuKeys()}] http://archive.ubuntu.com/ubuntu resolute main universe`;
}

/** The keys of Ubuntu's archive, which Debian has as a package. */
function ubuntuKeys(): string {
  const folder = join(labFolder, 'ubuntu-keyring');
  const keys = join(folder, 'usr/share/keyrings/ubuntu-archive-keyring.gpg');
  if (existsSync(keys)) return keys;
  const apt = aptState(join(folder, 'apt'), `deb ${debianMirror()} sid main`);
  run('apt-get', ...apt.options, 'update', '-qq');
  run('apt-get', ...apt.options, 'install', '-y', '-qq', '--download-only', 'ubuntu-keyring');
  unpack(apt.archives, folder);
  return keys;
}

function fetchInto(folder: string, root: string, suite: Suite): void {
  mkdirSync(root, { recursive: true });
  const { options, archives } = aptState(join(folder, 'apt'), sourceOf(suite));
  run('apt-get', ...options, 'update', '-qq');
  run(
    'apt-get',
    ...options,
    'install',
    '-y',
    '-qq',
    '--no-install-recommends',
    '--download-only',
    'bpftrace',
  );
  unpack(archives, root);
  for (const link of ['bin', 'lib', 'lib64', 'sbin'])
    if (!existsSync(join(root, link)) && spawnSync('test', ['-d', join(root, 'usr', link)]).status === 0)
      symlinkSync(`usr/${link}`, join(root, link));
}

/** An apt of its own, with one source and nothing installed: its options, and where it puts packages. */
function aptState(
  apt: string,
  source: string,
): { readonly options: readonly string[]; readonly archives: string } {
  for (const place of ['lists/partial', 'cache/archives/partial', 'etc'])
    mkdirSync(join(apt, place), { recursive: true });
  writeFileSync(join(apt, 'status'), '');
  writeFileSync(join(apt, 'etc/s.list'), `${source}\n`);
  const options = Object.entries({
    'Dir::State': apt,
    'Dir::State::status': join(apt, 'status'),
    'Dir::State::lists': join(apt, 'lists'),
    'Dir::Cache': join(apt, 'cache'),
    'Dir::Etc::sourcelist': join(apt, 'etc/s.list'),
    'Dir::Etc::sourceparts': '/dev/null',
    'Dir::Etc::preferencesparts': '/dev/null',
    'Acquire::Languages': 'none',
    'Acquire::Check-Valid-Until': 'false',
  }).flatMap(([name, value]) => ['-o', `${name}=${value}`]);
  return { options, archives: join(apt, 'cache/archives') };
}

function unpack(archives: string, into: string): void {
  for (const file of readdirSync(archives))
    if (file.endsWith('.deb')) run('dpkg-deb', '-x', join(archives, file), into);
}
