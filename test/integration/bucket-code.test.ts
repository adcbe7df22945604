import { spawnSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { bucketNumberCode } from '../../helper/engines/bpftrace/snippets.ts';
import { bucketIndex } from '../../protocol/buckets.ts';

const hasBpftrace = spawnSync('bpftrace', ['--version']).status === 0;
/** As many fit into one clause: BPF programs are bounded. */
const AT_A_TIME = 40;

test('the script and the protocol put a duration into the same bucket', (ctx) => {
  if (!hasBpftrace || process.getuid?.() !== 0) ctx.skip('needs bpftrace and root');
  // both sides of each power of two, and one between
  const durations = [...Array(52).keys()].flatMap((bits) => [
    2 ** bits - 1,
    2 ** bits,
    Math.floor(1.25 * 2 ** bits),
  ]);
  const all = [...new Set(durations)];
  for (let from = 0; from < all.length; from += AT_A_TIME) {
    const some = all.slice(from, from + AT_A_TIME);
    const code = some.map(
      (ns) => `$d = (uint64)${ns};\n${bucketNumberCode()}printf("%llu %llu\\n", $d, $y);\n`,
    );
    const { stdout, stderr } = spawnSync('bpftrace', ['-e', `BEGIN { ${code.join('')} exit(); }`], {
      encoding: 'utf8',
    });
    const lines = stdout.split('\n').filter((line) => /^\d/.test(line));
    expect(lines, stderr).toEqual(some.map((ns) => `${ns} ${bucketIndex(ns)}`));
  }
});
