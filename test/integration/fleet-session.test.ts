import { afterEach, expect, test } from 'vitest';
import { FleetSession } from '../../extension/core/fleet-session.ts';
import { HelperConnection } from '../../extension/core/connection.ts';
import { startHelper } from '../../extension/core/targets/start-helper.ts';
import { localTarget } from '../../extension/core/targets/target.ts';
import { join } from 'node:path';
import { repository, TracedProgram, whyNoTracing } from './support/traced-program.ts';

const undo: (() => unknown)[] = [];
afterEach(async () => {
  for (const step of undo.splice(0).reverse()) await step();
});

test('one session on two targets: snapshots say whose they are, figures are the sum', async (ctx) => {
  const reason = whyNoTracing();
  if (reason !== undefined) return ctx.skip(reason);
  const programs = await Promise.all(
    [100, 60].map((requests) =>
      TracedProgram.start('shop', ['--threads', '2', '--requests', String(requests), '--rate', '400']),
    ),
  );
  for (const program of programs) undo.push(() => program.end());
  const targets = await Promise.all(
    programs.map(async ({ path, pid }, index) => {
      const connection = await HelperConnection.open(
        await startHelper(localTarget, { bundle: join(repository, 'dist/helper.js'), log: () => undefined }),
        'test',
        { target: `host ${index}` },
      );
      undo.push(() => connection.dispose());
      const { subjects } = await connection.call('lookUp', { binary: path, function: 'handle_request' });
      return {
        connection,
        probes: [{ id: 1, binary: path, pid, subject: subjects[0]!, measures: ['latency' as const] }],
      };
    }),
  );
  const seen = new Set<string | undefined>();
  const session = new FleetSession(targets, {
    onSnapshot: ({ target }) => seen.add(target),
    onTargetEnded: (target, problem) => expect.fail(`${target}: ${problem.message}`),
  });
  await session.open(200);
  for (const program of programs) program.go();
  const own = await Promise.all(programs.map((program) => program.figures()));
  await session.close();
  const totals = session.totals(1);
  const calls = own.reduce((sum, figures) => sum + (figures['handle_request']?.count ?? 0), 0);
  expect(calls).toBe(320);
  expect(totals?.count).toBe(calls);
  expect(totals?.latency?.buckets.reduce((sum, [, count]) => sum + count, 0)).toBe(calls);
  expect(seen).toEqual(new Set(['host 0', 'host 1']));
});
