// `probescope check`: says what a bpftrace release would say about scripts, without bpftrace and without root.
import { createInterface } from 'node:readline';
import { readCatalog } from '../protocol/catalog.ts';
import { check } from '../language-server/language/check/check.ts';
import { chooseVersion } from '../language-server/language/check/choose-version.ts';
import type { Diagnostic } from '../language-server/language/diagnostic.ts';
import { knownCatalog, type KnownCatalog } from '../language-server/language/known-catalog.ts';
import { LineIndex } from '../language-server/language/lines.ts';
import { parse } from '../language-server/language/syntax/parser.ts';
import {
  formatVersion,
  newestVersion,
  oldestVersion,
  parseVersion,
  type Version,
} from '../language-server/language/version.ts';
import { exitCodes, parseCommandLine, UsageError, type Command } from './command.ts';
import { readScript } from './script-file.ts';

const usage = `usage: probescope check [--bpftrace VERSION] [--catalog FILE] [--unsafe] [--format text|json] FILE…
       probescope check --batch [--bpftrace VERSION] [--catalog FILE] [--unsafe]

Checks bpftrace scripts. \`-\` reads standard input.

  --bpftrace VERSION  the release to check for, 0.17 … 0.27; without it the file's own comment
                      \`// probescope: bpftrace>=0.21\` counts, else the catalog's release, else ${formatVersion(newestVersion)}
  --catalog FILE      what the target has, from \`probescope catalog\`: its tracepoints, functions and types
  --unsafe            the scripts will run with \`bpftrace --unsafe\`
  --format text|json  text: \`FILE:LINE:COLUMN: severity: message [code]\`, counted from 1;
                      json: one JSON line a file, places counted from 0 in UTF-16 characters
  --batch             reads JSON lines {"name","source"} (optionally "bpftrace", "unsafe") from standard input
                      and prints one JSON line each

Exit: 0 when no script has an error (there may be warnings), 1 when one has, 2 for a wrong command line.`;

/** One finding as JSON shows it; lines and UTF-16 characters count from 0. */
interface Finding {
  readonly line: number;
  readonly character: number;
  readonly endLine: number;
  readonly endCharacter: number;
  readonly severity: string;
  readonly code: string;
  readonly message: string;
  readonly hint?: string;
}

/** With the places that it leads to: the text shows them. */
interface Found {
  readonly finding: Finding;
  readonly related: readonly {
    readonly line: number;
    readonly character: number;
    readonly message: string;
  }[];
}

interface Choice {
  readonly version: Version | undefined;
  readonly target: Version | undefined;
  readonly unsafe: boolean;
  readonly catalog: KnownCatalog | undefined;
}

/** Syntax errors and findings of one script, by place. */
function findings(source: string, choice: Choice): readonly Found[] {
  const version = chooseVersion(source, { option: choice.version, target: choice.target });
  const parsed = parse(source, { version });
  const { diagnostics } = check(source, parsed, {
    version,
    unsafe: choice.unsafe,
    ...(choice.catalog === undefined ? {} : { catalog: choice.catalog }),
  });
  const lines = new LineIndex(source);
  return [...parsed.diagnostics, ...diagnostics]
    .sort((a, b) => a.start - b.start || a.end - b.end)
    .map((diagnostic) => ({
      finding: asFinding(lines, diagnostic),
      related: (diagnostic.related ?? []).map(({ start, message }) => ({
        ...lines.positionAt(start),
        message,
      })),
    }));
}

function asFinding(lines: LineIndex, diagnostic: Diagnostic): Finding {
  const [start, end] = [lines.positionAt(diagnostic.start), lines.positionAt(diagnostic.end)];
  return {
    line: start.line,
    character: start.character,
    endLine: end.line,
    endCharacter: end.character,
    severity: diagnostic.severity,
    code: diagnostic.code,
    message: diagnostic.message,
    ...(diagnostic.hint === undefined ? {} : { hint: diagnostic.hint }),
  };
}

const isError = ({ finding }: Found): boolean => finding.severity === 'error';

function readVersion(text: string): Version {
  const version = parseVersion(text);
  if (version === undefined || version < oldestVersion)
    throw new UsageError(
      `--bpftrace ${text}: not a release from ${formatVersion(oldestVersion)} on, such as ${formatVersion(newestVersion)}`,
    );
  return version;
}

async function loadCatalog(path: string): Promise<KnownCatalog> {
  const file = await readScript(path);
  if ('refusal' in file) throw new UsageError(`--catalog ${file.refusal}`);
  const read = readCatalog(file.text);
  if ('refusal' in read) throw new UsageError(`--catalog ${path}: ${read.refusal}`);
  return knownCatalog(read.catalog);
}

/** Prints one file's findings; true when one is an error. */
function printFindings(path: string, found: readonly Found[], format: string): void {
  if (format === 'json') {
    process.stdout.write(asJson(path, found));
    return;
  }
  const name = path === '-' ? '<stdin>' : path;
  const placeOf = ({ line, character }: { line: number; character: number }): string =>
    `${name}:${line + 1}:${character + 1}`;
  for (const { finding, related } of found) {
    process.stdout.write(`${placeOf(finding)}: ${finding.severity}: ${finding.message} [${finding.code}]\n`);
    if (finding.hint !== undefined) process.stdout.write(`    ${finding.hint}\n`);
    for (const one of related) process.stdout.write(`    ${placeOf(one)}: ${one.message}\n`);
  }
}

const asJson = (name: unknown, found: readonly Found[]): string =>
  `${JSON.stringify({ name, diagnostics: found.map(({ finding }) => finding) })}\n`;

async function checkFiles(paths: readonly string[], choice: Choice, format: string): Promise<number> {
  let failed = false;
  for (const path of paths) {
    const script = await readScript(path);
    if ('refusal' in script) {
      process.stderr.write(`probescope check: ${script.refusal}\n`);
      return exitCodes.usage;
    }
    const found = findings(script.text, choice);
    printFindings(path, found, format);
    failed ||= found.some(isError);
  }
  return failed ? exitCodes.failed : exitCodes.ok;
}

/** One request of a batch; what is not understood is left out of it. */
function readRequest(line: string, choice: Choice): { name: unknown; source: string; choice: Choice } {
  const value: unknown = JSON.parse(line);
  if (typeof value !== 'object' || value === null) throw new Error('not an object');
  const request = value as Record<string, unknown>;
  const source = request['source'];
  if (typeof source !== 'string') throw new Error('"source" is missing or not a string');
  const given = request['bpftrace'] ?? request['version'];
  const version =
    typeof given === 'string' || typeof given === 'number' ? parseVersion(String(given)) : undefined;
  return {
    name: request['name'] ?? '',
    source,
    choice: {
      ...choice,
      version: version ?? choice.version,
      unsafe: choice.unsafe || request['unsafe'] === true,
    },
  };
}

async function checkBatch(choice: Choice): Promise<number> {
  let failed = false;
  let lineNumber = 0;
  const lines = createInterface({ input: process.stdin, crlfDelay: Infinity });
  for await (const line of lines) {
    lineNumber++;
    if (line.trim() === '') continue;
    let request: ReturnType<typeof readRequest>;
    try {
      request = readRequest(line, choice);
    } catch (error) {
      process.stderr.write(
        `probescope check: line ${lineNumber} of the batch: ${error instanceof Error ? error.message : String(error)}\n`,
      );
      return exitCodes.usage;
    }
    const found = findings(request.source, request.choice);
    process.stdout.write(asJson(request.name, found));
    failed ||= found.some(isError);
  }
  return failed ? exitCodes.failed : exitCodes.ok;
}

export const checkCommand: Command = {
  usage,
  async run(args) {
    const { values, positionals } = parseCommandLine(args, {
      bpftrace: { type: 'string' },
      catalog: { type: 'string' },
      unsafe: { type: 'boolean' },
      format: { type: 'string' },
      batch: { type: 'boolean' },
    });
    const format = values.format ?? 'text';
    if (format !== 'text' && format !== 'json')
      throw new UsageError(`--format ${format}: there are text and json`);
    const catalog = values.catalog === undefined ? undefined : await loadCatalog(values.catalog);
    const choice: Choice = {
      version: values.bpftrace === undefined ? undefined : readVersion(values.bpftrace),
      target:
        catalog?.target.bpftraceVersion === undefined
          ? undefined
          : parseVersion(catalog.target.bpftraceVersion),
      unsafe: values.unsafe === true,
      catalog,
    };
    if (values.batch === true) {
      if (positionals.length > 0) throw new UsageError('--batch reads standard input and takes no files');
      return checkBatch(choice);
    }
    if (positionals.length === 0) throw new UsageError('which file? `-` is standard input');
    return checkFiles(positionals, choice, format);
  },
};
