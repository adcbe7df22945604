import { writeChunks } from '../extension/core/interchange/export-file.ts';
import { queryRecording, type QueryResult } from '../extension/core/recording/query.ts';
import { Recording } from '../extension/core/recording/reader.ts';
import { exitCodes, parseCommandLine, UsageError, type Command } from './command.ts';
import { onNewerNode } from './newer-node.ts';
import { tell } from './profiles.ts';

export const command: Command = {
  usage: `usage: probescope query RECORDING SQL [--json|--csv]

Runs one SQL statement on a recording, which cannot change it. Tables: meta, probes, intervals, totals, buckets, events, lost,
profiles, samples, stacks, frames, strings, threads, scripts, binaries, sources; and functions (profile, function, module, file,
line, kind, self, total), made when it is asked for.
  probescope query R.probescope 'SELECT function, self FROM functions ORDER BY self DESC LIMIT 10'`,
  async run(args) {
    const rerun = onNewerNode();
    if (rerun !== undefined) return rerun;
    const { values, positionals } = parseCommandLine(args, {
      json: { type: 'boolean' },
      csv: { type: 'boolean' },
    });
    const [path, sql, ...rest] = positionals;
    if (path === undefined || sql === undefined || rest.length > 0)
      throw new UsageError('name one recording and one statement (in quotes)');
    const recording = new Recording(path);
    try {
      for (const notice of recording.notices()) tell(notice);
      const result = queryRecording(recording, sql);
      writeChunks([values.json === true ? asJson(result) : asTable(result, values.csv === true)], undefined);
    } finally {
      recording.close();
    }
    return Promise.resolve(exitCodes.ok);
  },
};

function asJson({ columns, rows }: QueryResult): string {
  const objects = rows.map((row) => Object.fromEntries(columns.map((name, i) => [name, plain(row[i])])));
  return `${JSON.stringify(objects, null, 1)}\n`;
}

/** Blobs are told by their size; they are nothing for a terminal. */
function plain(value: unknown): unknown {
  if (value instanceof Uint8Array) return `<${value.length} bytes>`;
  return typeof value === 'bigint' ? value.toString() : value;
}

function asTable({ columns, rows }: QueryResult, csv: boolean): string {
  const text = (value: unknown): string => (value === null ? '' : String(plain(value)));
  if (csv) {
    const quoted = (cell: string): string =>
      /[",\r\n]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell;
    return `${[columns, ...rows].map((row) => row.map((cell) => quoted(text(cell))).join(',')).join('\r\n')}\r\n`;
  }
  const cells = [columns, ...rows].map((row) => row.map((cell) => text(cell).replace(/\s+/g, ' ')));
  const widths = columns.map((_, i) => cells.reduce((widest, row) => Math.max(widest, row[i]!.length), 0));
  return `${cells.map((row) => row.map((cell, i) => (i === row.length - 1 ? cell : cell.padEnd(widths[i]!))).join('  ')).join('\n')}\n`;
}
