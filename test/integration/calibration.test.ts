import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { costClasses } from '../../protocol/cost.ts';
import { calibrate } from '../../helper/kernel/calibration/calibrate.ts';
import { ANSWER_BYTES, calibrationProgram } from '../../helper/kernel/calibration/program.ts';

const program = calibrationProgram(process.arch);

test('the program answers each byte of its input and ends with it', (ctx) => {
  if (program === undefined || process.platform !== 'linux')
    return ctx.skip(`no calibration program for ${process.arch}`);
  const folder = mkdtempSync(join(tmpdir(), 'probescope-test-'));
  try {
    const file = join(folder, 'calibration');
    writeFileSync(file, program, { mode: 0o755 });
    const answer = execFileSync(file, { input: 'xxx', timeout: 10_000 });
    expect(answer.length).toBe(3 * costClasses.length * ANSWER_BYTES);
    for (let at = 0; at < answer.length; at += 32) {
      const before = answer.readBigInt64LE(at) * 1_000_000_000n + answer.readBigInt64LE(at + 8);
      const after = answer.readBigInt64LE(at + 16) * 1_000_000_000n + answer.readBigInt64LE(at + 24);
      expect(after).toBeGreaterThan(before);
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('without probes a hit costs next to nothing', async (ctx) => {
  if (program === undefined || process.platform !== 'linux')
    return ctx.skip(`no calibration program for ${process.arch}`);
  let detached = false;
  const costs = await calibrate(() =>
    Promise.resolve({ detach: () => Promise.resolve(void (detached = true)) }),
  );
  expect(detached).toBe(true);
  for (const instruction of costClasses) {
    expect(costs[instruction]).toBeGreaterThanOrEqual(0);
    // a probe costs 400 ns at the very least
    expect(costs[instruction]).toBeLessThan(200);
  }
});
