import { ProbeError } from '../../../protocol/errors.ts';
import { frameKinds } from '../../../protocol/profile.ts';
import { groupFrames } from '../../../profile/groups.ts';
import { parentsOf } from '../../../profile/order.ts';
import { textAt } from '../../../profile/strings.ts';
import { totalsOf } from '../../../profile/totals.ts';
import type { Recording } from './reader.ts';

export interface QueryResult {
  readonly columns: readonly string[];
  readonly rows: readonly (readonly unknown[])[];
}

/**
 * Runs one statement on a recording, which cannot change it. Tables that exist only in binary form are made in memory when the
 * text names them: `functions` (self and total by function), and `strings`, `frames`, `stacks`, `samples` of imported profiles.
 */
export function queryRecording(recording: Recording, sql: string): QueryResult {
  const { database } = recording;
  if (/\bfunctions\b/i.test(sql)) makeFunctions(recording);
  if (/\b(strings|frames|stacks|samples)\b/i.test(sql)) makeRows(recording);
  try {
    const statement = database.prepare(sql);
    // SQLite takes the first statement and says nothing of what follows
    if (!isOne(sql, statement.sourceSQL))
      throw new ProbeError({
        code: 'invalid-argument',
        message: 'These are several statements; only the first would be run.',
        remedy: 'Ask one at a time.',
      });
    statement.setReadBigInts(false);
    const columns = statement.columns().map(({ name }) => name);
    statement.setReturnArrays(true);
    return { columns, rows: statement.all() as unknown as unknown[][] };
  } catch (error) {
    if (error instanceof ProbeError) throw error;
    throw new ProbeError(
      {
        code: 'invalid-argument',
        message: `SQLite refuses the query: ${(error as Error).message}.`,
        remedy: 'List the tables with: SELECT name, sql FROM sqlite_schema; functions is there as well.',
      },
      { cause: error },
    );
  }
}

/** True when nothing but white space and comments follows what SQLite took of the text. */
function isOne(sql: string, taken: string): boolean {
  const rest = sql.slice(sql.indexOf(taken) + taken.length);
  return (
    rest
      .replace(/--[^\n]*|\/\*[^]*?(?:\*\/|$)/g, '')
      .trim()
      .replace(/^;+/, '') === ''
  );
}

function makeFunctions(recording: Recording): void {
  const { database } = recording;
  database.exec(
    'CREATE TEMP TABLE functions (profile INTEGER, function TEXT, module TEXT, file TEXT, line INTEGER, kind TEXT, self REAL, total REAL); BEGIN',
  );
  const insert = database.prepare('INSERT INTO temp.functions VALUES (?, ?, ?, ?, ?, ?, ?, ?)');
  for (const { id } of recording.profiles()) {
    const profile = recording.profile(id);
    const { frames, strings } = profile;
    const groups = groupFrames(profile, 'function');
    const { self, total } = totalsOf(profile.nodes, groups.ofFrame, groups.name.length);
    groups.name.forEach((name, group) => {
      if (group === 0) return;
      const frame = groups.frame[group]!;
      const text = (column: Uint32Array): string => textAt(strings, column[frame]!);
      insert.run(
        id,
        name,
        text(frames.module),
        text(frames.file),
        frames.line[frame]!,
        frameKinds[frames.kind[frame]!] ?? 'unknown',
        self[group]!,
        total[group]!,
      );
    });
  }
  database.exec('COMMIT');
}

/** Rows for profiles that have none; with those that have, so that one query sees all. */
function makeRows(recording: Recording): void {
  const { database } = recording;
  const without = database
    .prepare('SELECT id FROM profiles WHERE id NOT IN (SELECT DISTINCT profile FROM samples)')
    .all() as { id: number }[];
  if (without.length === 0) return;
  database.exec(`
    CREATE TEMP TABLE strings AS SELECT * FROM main.strings; CREATE TEMP TABLE frames AS SELECT * FROM main.frames;
    CREATE TEMP TABLE stacks AS SELECT * FROM main.stacks; CREATE TEMP TABLE samples AS SELECT * FROM main.samples; BEGIN`);
  const insertString = database.prepare('INSERT INTO temp.strings VALUES (?, ?)');
  const insertFrame = database.prepare('INSERT INTO temp.frames VALUES (?, ?, ?, ?, ?, ?)');
  const insertStack = database.prepare('INSERT INTO temp.stacks VALUES (?, ?, ?)');
  const insertSample = database.prepare('INSERT INTO temp.samples VALUES (?, ?, ?, ?, ?)');
  for (const { id } of without) {
    const { frames, nodes, samples, strings } = recording.profile(id);
    const next = (table: string): number =>
      Number(
        (database.prepare(`SELECT coalesce(max(id), 0) AS last FROM temp.${table}`).get() as { last: number })
          .last,
      );
    const [text0, frame0, stack0] = [next('strings'), next('frames'), next('stacks')];
    for (let i = 1; i < strings.ends.length; i++) insertString.run(text0 + i, textAt(strings, i));
    const text = (i: number): number | null => (i === 0 ? null : text0 + i);
    for (let f = 1; f < frames.name.length; f++)
      insertFrame.run(
        frame0 + f,
        text(frames.name[f]!),
        text(frames.module[f]!),
        text(frames.file[f]!),
        frames.line[f]!,
        frameKinds[frames.kind[f]!] ?? 'unknown',
      );
    const parent = parentsOf(nodes.depth);
    for (let i = 1; i < nodes.frame.length; i++)
      insertStack.run(stack0 + i, parent[i] === 0 ? null : stack0 + parent[i]!, frame0 + nodes.frame[i]!);
    if (samples === undefined)
      nodes.self.forEach(
        (weight, node) => node > 0 && weight > 0 && insertSample.run(id, 0, null, stack0 + node, weight),
      );
    else
      samples.node.forEach((node, i) =>
        insertSample.run(id, samples.timeNs[i]!, null, stack0 + node, samples.weight[i]!),
      );
  }
  database.exec('COMMIT');
}
