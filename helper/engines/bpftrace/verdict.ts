import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import type { ScriptVerdict, VerdictRemark } from '../../../protocol/verdict.ts';

/** A bpftrace to ask: its words, those of sudo among them, and its version as it prints it. */
export interface AskedBpftrace {
  readonly command: readonly string[];
  readonly version: string;
}

/** bpftrace compiles a script in 0.1 s when its libraries are warm, in 7 s when the disk is cold. */
const timeoutMs = 15_000;

/**
 * Asks bpftrace about a script in the form for its release that attaches nothing: `-d` up to 0.21, `--emit-elf` in 0.22
 * and 0.23 (whose `--dry-run` attaches), `--test-mode codegen` in 0.24, `--mode codegen` from 0.25 on. The script goes in
 * by standard input and nothing of it into the command line. Never throws.
 */
export async function checkScript(
  bpftrace: AskedBpftrace,
  script: string,
  options: { readonly unsafe: boolean; readonly cancelSignal?: AbortSignal },
): Promise<ScriptVerdict> {
  const source = `bpftrace ${bpftrace.version}`;
  const folder = await mkdtemp(join(tmpdir(), 'probescope-verdict-'));
  try {
    const [program = '', ...words] = bpftrace.command;
    const args = [
      ...words,
      ...dryRunArguments(bpftrace.version, folder),
      ...(options.unsafe ? ['--unsafe'] : []),
      '-',
    ];
    const result = await execa(program, args, {
      input: script,
      timeout: timeoutMs,
      killSignal: 'SIGKILL',
      reject: false,
      stdout: 'ignore',
      maxBuffer: 1_000_000,
      ...(options.cancelSignal === undefined ? {} : { cancelSignal: options.cancelSignal }),
    });
    if (result.exitCode === undefined && result.signal !== 'SIGABRT')
      return { source: '', remarks: [], silent: `${source} gave no answer within ${timeoutMs / 1000} s.` };
    return { source, remarks: parseRemarks(result.stderr, script, result.exitCode !== 0) };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** The arguments with which that release checks without attaching. */
export function dryRunArguments(version: string, folder: string): string[] {
  const minor = Number(/^v?0\.(\d+)/.exec(version)?.[1] ?? 99);
  if (minor <= 21) return ['-d'];
  if (minor <= 23) return ['--emit-elf', join(folder, 'script.o')];
  return minor === 24 ? ['--test-mode', 'codegen'] : ['--mode', 'codegen'];
}

interface Draft {
  firstLine: number;
  lastLine: number;
  /** From 1, in bytes; absent when a remark spans several lines. */
  columns?: { from: number; to: number };
  severity: 'error' | 'warning';
  message: string;
  hint?: string;
}

/** `stdin:L:C1-C2: ERROR: text`, `stdin:L1-L2: ERROR: text`, and lines without a place. */
const located = /^(?:stdin|[^\s:]+\.bt):(\d+)(?::(\d+)-(\d+)|-(\d+)): (ERROR|WARNING): (.*)$/;
const unlocated = /^(?:(ERROR|WARNING|FATAL): |.*?\b(?:fatal )?error: )(.*)$/;
/** Said by every bpftrace that may not raise its limits, and no fault of the script (FACTS: the word ERROR is no verdict). */
const noise = /RLIMIT_MEMLOCK|BPF_PROG|could not find kernel headers/i;

/** bpftrace's remarks on standard error, in its order. Remarks without a place count only when it `failed`. */
export function parseRemarks(stderr: string, script: string, failed: boolean): VerdictRemark[] {
  const drafts: Draft[] = [];
  for (const line of stderr.split('\n')) {
    const draft = readLine(line.trimEnd(), failed && drafts.every(({ severity }) => severity !== 'error'));
    if (draft !== undefined) drafts.push(draft);
    const hint = /^\s*HINT: (.*)$/.exec(line)?.[1];
    const last = drafts[drafts.length - 1];
    if (hint !== undefined && last !== undefined)
      last.hint = last.hint === undefined ? hint : `${last.hint} ${hint}`;
  }
  const lines = script.split('\n');
  return drafts.map((draft) => placed(draft, lines));
}

function readLine(line: string, wantsUnlocated: boolean): Draft | undefined {
  if (noise.test(line)) return undefined;
  const match = located.exec(line);
  if (match !== null) {
    const [, first = '1', from, to, last, word, message = ''] = match;
    const severity = word === 'ERROR' ? 'error' : 'warning';
    const place = { firstLine: Number(first), lastLine: Number(last ?? first) };
    if (from === undefined || to === undefined) return { ...place, severity, message };
    return { ...place, columns: { from: Number(from), to: Number(to) }, severity, message };
  }
  const other = unlocated.exec(line);
  if (other === null || other[1] === 'WARNING' || !wantsUnlocated) return undefined;
  return { firstLine: 1, lastLine: 1, severity: 'error', message: other[2] ?? '' };
}

function placed(draft: Draft, lines: readonly string[]): VerdictRemark {
  const line = clamp(draft.firstLine - 1, lines.length - 1);
  const endLine = clamp(draft.lastLine - 1, lines.length - 1);
  const text = lines[line] ?? '';
  const endText = lines[endLine] ?? '';
  const { columns, severity, message, hint } = draft;
  const character = columns === undefined ? 0 : characterOf(text, columns.from - 1);
  const endCharacter = columns === undefined ? endText.length : characterOf(endText, columns.to - 1);
  const remark = {
    line,
    character,
    endLine,
    endCharacter: Math.max(endCharacter, line === endLine ? character : 0),
    severity,
    message,
  };
  return hint === undefined ? remark : { ...remark, hint };
}

function clamp(value: number, most: number): number {
  return Math.max(0, Math.min(value, most));
}

/** bpftrace counts bytes, editors UTF-16 units. */
function characterOf(line: string, bytes: number): number {
  let seen = 0;
  let at = 0;
  for (const character of line) {
    if (seen >= bytes) break;
    seen += Buffer.byteLength(character);
    at += character.length;
  }
  return at;
}
