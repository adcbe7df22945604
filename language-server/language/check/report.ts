import type { Diagnostic, Fix, Severity, Span } from '../diagnostic.ts';

/** Every code of the checker. They are stable: settings, suppressions and tests refer to them. */
export const checkCodes = [
  // the release
  'not-in-version',
  'removed-in-version',
  'deprecated',
  // probes
  'attach-point-value',
  'duplicate-probe',
  'unknown-tracepoint',
  'unknown-kernel-function',
  'unknown-usdt',
  'unknown-program-function',
  'wrong-probe-type',
  // names
  'unknown-function',
  'unknown-identifier',
  'undefined-variable',
  'undefined-map',
  'unknown-type',
  'unknown-field',
  'shadowing',
  'declaration-order',
  // calls
  'unsafe-function',
  'argument-count',
  'argument-type',
  'argument-value',
  'literal-required',
  'format-arguments',
  'format-type',
  'no-value',
  'map-function-only',
  // types
  'type-mismatch',
  'key-mismatch',
  'scalar-mismatch',
  'condition-type',
  'operator-type',
  'field-access',
  'index',
  'cast',
  'literal-range',
  'loop-only',
  'loop-value',
  'return-value',
  'context-stored',
  'unevaluated-assignment',
  'not-printable',
  // the rest of the script
  'config-option',
  'config-value',
  'macro-call',
  'macro-definition',
  'map-declaration',
  'c-definition',
  // likely mistakes
  'division-by-zero',
  'sign-mixture',
  'signed-division',
  'unreachable',
  'unused-variable',
  'unused-map',
  'unused-value',
  'truncation',
  'async-print',
  'unassigned',
  'trap-recursion',
  'trap-missing-delete',
  'trap-unread-memory',
  'trap-hot-event',
  'trap-go-uretprobe',
] as const;
export type CheckCode = (typeof checkCodes)[number];

export type Extra = Pick<Diagnostic, 'hint' | 'fixes' | 'tags' | 'related'>;

/** Collects the diagnostics of one pass; a place gets each code once. */
export class Report {
  readonly diagnostics: Diagnostic[] = [];
  private readonly seen = new Set<string>();

  error(span: Span, code: CheckCode, message: string, extra: Extra = {}): void {
    this.add(span, 'error', code, message, extra);
  }

  warning(span: Span, code: CheckCode, message: string, extra: Extra = {}): void {
    this.add(span, 'warning', code, message, extra);
  }

  information(span: Span, code: CheckCode, message: string, extra: Extra = {}): void {
    this.add(span, 'information', code, message, extra);
  }

  hint(span: Span, code: CheckCode, message: string, extra: Extra = {}): void {
    this.add(span, 'hint', code, message, extra);
  }

  /** Takes over what another report collected, about places of its own. */
  addAll(diagnostics: readonly Diagnostic[]): void {
    for (const diagnostic of diagnostics) this.diagnostics.push(diagnostic);
  }

  /** Takes over one diagnostic, about a place that nothing else speaks of. */
  take(diagnostic: Diagnostic): void {
    this.diagnostics.push(diagnostic);
  }

  private add(span: Span, severity: Severity, code: CheckCode, message: string, extra: Extra): void {
    const key = `${span.start} ${span.end} ${code}`;
    if (this.seen.has(key)) return;
    this.seen.add(key);
    this.diagnostics.push({
      start: span.start,
      end: Math.max(span.start, span.end),
      code,
      severity,
      message,
      ...extra,
    });
  }
}

/** A fix that replaces one stretch of text. */
export function replace(span: Span, newText: string, title: string, preferred = true): Fix {
  return { title, edits: [{ start: span.start, end: span.end, newText }], preferred };
}

/** The candidate nearest to `word` in edits, or undefined when none is near (a third of the word, at most 3). */
export function nearest(word: string, candidates: Iterable<string>): string | undefined {
  let best: string | undefined;
  let bestDistance = Math.min(3, Math.max(1, Math.floor(word.length / 3))) + 1;
  for (const candidate of candidates) {
    if (candidate === word || Math.abs(candidate.length - word.length) >= bestDistance) continue;
    const distance = editDistance(word, candidate, bestDistance);
    if (distance < bestDistance) [best, bestDistance] = [candidate, distance];
  }
  return best;
}

/** Optimal string alignment distance (a transposition counts once), given up at `limit`. */
function editDistance(a: string, b: string, limit: number): number {
  let before: number[] = [];
  let previous = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    let smallest = i;
    for (let j = 1; j <= b.length; j++) {
      const cost = a[i - 1] === b[j - 1] ? 0 : 1;
      let value = Math.min((previous[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1, (previous[j - 1] ?? 0) + cost);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
        value = Math.min(value, (before[j - 2] ?? 0) + 1);
      row.push(value);
      if (value < smallest) smallest = value;
    }
    if (smallest >= limit) return limit;
    [before, previous] = [previous, row];
  }
  return previous[b.length] ?? limit;
}
