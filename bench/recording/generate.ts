// A long trace of many probes, written by the real writer: seeded, so that every run measures the same file.
import { statSync } from 'node:fs';
import { RecordingWriter } from '../../extension/core/recording/writer.ts';
import type { BucketCounts } from '../../protocol/buckets.ts';
import type { ProbeTotals } from '../../protocol/snapshot.ts';

export interface Generated {
  readonly bytes: number;
  readonly intervals: number;
  readonly bucketRows: number;
}

const PROBES = 50;
/** Buckets in which a probe's calls of one second lie, of those that it ever has. */
const TOUCHED = 60;
const SPREAD = 200;
/** The size is looked at this often. */
const LOOK_EVERY = 100;

/** Writes seconds of a trace until the file has `bytes`; one of 50 functions is paused for the middle third of every hour. */
export function writeLongTrace(path: string, bytes: number): Generated {
  const random = seeded(1);
  const writer = new RecordingWriter(path, {
    ...{ title: 'a long trace', kind: 'trace', target: 'bench', kernel: '6.1' },
    command: 'npm run bench -- recording',
  });
  const probes = Array.from({ length: PROBES }, (_, index) => new Generator(index + 1, random));
  for (const { id } of probes)
    writer.addProbe(
      {
        ...{ id, binary: '/usr/bin/service', measures: ['latency'] },
        subject: { kind: 'function', function: `operation_${id}`, sites: [], refused: [] },
      },
      `operation_${id}`,
    );
  let bucketRows = 0;
  for (let second = 0; ; second++) {
    const paused = second % 3600 >= 1200 && second % 3600 < 2400;
    const attached = probes.filter(({ id }) => id !== 7 || !paused);
    writer.addSnapshot({
      ...{ session: 's', sequence: second, monotonicNs: second * 1e9, wallClockMs: second * 1000 },
      final: false,
      probes: attached.map((probe) => probe.next()),
    });
    bucketRows += attached.length * TOUCHED;
    if (second % LOOK_EVERY !== 0) continue;
    writer.commit();
    if (statSync(path).size >= bytes) {
      writer.finish();
      return { bytes: statSync(path).size, intervals: second + 1, bucketRows };
    }
  }
}

/** One probe's cumulative totals. */
class Generator {
  readonly id: number;
  readonly #random: () => number;
  readonly #counts = new Float64Array(SPREAD);
  readonly #lowest: number;
  #count = 0;

  constructor(id: number, random: () => number) {
    this.id = id;
    this.#random = random;
    // the functions' latencies lie apart: from a microsecond on
    this.#lowest = 200 + id * 4;
  }

  next(): ProbeTotals {
    const first = Math.floor(this.#random() * (SPREAD - TOUCHED));
    for (let i = 0; i < TOUCHED; i++) {
      const calls = 1 + Math.floor(this.#random() * 40);
      this.#counts[first + i]! += calls;
      this.#count += calls;
    }
    const buckets: [number, number][] = [];
    this.#counts.forEach((count, i) => {
      if (count > 0) buckets.push([this.#lowest + i, count]);
    });
    return {
      ...{ probe: this.id, count: this.#count },
      lost: { missedEntries: 0, abandonedCalls: 0, droppedByEngine: 0 },
      latency: { buckets: buckets satisfies BucketCounts, sumNs: this.#count * 5e4, maxNs: 1e9 },
    };
  }
}

/** A linear congruential generator: 0 ≤ x < 1. */
function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}
