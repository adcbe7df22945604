import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readdirSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { debianMirror, labFolder, run } from './run.ts';

/** Debian's suites and the bpftrace they ship. */
export const suites = { bullseye: '0.11', trixie: '0.23', sid: '0.27' } as const;
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
  writeFileSync(
    program,
    `#!/bin/sh\nexec '${loader}' --library-path '${libraries}' '${join(root, 'usr/bin/bpftrace')}' "$@"\n`,
  );
  chmodSync(program, 0o755);
  return program;
}

function fetchInto(folder: string, root: string, suite: Suite): void {
  const apt = join(folder, 'apt');
  for (const place of ['lists/partial', 'cache/archives/partial', 'etc'])
    mkdirSync(join(apt, place), { recursive: true });
  mkdirSync(root, { recursive: true });
  writeFileSync(join(apt, 'status'), '');
  writeFileSync(join(apt, 'etc/s.list'), `deb ${debianMirror()} ${suite} main\n`);
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
  const archives = join(apt, 'cache/archives');
  for (const file of readdirSync(archives))
    if (file.endsWith('.deb')) run('dpkg-deb', '-x', join(archives, file), root);
  for (const link of ['bin', 'lib', 'lib64', 'sbin'])
    if (!existsSync(join(root, link)) && spawnSync('test', ['-d', join(root, 'usr', link)]).status === 0)
      symlinkSync(`usr/${link}`, join(root, link));
}
