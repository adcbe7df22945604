import { basename } from 'node:path';
import { execa } from 'execa';
import { ProbeError } from '../../../protocol/errors.ts';
import { BpftraceImporter } from '../../../profile/import/bpftrace.ts';
import { FoldedImporter } from '../../../profile/import/folded.ts';
import type { Imported } from '../../../profile/import/notes.ts';
import { PerfScriptImporter } from '../../../profile/import/perf-script.ts';
import { importPprof } from '../../../profile/import/pprof.ts';
import { importSpeedscope } from '../../../profile/import/speedscope.ts';
import { chunksOf, head, TruncatedGzip, wholeFile } from './bytes.ts';

export const importFormats = [
  'folded',
  'perf-script',
  'perf-data',
  'bpftrace',
  'pprof',
  'speedscope',
] as const;
export type ImportFormat = (typeof importFormats)[number];

/** JSON and protobuf are read as a whole; V8's strings end at 512 MB. */
const MAX_WHOLE_BYTES = 500 << 20;

interface LineImporter {
  pushLine(text: string): void;
  finish(): Imported;
}

/** Reads a profile of another tool, whose format is found by its content unless it is named. */
export async function importFile(
  path: string,
  format?: ImportFormat,
): Promise<Imported & { readonly format: ImportFormat }> {
  const title = basename(path);
  const chosen = format ?? (await detect(path));
  const read = async (): Promise<Imported> => {
    switch (chosen) {
      case 'folded': {
        const importer = new FoldedImporter(title);
        await eachChunk(
          path,
          (chunk) => {
            importer.push(chunk);
          },
          (damage) => {
            importer.notes.add('the end', damage);
          },
        );
        return importer.finish();
      }
      case 'perf-script':
        return importLines(path, new PerfScriptImporter(title));
      case 'bpftrace':
        return importLines(path, new BpftraceImporter(title));
      case 'perf-data':
        return importPerfData(path, title);
      case 'pprof': {
        const { bytes, damage } = await wholeFile(path, MAX_WHOLE_BYTES);
        return withDamage(importPprof(bytes, title), damage);
      }
      case 'speedscope': {
        const { bytes } = await wholeFile(path, MAX_WHOLE_BYTES);
        return importSpeedscope(parseJson(bytes, path), title);
      }
    }
  };
  return { ...(await read()), format: chosen };
}

function withDamage(imported: Imported, damage: string | undefined): Imported {
  if (damage === undefined) return imported;
  const { profile, notes } = imported;
  return { profile: { ...profile, notes: [...profile.notes, damage] }, notes: [...notes, damage] };
}

function parseJson(bytes: Uint8Array, path: string): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(bytes));
  } catch (error) {
    throw new ProbeError(
      {
        code: 'malformed-file',
        message: `${path} is no JSON: ${(error as Error).message}.`,
        remedy: 'It may have been cut off; copy it again from where it came.',
      },
      { cause: error },
    );
  }
}

async function eachChunk(
  path: string,
  take: (chunk: Uint8Array) => void,
  damaged: (damage: string) => void,
): Promise<void> {
  try {
    for await (const chunk of chunksOf(path)) take(chunk);
  } catch (error) {
    if (!(error instanceof TruncatedGzip)) throw error;
    damaged(error.message);
  }
}

/** Feeds lines without ever holding the whole text. */
async function importLines(
  path: string,
  importer: LineImporter & { readonly notes: FoldedImporter['notes'] },
): Promise<Imported> {
  const lines = new LineSplitter((line) => {
    importer.pushLine(line);
  });
  await eachChunk(
    path,
    (chunk) => {
      lines.push(chunk);
    },
    (damage) => {
      importer.notes.add('the end', damage);
    },
  );
  lines.finish();
  return importer.finish();
}

/** A line of perf or bpftrace holds a frame, or a key of frames; a file without line breaks must not be held as one. */
const MAX_LINE_CHARACTERS = 64 << 20;

/** Bytes in, lines out; without their ends (LF or CRLF). A line that is too long is given as its beginning. */
export class LineSplitter {
  readonly #take: (line: string) => void;
  readonly #decoder = new TextDecoder();
  /** What has begun of a line, in the pieces it came in: joined once, when its end has come. */
  #begun: string[] = [];
  #begunLength = 0;

  constructor(take: (line: string) => void) {
    this.#take = take;
  }

  push(chunk: Uint8Array): void {
    const lines = this.#decoder.decode(chunk, { stream: true }).split('\n');
    const rest = lines.pop() ?? '';
    for (const line of lines) {
      this.#begin(line);
      this.#end();
    }
    this.#begin(rest);
  }

  finish(): void {
    this.#begin(this.#decoder.decode());
    if (this.#begunLength > 0) this.#end();
  }

  #begin(piece: string): void {
    if (piece === '' || this.#begunLength > MAX_LINE_CHARACTERS) return;
    this.#begun.push(piece);
    this.#begunLength += piece.length;
  }

  #end(): void {
    const line = this.#begun.length === 1 ? this.#begun[0]! : this.#begun.join('');
    this.#begun = [];
    this.#begunLength = 0;
    this.#take(line.endsWith('\r') ? line.slice(0, -1) : line);
  }
}

/** perf's own file, through `perf script`: its format changes with each release, its text does not. */
async function importPerfData(path: string, title: string): Promise<Imported> {
  const importer = new PerfScriptImporter(title);
  const lines = new LineSplitter((line) => {
    importer.pushLine(line);
  });
  const perf = execa('perf', ['script', '-i', path, '-F', 'comm,pid,tid,time,event,ip,sym,dso'], {
    stdin: 'ignore',
    buffer: { stdout: false, stderr: true },
    encoding: 'buffer',
    reject: false,
  });
  for await (const chunk of perf.iterable({ from: 'stdout', binary: true, preserveNewlines: true }))
    lines.push(chunk);
  const result = await perf;
  lines.finish();
  if (result.failed) {
    const complaint = Buffer.from(result.stderr).toString('utf8').trim().split('\n').at(-1) ?? '';
    throw new ProbeError({
      code: result.code === 'ENOENT' ? 'engine-missing' : 'engine-refused',
      message:
        result.code === 'ENOENT'
          ? `${path} is perf's own file, and perf is not installed here.`
          : `perf script could not read ${path}: ${complaint || `it ended with ${result.exitCode ?? result.signal ?? 'an error'}`}.`,
      remedy: 'Run perf script where the file was recorded, and import what it prints.',
    });
  }
  return importer.finish();
}

async function detect(path: string): Promise<ImportFormat> {
  const magic = head(path, 16);
  if (magic.length === 0)
    throw new ProbeError({
      code: 'malformed-file',
      message: `${path} is empty.`,
      remedy: 'Check that the tool that wrote it has ended.',
    });
  const ascii = magic.toString('latin1');
  if (ascii.startsWith('PERFILE2') || ascii.startsWith('2ELIFREP')) return 'perf-data';
  if (ascii.startsWith('SQLite format 3'))
    throw new ProbeError({
      code: 'invalid-argument',
      message: `${path} is an SQLite file, perhaps a recording already.`,
      remedy: 'Use it where a recording is asked for.',
    });
  let start = new Uint8Array(0);
  try {
    for await (const chunk of chunksOf(path)) {
      start = Uint8Array.from(chunk.subarray(0, 65536));
      break;
    }
  } catch (error) {
    if (!(error instanceof TruncatedGzip)) throw error;
  }
  return detectText(start);
}

/** The format by its first bytes, unpacked. */
export function detectText(start: Uint8Array): ImportFormat {
  // pprof begins with sample_type (field 1, a message), which no text begins with
  if (start[0] === 0x0a && start[1] !== undefined && start[1] < 0x20 && start[1] !== 0x0a) return 'pprof';
  const text = new TextDecoder().decode(start);
  const first = text.trimStart();
  if (first.startsWith('{')) return /^\{\s*"type"\s*:/.test(first) ? 'bpftrace' : 'speedscope';
  if (/^@\w*\[\s*$/m.test(text) || /^Attach(ing|ed) .*probe/m.test(text)) return 'bpftrace';
  if (/^\s+[0-9a-f]{4,} .*\(.*\)$/m.test(text)) return 'perf-script';
  return 'folded';
}
