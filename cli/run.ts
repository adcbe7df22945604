import { readFile } from 'node:fs/promises';
import { hostname, release } from 'node:os';
import { basename, resolve } from 'node:path';
import type { RecordingWriter } from '../extension/core/recording/writer.ts';
import { gitMeta } from '../extension/core/recording/circumstances.ts';
import { ScriptRecorder, scriptMeta } from '../extension/core/scripts/recorder.ts';
import { ScriptRun } from '../extension/core/scripts/script-run.ts';
import { ProbeError } from '../protocol/errors.ts';
import type { LogLine, ScriptEnd } from '../protocol/script.ts';
import { exitCodes, parseCommandLine, parseDurationMs, UsageError, type Command } from './command.ts';
import { localHelper } from './in-process.ts';
import { onNewerNode } from './newer-node.ts';
import { mapText } from './run-output.ts';

export const runCommand: Command = {
  usage: `usage: probescope run SCRIPT.bt [--duration 10s] [--json] [--out FILE] [--map-keys N] [--unsafe] [--] [PARAMETER…]

Runs a bpftrace script on this host until it ends, Ctrl-C or --duration; “-” reads it from standard input.
  PARAMETER…         become $1, $2… of the script; after -- also such as begin with a dash
  --duration TIME    ends it after 500ms, 10s, 2m
  --json             one JSON object a line: {"line":…}, {"map":…}, and {"end":…} with what was lost
  --out FILE         also writes a recording, which VS Code opens and probescope query reads
  --map-keys N       the most keys that a map can have
  --unsafe           allows system() and its like: the script can do whatever root can

Exit 0 when it ran to its end or was ended, 1 when it could not, 2 when the command line is wrong.`,

  async run(args) {
    const { values, positionals } = parseCommandLine(args, {
      duration: { type: 'string' },
      json: { type: 'boolean' },
      out: { type: 'string' },
      'map-keys': { type: 'string' },
      unsafe: { type: 'boolean' },
    });
    const [file, ...parameters] = positionals;
    if (file === undefined) throw new UsageError('no script is named');
    const mapKeys = values['map-keys'];
    if (mapKeys !== undefined && !/^[1-9]\d{0,8}$/.test(mapKeys))
      throw new UsageError(`--map-keys ${mapKeys}: a number from 1 is expected`);
    if (values.out !== undefined) {
      const rerun = onNewerNode();
      if (rerun !== undefined) return rerun;
    }
    const request = {
      script: await readScript(file),
      args: parameters,
      unsafe: values.unsafe === true,
      ...(values.duration === undefined ? {} : { durationMs: parseDurationMs(values.duration) }),
      ...(mapKeys === undefined ? {} : { mapKeys: Number(mapKeys) }),
    };
    const write = values.out === undefined ? undefined : await recorder(resolve(values.out), file, request);
    return runScript(file, request, values.json === true, write);
  },
};

/** Runs a script that has no file; `name` stands for it in remarks. */
export function runText(
  name: string,
  script: string,
  options: { readonly durationMs?: number; readonly json: boolean },
): Promise<number> {
  const { json, ...more } = options;
  return runScript(name, { script, args: [], unsafe: false, ...more }, json, undefined);
}

interface Request {
  readonly script: string;
  readonly args: readonly string[];
  readonly unsafe: boolean;
  readonly durationMs?: number;
  readonly mapKeys?: number;
}

async function readScript(file: string): Promise<string> {
  if (file === '-') {
    const chunks: Uint8Array[] = [];
    for await (const chunk of process.stdin) chunks.push(chunk as Uint8Array);
    return Buffer.concat(chunks).toString('utf8');
  }
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    throw new ProbeError(
      {
        code: 'file-unreadable',
        message: `${file} cannot be read: ${(error as Error).message}.`,
        remedy: 'Check the path and its permissions.',
      },
      { cause: error },
    );
  }
}

async function recorder(path: string, file: string, request: Request) {
  const { RecordingWriter } = await import('../extension/core/recording/writer.ts');
  const script = {
    ...request,
    name: file === '-' ? 'stdin.bt' : basename(file),
    uri: file === '-' ? '' : resolve(file),
  };
  const writer: RecordingWriter = new RecordingWriter(
    path,
    scriptMeta(script, { host: hostname(), kernel: release(), ...(await gitMeta(process.cwd())) }),
  );
  return { writer, recorder: new ScriptRecorder(writer, script) };
}

async function runScript(
  file: string,
  request: Request,
  json: boolean,
  write: Awaited<ReturnType<typeof recorder>> | undefined,
): Promise<number> {
  const helper = await localHelper();
  const run = new ScriptRun();
  const print = (text: string): void => void process.stdout.write(`${text}\n`);
  helper.connection.onScriptOutput((output) => {
    write?.recorder.add(output);
    for (const line of output.lines)
      if (json) print(JSON.stringify({ line }));
      else printLine(file, line);
    if (json) for (const map of output.maps) print(JSON.stringify({ map }));
  });
  const ended = new Promise<ScriptEnd>((done) => run.onDidEnd(done));
  const stop = (): void => void run.stop().catch(() => undefined);
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, stop);
  process.stdout.once('error', stop);
  try {
    await run.start(helper.connection, request);
    write?.writer.setMeta({ engine: run.engine });
    const end = await ended;
    write?.recorder.finish(end);
    if (!json) for (const map of run.maps) process.stdout.write(mapText(map));
    else print(JSON.stringify({ end, lost: run.lost, attached: run.attached ?? null }));
    const { events, lines, entries } = run.lost;
    process.stderr.write(
      `probescope run: ${run.engine}, ${run.attached ?? 0} probes, ${(end.timeMs / 1000).toFixed(1)} s; lost: ${events} events, ${lines} lines, ${entries} map entries\n`,
    );
    if (end.problem === undefined) return exitCodes.ok;
    throw new ProbeError(end.problem);
  } finally {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.off(signal, stop);
    await helper.close();
  }
}

/** What a program printed goes to standard output; what bpftrace remarks, with its place, to standard error. */
function printLine(file: string, { kind, text, line, character }: LogLine): void {
  const place = line === undefined ? '' : `${file}:${line + 1}:${(character ?? 0) + 1}: `;
  if (kind === 'error' || kind === 'warning' || kind === 'engine')
    process.stderr.write(`${place}${kind === 'engine' ? '' : `${kind}: `}${text}\n`);
  else process.stdout.write(`${text}\n`);
}
