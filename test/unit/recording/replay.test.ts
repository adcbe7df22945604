import { join } from 'node:path';
import { expect, test } from 'vitest';
import { percentile } from '../../../protocol/buckets.ts';
import { Recording } from '../../../extension/core/recording/reader.ts';
import { originOf, recordedProbes } from '../../../extension/core/recording/replay.ts';

const shipped = join(import.meta.dirname, '../../../media/demo/shop.probescope');

test('the shipped recording gives back what was measured, and says that it was recorded', () => {
  const recording = new Recording(shipped);
  try {
    expect(originOf(recording.meta())).toMatch(
      /^recorded on the demo machine \(Linux .*\), \d{4}-\d\d-\d\d \d\d:\d\d UTC$/,
    );
    expect(recording.notices()).toEqual([]);
    const probes = recordedProbes(recording, { withCallers: true });
    const query = probes.find(
      ({ spec }) => spec.subject.kind === 'function' && spec.subject.function === 'db_query',
    )!;
    expect(query.totals.count).toBeGreaterThan(500);
    const counted = query.totals.latency!.buckets.reduce((sum, [, count]) => sum + count, 0);
    // what was running at the end has begun and not returned
    expect(query.totals.count - counted).toBeLessThan(10);
    // db.c: 80 % take 150 to 180 µs, and nanosleep adds some
    expect(percentile(query.totals.latency!.buckets, 0.5)).toBeGreaterThan(150_000);
    expect(query.totals.callers!.reduce((sum, { count }) => sum + count, 0)).toBeGreaterThan(500);
    expect(query.totals.callers![0]!.stack.map((frame) => frame.function)).toEqual(
      expect.arrayContaining(['db_query', 'route', 'handle_request']),
    );
  } finally {
    recording.close();
  }
});

test('the shipped recording names no folder of the machine it was made on', () => {
  const recording = new Recording(shipped);
  const rows = recording.database
    .prepare(
      "SELECT text FROM strings WHERE text LIKE '/%' AND text NOT LIKE '/src/probescope/%' AND text NOT LIKE '/usr/%'",
    )
    .all();
  recording.close();
  expect(rows).toEqual([]);
});
