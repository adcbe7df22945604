import type { StatementSync } from 'node:sqlite';
import type { ProbeId } from '../../../protocol/probe.ts';
import type { CallerTotals } from '../../../protocol/snapshot.ts';
import type { Frame, Stack } from '../../../protocol/source.ts';
import type { Recording } from './reader.ts';

/** Deeper stacks are cut: a damaged file may hold a chain without end. */
const DEEPEST = 10_000;

interface FrameRow {
  readonly name: string;
  readonly file: string | null;
  readonly line: number | null;
  readonly module: string | null;
}

/** Call stacks that probes of a recording counted, as a whole or over a part of its time. */
export class RecordedCallers {
  readonly #recording: Recording;
  readonly #stacks = new Map<number, Stack>();
  #walk: StatementSync | undefined;

  constructor(recording: Recording) {
    this.#recording = recording;
  }

  /** The stacks of some probes together, counted after `fromNs` and by `toNs` (time since the recording's start); the most frequent first. */
  of(probes: readonly ProbeId[], fromNs = -1, toNs = Number.MAX_SAFE_INTEGER): CallerTotals[] {
    const rows = this.#recording.database
      .prepare(
        `SELECT stack, sum(weight) AS weight FROM samples
         WHERE profile IN (SELECT id FROM profiles WHERE probe IN (SELECT value FROM json_each(?))) AND time_ns > ? AND time_ns <= ?
         GROUP BY stack ORDER BY weight DESC`,
      )
      .all(JSON.stringify(probes), Math.round(fromNs), Math.round(toNs)) as unknown as {
      stack: number;
      weight: number;
    }[];
    return rows.map(({ stack, weight }) => ({ count: weight, stack: this.#stack(stack) }));
  }

  /** From the innermost frame to the root, as stacks are everywhere. */
  #stack(id: number): Stack {
    const known = this.#stacks.get(id);
    if (known !== undefined) return known;
    this.#walk ??= this.#recording.database.prepare(
      `WITH RECURSIVE chain(id, depth) AS (SELECT ?, 0 UNION ALL SELECT parent, depth + 1 FROM chain JOIN stacks USING (id)
         WHERE parent IS NOT NULL AND depth < ${DEEPEST})
       SELECT n.text AS name, f.text AS file, frames.line AS line, m.text AS module FROM chain JOIN stacks USING (id)
       JOIN frames ON frames.id = stacks.frame JOIN strings n ON n.id = frames.name LEFT JOIN strings f ON f.id = frames.file
       LEFT JOIN strings m ON m.id = frames.module ORDER BY depth`,
    );
    const stack = (this.#walk.all(id) as unknown as FrameRow[]).map(frameOf);
    this.#stacks.set(id, stack);
    return stack;
  }
}

const frameOf = ({ name, file, line, module }: FrameRow): Frame => ({
  function: name,
  ...(file === null || file === '' ? {} : { file }),
  ...(line === null || line === 0 ? {} : { line }),
  ...(module === null || module === '' ? {} : { module }),
});
