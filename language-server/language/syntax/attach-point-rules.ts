import { exists } from '../tables/entry.ts';
import { probeWords, type ProbeTypeName, type ProbeWord } from '../tables/probes.ts';
import { formatVersion } from '../version.ts';
import type { AttachPart, AttachPoint } from './ast.ts';
import { readNumber } from './numbers.ts';
import type { ParserState } from './state.ts';

/**
 * The grammar inside an attach point, as bpftrace's own attach-point parser checks it after the syntax: the word before
 * the first colon, how many parts follow, offsets and numbers. What exists on a target is the checker's business.
 */
export function checkAttachPoint(p: ParserState, point: AttachPoint, earlier: readonly AttachPoint[]): void {
  const { provider } = point;
  // An empty type is skipped by bpftrace: `BEGIN, :x { … }` has one attach point.
  if (provider.text === '') return;
  for (const part of [{ ...provider, quoted: false }, ...point.parts])
    if (
      !part.quoted &&
      (/\$\d+[A-Za-z_]/.test(part.text) || (p.version >= 24 && /\$[A-Za-z_]/.test(part.text)))
    )
      p.error(
        'attach-point-argument',
        part.start,
        part.end,
        'A `$` and letters are no positional parameter: put them in quotes',
      );
  if (provider.text.includes('*') || (provider.text.includes('[') && provider.text.includes(']'))) {
    checkWildcardProvider(p, point);
    return;
  }
  const word = probeWordOf(provider.text, p.version);
  if (word === undefined) {
    if (!provider.text.includes('$')) unknownProvider(p, point);
    return;
  }
  if (word.since !== undefined && p.version < word.since)
    p.requires(
      word.since,
      `\`${provider.text}\` probes are known`,
      provider.start,
      provider.end,
      beginFix(point),
    );
  else if (word.removed !== undefined && p.version >= word.removed)
    p.error(
      'removed',
      provider.start,
      provider.end,
      `\`${provider.text}\` probes were removed in bpftrace ${formatVersion(word.removed)}`,
    );
  else checkParts(p, point, word.type, earlier);
}

/** `begin` ⇄ `BEGIN` by version. */
function beginFix(
  point: AttachPoint,
): { title: string; edits: { start: number; end: number; newText: string }[]; preferred: boolean }[] {
  const { start, end, text } = point.provider;
  if (text !== 'begin' && text !== 'end') return [];
  const newText = text.toUpperCase();
  return [{ title: `Write \`${newText}\``, edits: [{ start, end, newText }], preferred: true }];
}

function unknownProvider(p: ParserState, point: AttachPoint): void {
  const { start, end, text } = point.provider;
  const lower = text.toLowerCase();
  const near = probeWords.find(
    (word) =>
      exists(word, p.version) && (word.name.toLowerCase() === lower || distance(word.name, text) <= 2),
  );
  p.report({
    code: 'unknown-probe-type',
    severity: 'error',
    start,
    end: Math.max(end, start),
    message: `\`${text.slice(0, 60)}\` is no type of probe`,
    hint:
      near === undefined
        ? 'Probes begin with a type such as `kprobe:` or `tracepoint:`.'
        : `Did you mean \`${near.name}\`?`,
    fixes:
      near === undefined
        ? []
        : [
            {
              title: `Replace by \`${near.name}\``,
              edits: [{ start, end, newText: near.name }],
              preferred: true,
            },
          ],
  });
}

/** What the word before the first colon means: in that release if it can, in another one otherwise. */
export function probeWordOf(text: string, version: number): ProbeWord | undefined {
  let other: ProbeWord | undefined;
  // From 0.24 on (change 4371) `Begin` and `KPROBE` are read in lower case, `K` is not
  const lower = version >= 24 ? text.toLowerCase() : text;
  for (const word of probeWords) {
    if (word.name !== text && word.alias !== text && word.name !== lower) continue;
    if (exists(word, version)) return word;
    other ??= word;
  }
  return other;
}

/** Levenshtein's distance, given up beyond 2. */
function distance(a: string, b: string): number {
  if (Math.abs(a.length - b.length) > 2) return 3;
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++)
      next[j] = Math.min(
        (next[j - 1] ?? 9) + 1,
        (row[j] ?? 9) + 1,
        (row[j - 1] ?? 9) + (a[i - 1] === b[j - 1] ? 0 : 1),
      );
    row = next;
  }
  return row[b.length] ?? 3;
}

/** `k*probe:x`: some type must match; alone, as in `*open*`, the pattern is looked for in all probes. */
function checkWildcardProvider(p: ParserState, point: AttachPoint): void {
  const { start, end, text } = point.provider;
  if (point.parts.length === 0) return;
  const pieces = text.split('*').map((piece) => piece.replace(/[^A-Za-z0-9_]/g, '\\$&'));
  const pattern = new RegExp(`^${pieces.join('.*')}$`);
  if (!probeWords.some((word) => exists(word, p.version) && pattern.test(word.name)))
    p.error('unknown-probe-type', start, end, `No type of probe is called \`${text.slice(0, 60)}\``);
}

/** How many parts may follow the type, from and to. */
function arity(type: ProbeTypeName, version: number): readonly [number, number] {
  switch (type) {
    case 'begin':
    case 'end':
      return [0, 0];
    case 'test':
    case 'bench':
      return [1, 1];
    case 'self':
      return [2, 2];
    case 'kprobe':
    case 'kretprobe':
      return [1, version >= 20 ? 2 : 1];
    case 'uprobe':
    case 'uretprobe':
      return [2, version >= 19 ? 3 : 2];
    case 'usdt':
      return [2, 3];
    case 'tracepoint':
      return [2, 2];
    case 'rawtracepoint':
      return [1, version >= 24 ? 2 : 1];
    case 'profile':
    case 'interval':
      return [version >= 24 ? 1 : 2, 2];
    case 'software':
    case 'hardware':
    case 'iter':
      return [1, 2];
    case 'watchpoint':
    case 'asyncwatchpoint':
      return [3, 3];
    case 'fentry':
    case 'fexit':
      return [1, version >= 24 ? 3 : 2];
  }
}

function checkParts(
  p: ParserState,
  point: AttachPoint,
  type: ProbeTypeName,
  earlier: readonly AttachPoint[],
): void {
  const { parts, provider } = point;
  const [least, most] = arity(type, p.version);
  let count = parts.length;
  const [first] = parts;
  if (count === 1 && first?.text === '*' && most === 0) count = 0;
  // `tracepoint:*x` searches all categories.
  if (type === 'tracepoint' && count === 1 && first !== undefined && hasWildcard(first)) count = 2;
  if (count < least || count > most) {
    const wanted = least === most ? `${least}` : `${least} to ${most}`;
    const form = probeWordOf(provider.text, p.version)?.form ?? provider.text;
    p.error(
      'attach-point-parts',
      point.start,
      point.end,
      `A \`${provider.text}\` probe has ${wanted} part${wanted === '1' ? '' : 's'} after its type, here are ${count}`,
      `Write it as \`${form}\`.`,
    );
    return;
  }
  checkArguments(p, point, type);
  if (
    type === 'iter' &&
    earlier.some((other) => probeWordOf(other.provider.text, p.version)?.type === 'iter') &&
    p.version >= 20
  )
    p.error('attach-point-parts', point.start, point.end, 'An `iter` probe has one attach point only');
}

function checkArguments(p: ParserState, point: AttachPoint, type: ProbeTypeName): void {
  const { parts } = point;
  const last = parts[parts.length - 1];
  switch (type) {
    case 'kprobe':
    case 'uprobe':
      checkOffset(p, last, true);
      break;
    case 'kretprobe':
    case 'uretprobe':
      checkOffset(p, last, false);
      break;
    case 'profile':
    case 'interval':
      if (parts.length === 2 || !hasWildcard(last)) checkNumber(p, last, 'rate');
      break;
    case 'software':
    case 'hardware':
      if (parts.length === 2 && last?.text !== '*') checkNumber(p, last, 'count');
      break;
    case 'watchpoint':
    case 'asyncwatchpoint':
      checkWatchpoint(p, parts);
      break;
    case 'iter':
      if (parts.some(hasWildcard))
        p.error('attach-point-argument', point.start, point.end, '`iter` probes take no wildcards');
      break;
    case 'fentry':
    case 'fexit':
      if (parts.length === 3) checkBpfProgram(p, point);
      break;
    default:
  }
}

function hasWildcard(part: AttachPart | undefined): boolean {
  return part !== undefined && (part.wildcard || (part.text.includes('[') && part.text.includes(']')));
}

/** `function+0x10` */
function checkOffset(p: ParserState, part: AttachPart | undefined, allowed: boolean): void {
  if (part === undefined || !part.text.includes('+') || part.text.includes('$')) return;
  const pieces = part.text.split('+').filter((piece) => piece !== '');
  let problem: string | undefined;
  if (!allowed) problem = 'The return of a function has no offset';
  else if (part.text.split('+').length !== 2) problem = 'There can be one offset only';
  else if (pieces.length !== 2 || readNumber(pieces[1] ?? '', p.version).value === undefined)
    problem = 'The offset after `+` must be a number';
  if (problem !== undefined) p.error('attach-point-argument', part.start, part.end, problem);
}

function checkNumber(p: ParserState, part: AttachPart | undefined, what: string): void {
  if (part === undefined || part.text.includes('$')) return;
  const { value } = readNumber(part.text, p.version);
  if (value !== undefined && (value >= 0n || p.version < 18)) return;
  const start = Math.min(part.start, part.end);
  p.error(
    'attach-point-argument',
    start,
    part.end,
    `The ${what} must be a number, not \`${part.text.slice(0, 40)}\``,
  );
}

/** `fentry:bpf:ID:NAME`, a running BPF program. */
function checkBpfProgram(p: ParserState, point: AttachPoint): void {
  const [kind, id] = point.parts;
  if (kind?.text !== 'bpf')
    p.error('attach-point-parts', point.start, point.end, 'Only `fentry:bpf:ID:NAME` has three parts');
  else if (id !== undefined && id.text !== '*' && !id.text.includes('$'))
    if (readNumber(id.text, p.version).value === undefined)
      p.error(
        'attach-point-argument',
        id.end > id.start ? id.start : point.start,
        id.end > id.start ? id.end : point.end,
        `The id of a BPF program is a number or \`*\`, not \`${id.text.slice(0, 40)}\``,
      );
}

function checkWatchpoint(p: ParserState, parts: readonly AttachPart[]): void {
  const [address, length] = parts;
  if (address !== undefined && address.text.includes('+') && p.version < 25) {
    if (!/^[^+]+\+arg[0-9]+$/.test(address.text))
      p.error('attach-point-argument', address.start, address.end, 'Write `FUNCTION+argN` or an address');
  } else checkNumber(p, address, 'address');
  checkNumber(p, length, 'length');
}
