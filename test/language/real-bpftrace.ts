/** Asks a real bpftrace about a script, and keeps its answers: a run that was cut short goes on where it stopped. */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { release, tmpdir } from 'node:os';
import { join } from 'node:path';
import { cache } from '../../scripts/node24.mjs';

/** What bpftrace answered. `status` is null when it was killed, or did not come to an end in time. */
export interface Answer {
  readonly status: number | null;
  /** The lines of its standard error that speak of an error. */
  readonly errors: readonly string[];
}

/** How to ask: a program and the arguments before the script's file. `OUT` among them becomes a file of the question's own. */
export interface Form {
  /** As the release calls itself: `0.17.0`. */
  readonly release: string;
  readonly command: readonly string[];
  readonly args: readonly string[];
}

/** One answer takes 0.1 s on an idle machine; a compiler that loops is ended after this. */
const limitMs = 20_000;

/** Asks, or looks up what was answered before by the same release in the same form on the same kernel. */
export async function askReal(form: Form, source: string): Promise<Answer> {
  const kept = keptAnswers(form.release);
  const key = createHash('sha256')
    .update(JSON.stringify([form.args, release(), source]))
    .digest('base64url');
  const known = kept.get(key);
  if (known !== undefined) return known;
  const answer = await run(form, source);
  // Running out of time says more of the machine than of the script
  if (answer.status !== null) {
    kept.set(key, answer);
    appendFileSync(fileOf(form.release), `${JSON.stringify({ key, ...answer })}\n`);
  }
  return answer;
}

async function run({ command, args }: Form, source: string): Promise<Answer> {
  const folder = mkdtempSync(join(tmpdir(), 'probescope-oracle-'));
  try {
    const file = join(folder, 'script.bt');
    writeFileSync(file, source);
    const [program = '', ...first] = command;
    const given = args.map((argument) => (argument === 'OUT' ? join(folder, 'out') : argument));
    const child = spawn(program, [...first, ...given, file], {
      stdio: ['ignore', 'ignore', 'pipe'],
      timeout: limitMs,
      killSignal: 'SIGKILL',
    });
    let text = '';
    child.stderr.setEncoding('latin1').on('data', (chunk: string) => (text += chunk));
    const status = await new Promise<number | null>((resolve, reject) => {
      child.on('error', reject);
      child.on('close', (code) => {
        resolve(code);
      });
    });
    const errors = text
      .split('\n')
      .filter((line) => /ERROR|FATAL|error:/.test(line) && !line.includes('MEMLOCK'));
    return { status, errors };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const kept = new Map<string, Map<string, Answer>>();

const fileOf = (name: string): string => join(cache, 'oracles', `${name}.jsonl`);

/** `ORACLE_FRESH=1` asks everything anew. A line that was cut off is left out. */
function keptAnswers(name: string): Map<string, Answer> {
  const known = kept.get(name);
  if (known !== undefined) return known;
  const answers = new Map<string, Answer>();
  kept.set(name, answers);
  const file = fileOf(name);
  mkdirSync(join(cache, 'oracles'), { recursive: true });
  if (process.env['ORACLE_FRESH'] === '1' || !existsSync(file)) return answers;
  for (const line of readFileSync(file, 'utf8').split('\n')) {
    if (!line.endsWith('}')) continue;
    const { key, status, errors } = JSON.parse(line) as Answer & { key: string };
    answers.set(key, { status, errors });
  }
  return answers;
}
