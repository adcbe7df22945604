import { afterAll, beforeAll, expect, test } from 'vitest';
import { integrityOf, KillLab, victims, type Victim } from '../lab/kills.ts';
import { missingForLab } from '../lab/run.ts';

/** One of each and more: the soak (`npm run soak`) does 200 of them, drawn at random. */
const KILLS = 20;
const missing = missingForLab('ip', 'ssh', 'sshd', 'sudo', 'bpftrace', 'gcc');
let lab: KillLab;
beforeAll(async () => {
  if (missing === undefined) lab = await KillLab.start('pskills', 78);
});
afterAll(() => lab?.stop());

/** What the owner is told, by what died. */
const problems: Readonly<Record<Victim, string | undefined>> = {
  'ssh client': 'target-disconnected',
  "sshd's child": 'target-disconnected',
  helper: 'target-disconnected',
  supervisor: 'engine-ended',
  bpftrace: 'engine-ended',
  'extension host': undefined,
};

test('a link that is cut leaves a clean target, and what was traced goes on when it is back', async (ctx) => {
  if (missing !== undefined) return ctx.skip(missing);
  const { left, problem, cleanMs } = await lab.cut();
  console.log(`link cut: clean after ${cleanMs} ms`);
  expect(left).toEqual([]);
  expect(problem).toBe('target-disconnected');
  expect((await lab.counting()).last?.latencyNs).toBeGreaterThan(0);
  expect(lab.ours.filter((line) => /^\d+ probescope-helper/.test(line))).toHaveLength(1);
}, 60_000);

test('whatever is killed, nothing is left, everybody is told, and no data is lost but the last moment', async (ctx) => {
  if (missing !== undefined) return ctx.skip(missing);
  for (let kill = 0; kill < KILLS; kill++) {
    const victim = victims[kill % victims.length]!;
    const { left, problem, dataAgeMs, cleanMs, againMs } = await lab.kill(victim);
    console.log(`${victim}: clean after ${cleanMs} ms, data ${dataAgeMs} ms old, again after ${againMs} ms`);
    expect(left, victim).toEqual([]);
    expect(problem, victim).toBe(problems[victim]);
    // never two at work
    expect(
      lab.ours.filter((line) => /^\d+ \/usr\/bin\/bpftrace/.test(line)),
      victim,
    ).toHaveLength(1);
  }
  for (const recording of lab.recordings) expect(integrityOf(recording)).toBe('ok');
}, 180_000);
