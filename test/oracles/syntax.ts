import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { parse } from '../../language-server/language/syntax/parser.ts';
import { commonScripts, newestScripts, seeded } from '../unit/language/scripts.ts';
import { ask, refusesProbeTypes, scratchFolder, type Oracle } from './bpftrace.ts';

/** Where the two disagree. */
export interface Difference {
  readonly script: string;
  readonly theirs: string;
  readonly ours: string;
  /** Why this is known and stays; undefined for one that must not be. */
  readonly reason: string | undefined;
}

/** Our errors that are no syntax for `bpftrace --fmt`, which reads attach points as text. */
const notForFmt = /^(?:attach-point-|unknown-probe|no-probes|no-attach|removed)/;

export async function compare(oracle: Oracle, scripts: readonly string[]): Promise<Difference[]> {
  const folder = scratchFolder();
  const differences: Difference[] = [];
  let next = 0;
  const worker = async (): Promise<void> => {
    for (let index = next++; index < scripts.length; index = next++) {
      const script = scripts[index] ?? '';
      const { error, syntax } = await ask(oracle, script, folder, String(index));
      // Which functions exist is the checker's business, though bison's grammar says it.
      if (error.includes('Unknown function')) continue;
      const [ours] = parse(script, { version: oracle.version }).diagnostics.filter(
        (one) => one.severity === 'error' && !(oracle.version === 27 && notForFmt.test(one.code)),
      );
      if (syntax === (ours !== undefined)) continue;
      if (oracle.version === 27 && error === '' && (await refusesProbeTypes(oracle, script))) continue;
      const reason = reasons.find((known) =>
        known.fits(script, error, ours?.code ?? '', oracle.version),
      )?.text;
      differences.push({
        script,
        theirs: error,
        ours: ours === undefined ? '' : `${ours.code}: ${ours.message}`,
        reason,
      });
    }
  };
  await Promise.all([worker(), worker()]);
  return differences;
}

interface Reason {
  readonly text: string;
  fits(script: string, error: string, ours: string, version: number): boolean;
}

const reasons: readonly Reason[] = [
  {
    text: 'both refuse it, bpftrace for its meaning: a newer word as a name, an empty sizeof(), a struct that cannot be',
    fits: (_, error, ours) => error !== '' && ours !== '',
  },
  {
    text: 'a positional parameter in an attach point is empty for bpftrace when no arguments are given',
    fits: (script, error) => /stoull|No attach points/.test(error) && /(?:^|[\s:,])\$\d/.test(script),
  },
  {
    text: '0.26+ take C definitions apart with a simpler scan; clang refuses these later',
    fits: (script, error, _, version) =>
      version >= 26 && error === '' && /\b(?:struct|enum|union)\b/.test(script),
  },
  {
    text: '0.26+ take an empty name of a field in offsetof(); the type is refused later',
    fits: (script, error, _, version) => version >= 26 && error === '' && script.includes('offsetof'),
  },
];

/** Scripts of our own, those that Debian's package ships, and those of the unit tests. */
export function baseScripts(version: number): string[] {
  const cases = readFileSync(resolve(import.meta.dirname, 'cases.txt'), 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) =>
      line.replace(/\\(n|r|t|\\)/g, (_, letter: string) => ({ n: '\n', r: '\r', t: '\t' })[letter] ?? '\\'),
    );
  return [...cases, ...shippedScripts(), ...commonScripts, ...(version >= 27 ? newestScripts : [])];
}

export function shippedScripts(): string[] {
  if (!existsSync('/usr/sbin')) return [];
  return readdirSync('/usr/sbin')
    .filter((file) => file.endsWith('.bt'))
    .map((file) => readFileSync(`/usr/sbin/${file}`, 'utf8'));
}

const token =
  /\s+|\/\/[^\n]*|\/\*[^]*?\*\/|"(?:\\.|[^"\\\n])*"|[A-Za-z_]\w*|[$@]\w*|\d\w*|<<=|>>=|\+\+|--|->|==|!=|<=|>=|&&|\|\||<<|>>|[+\-*/%&|^]=|./g;
const pool =
  '( ) { } [ ] ; , : ? . -> = == + - * / % & | ^ ! ~ ++ -- < >> && += 5 0x1f 1e3 "s" $x @y @ $1 $# foo pid args count printf if else while unroll for return break struct uint64 (uint64) sizeof perf kstack arg0 let config string .. # :x \\ " fn macro import _ true 5ms'.split(
    ' ',
  );

/** Single-token mutations: one token removed, put in, replaced, or two exchanged. The same for a seed. */
export function mutations(version: number, count: number, seed: number): string[] {
  const random = seeded(seed);
  const scripts = [
    ...shippedScripts().filter((script) => !script.includes('#include')),
    ...commonScripts,
    ...commonScripts,
    ...(version >= 27 ? newestScripts : []),
  ];
  return Array.from({ length: count }, () => {
    const tokens = (scripts[random(scripts.length)] ?? '').match(token) ?? [];
    const places = tokens.flatMap((text, index) => (text.trim() === '' ? [] : [index]));
    const at = places[random(places.length)] ?? 0;
    const word = pool[random(pool.length)] ?? '';
    const kind = random(4);
    if (kind === 0) tokens.splice(at, 1);
    else if (kind === 1) tokens.splice(at, 0, random(2) === 0 ? word : `${word} `);
    else if (kind === 2) tokens[at] = word;
    else {
      const other = places[random(places.length)] ?? 0;
      [tokens[at], tokens[other]] = [tokens[other] ?? '', tokens[at] ?? ''];
    }
    return tokens.join('');
  });
}

/** The differences as a test prints them. */
export function describeDifferences(differences: readonly Difference[]): string {
  return differences
    .map(
      ({ script, theirs, ours, reason }) =>
        `${JSON.stringify(script.slice(0, 300))}\n  bpftrace: ${theirs || 'accepts'}\n  we: ${ours || 'accept'}\n  ${reason ?? ''}`,
    )
    .join('\n');
}
