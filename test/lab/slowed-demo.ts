import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { sourcesOf } from '../../scripts/workloads.ts';

const cli = resolve(import.meta.dirname, '../../dist/cli.js');

/** The function of the demo that takes longer in the second run. */
export const SLOWED = 'checksum';

/**
 * Profiles the demo as it is, and with {@link SLOWED} slowed down on purpose, into two recordings; 2 s each, as fast as it goes. Why that cannot be done
 * here, where perf is not installed.
 */
export function profileSlowedDemo(before: string, after: string): string | undefined {
  const folder = mkdtempSync(join(tmpdir(), 'probescope-slowed-'));
  try {
    cpSync(sourcesOf('shop'), folder, { recursive: true });
    const whyNot = profileDemo(folder, before);
    if (whyNot !== undefined) return whyNot;
    const render = join(folder, 'render.c');
    const source = readFileSync(render, 'utf8');
    const slowed = source.replace(
      /for \(size_t i = 0; i < length; i\+\+\)\n/,
      'for (int again = 0; again < 20000; again++)\n  $&',
    );
    if (slowed === source) throw new Error(`${render} has no loop to slow down`);
    writeFileSync(render, slowed);
    return profileDemo(folder, after);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function profileDemo(folder: string, out: string): string | undefined {
  const run = (program: string, ...args: string[]): string => {
    const { stderr, status } = spawnSync(program, args, { cwd: folder, encoding: 'utf8' });
    if (status === 0 || /perf is not installed/.test(stderr)) return stderr;
    throw new Error(`${program} ${args.join(' ')}: ${stderr}`);
  };
  run('sh', '-c', 'gcc -g -O2 -fno-omit-frame-pointer -pthread -o shop *.c');
  const how = ['profile', '--hz', '999', '--duration', '2s', '--out', out];
  const said = run(process.execPath, cli, ...how, '--', './shop', '--rate', '0');
  return /perf is not installed/.test(said) ? 'perf is not installed' : undefined;
}
