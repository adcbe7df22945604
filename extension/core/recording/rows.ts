import type { DatabaseSync } from 'node:sqlite';
import { frameKinds } from '../../../protocol/profile.ts';
import type { FrameKind, Profile, WeightUnit } from '../../../protocol/profile.ts';
import { ProfileBuilder } from '../../../profile/builder.ts';

interface FrameRow {
  id: number;
  name: string;
  module: string;
  file: string;
  line: number;
  kind: string;
}

/** Builds a profile from its rows: for recordings that were not closed, and for closing them. */
export function profileFromRows(database: DatabaseSync, id: number): Profile {
  const row = database.prepare('SELECT title, unit FROM profiles WHERE id = ?').get(id) as {
    title: string;
    unit: string;
  };
  const builder = new ProfileBuilder(row.title, row.unit as WeightUnit);
  const frames = new Map<number, number>();
  const frameRows = database.prepare(
    `SELECT frames.id, n.text AS name, coalesce(m.text, '') AS module, coalesce(f.text, '') AS file, line, kind FROM frames
     JOIN strings n ON n.id = name LEFT JOIN strings m ON m.id = module LEFT JOIN strings f ON f.id = file`,
  );
  for (const frame of frameRows.iterate() as IterableIterator<FrameRow>) {
    const kind = frameKinds.find((each) => each === frame.kind) ?? ('unknown' satisfies FrameKind);
    frames.set(frame.id, builder.frame({ ...frame, kind }));
  }
  // a parent's id is always smaller than its child's
  const nodes = new Map<number, number>([[0, 0]]);
  const stackRows = database.prepare(
    'SELECT id, coalesce(parent, 0) AS parent, frame FROM stacks ORDER BY id',
  );
  for (const stack of stackRows.iterate() as IterableIterator<{ id: number; parent: number; frame: number }>)
    nodes.set(stack.id, builder.trie.child(nodes.get(stack.parent) ?? 0, frames.get(stack.frame) ?? 0));
  const threads = new Map<number, number>();
  const threadRows = database.prepare('SELECT id, pid, tid, name FROM threads').all() as {
    id: number;
    pid: number;
    tid: number;
    name: string;
  }[];
  const samples = database.prepare(
    'SELECT time_ns, thread, stack, weight FROM samples WHERE profile = ? ORDER BY time_ns, rowid',
  );
  let lastNs = 0;
  for (const sample of samples.iterate(id) as IterableIterator<{
    time_ns: number;
    thread: number | null;
    stack: number;
    weight: number;
  }>) {
    let thread = threads.get(sample.thread ?? 0);
    if (thread === undefined) {
      const known = threadRows.find((each) => each.id === sample.thread);
      thread = builder.thread(
        known === undefined
          ? { pid: 0, tid: 0, name: 'all threads' }
          : { pid: known.pid, tid: known.tid, name: known.name },
      );
      threads.set(sample.thread ?? 0, thread);
    }
    builder.sample(nodes.get(sample.stack) ?? 0, sample.weight, sample.time_ns, thread);
    lastNs = sample.time_ns;
  }
  if (lastNs > 0) builder.durationNs = lastNs;
  return builder.build();
}
