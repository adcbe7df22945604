/** Real bpftrace releases as judges: the form for each that compiles a script and attaches nothing. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { check } from '../../language-server/language/check/check.ts';
import type { Diagnostic } from '../../language-server/language/diagnostic.ts';
import { LineIndex } from '../../language-server/language/lines.ts';
import { parse } from '../../language-server/language/syntax/parser.ts';
import { parseVersion, type Version } from '../../language-server/language/version.ts';
import { cache } from '../../scripts/node24.mjs';
import { otherBpftrace } from '../lab/other-bpftrace.ts';
import { askReal } from './real-bpftrace.ts';

export interface Oracle {
  /** As it calls itself: `0.17.0`. */
  readonly release: string;
  readonly version: Version;
  readonly command: readonly string[];
}

export interface Verdict {
  readonly accepted: boolean;
  /** Its error text, when it refused. */
  readonly text: string;
  /** Killed by a signal, out of time, or refused for what this host lacks: no verdict about the language. */
  readonly isNoVerdict: boolean;
}

/** The `bpftrace` of the PATH, or undefined when there is none that runs. */
export function installedOracle(): Oracle | undefined {
  return oracleOf(['bpftrace']);
}

/** Other releases than the installed one: 0.23, 0.25 and 0.27, fetched by the lab the first time (300 MB each). */
export function laboratoryOracles(): Oracle[] {
  return (['trixie', 'resolute', 'sid'] as const).flatMap((suite) => oracleOf([otherBpftrace(suite)]) ?? []);
}

function oracleOf(command: readonly string[]): Oracle | undefined {
  const [program = '', ...args] = command;
  const { stdout, status } = spawnSync(program, [...args, '--version'], { encoding: 'utf8' });
  const release = /v(\d+\.\d+\.\d+)/.exec(stdout ?? '')?.[1];
  const version = release === undefined ? undefined : parseVersion(release);
  return status !== 0 || release === undefined || version === undefined
    ? undefined
    : { release, version, command };
}

/**
 * `-d` up to 0.21; `--emit-elf` up to 0.23, where `-d` takes a stage and `--dry-run` attaches; `--mode codegen` from
 * 0.24 on, which looks names of functions up in the list it is given.
 */
function dryRun(version: Version): string[] {
  if (version <= 21) return ['-d'];
  if (version <= 23) return ['--emit-elf', 'OUT'];
  return ['--traceable-functions', traceableFunctions(), '--mode', 'codegen'];
}

let functionList: string | undefined;

/** What test scripts call a function where any will do. */
const anyFunctions = ['f', 'g', 'func_1', 'func_2'];

/**
 * The kernel's functions as /proc/kallsyms has them: the list that bpftrace reads itself is closed where the kernel is
 * locked down, and without it 0.27 refuses every kprobe.
 */
function traceableFunctions(): string {
  if (functionList !== undefined) return functionList;
  const names = readFileSync('/proc/kallsyms', 'utf8').matchAll(/ [tT] ([^\s.]+)$/gm);
  functionList = join(cache, 'oracles', 'traceable-functions');
  mkdirSync(join(cache, 'oracles'), { recursive: true });
  writeFileSync(
    functionList,
    `${[...new Set([...anyFunctions, ...[...names].map((match) => match[1])])].join('\n')}\n`,
  );
  return functionList;
}

/**
 * Refusals that speak of the host: its kernel, its binaries, its debug information, the arguments that were not given;
 * and the library of Ubuntu's 0.25.0, in which no call of `strncmp()` finds its arguments right.
 */
const aboutTheHost =
  /Failed to get `cgroupid`|available_filter_functions|\/usr\/include\/|resolve kernel symbol|__btf_generated_header|does not exist or is not executable|No matches for|no valid attach points|not available for your kernel|BTF|tracepoints? not found|is not traceable|no debuginfo|expanded from|file not found|unroll minimum value is 1|lhist\(\) step must be >= 1 \(0 provided\)|Could not resolve symbol|-p PID|does not contain a field named|Unknown struct|Cannot resolve unknown type|Expected uint8 \* for argument `cs`/;

export async function judge(oracle: Oracle, source: string, unsafe = false): Promise<Verdict> {
  const args = [...dryRun(oracle.version), ...(unsafe ? ['--unsafe'] : [])];
  const { status, errors } = await askReal(
    { release: oracle.release, command: oracle.command, args },
    source,
  );
  const accepted = status === 0;
  return {
    accepted,
    text: errors.join('\n'),
    isNoVerdict:
      status === null || (!accepted && (errors.length === 0 || aboutTheHost.test(errors[0] ?? ''))),
  };
}

export interface Difference {
  readonly name: string;
  readonly source: string;
  /** What bpftrace says when it refuses; empty when it accepts. */
  readonly theirs: string;
  readonly ours: string;
}

export interface Comparison {
  agreed: number;
  noVerdict: number;
  readonly differences: Difference[];
  /** Refusals of both for which bpftrace gives line and columns, and those where an error of ours overlaps. */
  placed: number;
  overlapping: number;
  /** Those where none of ours does. */
  readonly misplaced: Difference[];
}

/** Asks bpftrace and us about each script, two processes at a time, until the time is up. */
export async function compare(
  oracle: Oracle,
  scripts: readonly { readonly name: string; readonly source: string }[],
  limitMs = 600_000,
): Promise<Comparison> {
  const endMs = Date.now() + limitMs;
  const result: Comparison = {
    agreed: 0,
    noVerdict: 0,
    differences: [],
    placed: 0,
    overlapping: 0,
    misplaced: [],
  };
  const waiting = [...scripts];
  const work = async (): Promise<void> => {
    for (let script = waiting.shift(); script !== undefined && Date.now() < endMs; script = waiting.shift())
      note(result, oracle, script, await judge(oracle, script.source));
  };
  await Promise.all([work(), work()]);
  return result;
}

function note(
  result: Comparison,
  { version }: Oracle,
  { name, source }: { readonly name: string; readonly source: string },
  verdict: Verdict,
): void {
  if (verdict.isNoVerdict) {
    result.noVerdict++;
    return;
  }
  const parsed = parse(source, { version });
  const errors = [...parsed.diagnostics, ...check(source, parsed, { version }).diagnostics].filter(
    (diagnostic) => diagnostic.severity === 'error',
  );
  if (verdict.accepted !== (errors.length === 0)) {
    result.differences.push({ name, source, theirs: verdict.text, ours: errors[0]?.message ?? '' });
    return;
  }
  result.agreed++;
  if (verdict.accepted) return;
  const place = /script\.bt:(\d+):(\d+)-(\d+): (?:ERROR|error)/.exec(verdict.text);
  // 1:1-1 is what bpftrace prints for a node that was given no place
  if (place === null || (place[1] === '1' && place[2] === '1' && place[3] === '1')) return;
  result.placed++;
  const lines = new LineIndex(source);
  const line = Number(place[1]) - 1;
  const from = lines.offsetAt({ line, character: Number(place[2]) - 1 });
  const to = lines.offsetAt({ line, character: Number(place[3]) - 1 });
  if (errors.some((error) => error.start <= to && error.end >= from)) result.overlapping++;
  else result.misplaced.push({ name, source, theirs: verdict.text, ours: placesOf(errors, lines) });
}

/** The places and messages of errors, as bpftrace counts columns. */
function placesOf(errors: readonly Diagnostic[], lines: LineIndex): string {
  return errors
    .map(({ start, end, message }) => {
      const [from, to] = [lines.positionAt(start), lines.positionAt(end)];
      return `${from.line + 1}:${from.character + 1}-${to.character + 1} ${message}`;
    })
    .join(' | ');
}
