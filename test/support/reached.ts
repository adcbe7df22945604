import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/**
 * Those of the file offsets of a program that a run of it executes. By breakpoints of our own, each hit once: thousands of them take
 * a second, where the kernel needs some 50 ms to take each uprobe away again (grace periods of RCU).
 */
export function reachedOffsets(
  binary: string,
  args: readonly string[],
  offsets: readonly number[],
): Set<number> {
  const folder = mkdtempSync(join(tmpdir(), 'probescope-reached-'));
  try {
    const tracer = join(folder, 'reached');
    const source = join(import.meta.dirname, 'reached.c');
    const built = spawnSync('gcc', ['-O1', '-o', tracer, source], { encoding: 'utf8' });
    if (built.status !== 0) throw new Error(`reached.c was not compiled: ${built.stderr}`);
    const list = join(folder, 'offsets');
    // an address that occurs twice would be found once only
    writeFileSync(list, [...new Set(offsets)].map((offset) => `${offset.toString(16)}\n`).join(''));
    const { status, stdout, stderr } = spawnSync(tracer, [list, binary, ...args], {
      encoding: 'utf8',
      timeout: 300_000,
      maxBuffer: 1 << 26,
    });
    if (status !== 0) throw new Error(`${binary} ended with ${status} under breakpoints: ${stderr}`);
    return new Set(
      stdout
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => parseInt(line, 16)),
    );
  } finally {
    rmSync(folder, { recursive: true });
  }
}
