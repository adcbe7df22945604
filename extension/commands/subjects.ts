/** Which function or USDT probe is meant. Pure. */
import type { FunctionSubject, Subject, UsdtSubject } from '../../protocol/probe.ts';
import type { SourcePlace } from '../../protocol/source.ts';

export function functionsOf(subjects: readonly Subject[]): FunctionSubject[] {
  return subjects.filter((subject) => subject.kind === 'function');
}

export function usdtOf(subjects: readonly Subject[]): UsdtSubject[] {
  return subjects.filter((subject) => subject.kind === 'usdt');
}

const samePlace = (a: SourcePlace | undefined, b: SourcePlace | undefined): boolean =>
  a !== undefined && b !== undefined && a.file === b.file && a.line === b.line;

/**
 * Of several functions that bear a name, the one that is meant: the only one, or the one that also encloses the line
 * (`enclosing`). Undefined when it has to be asked.
 */
export function meant(
  named: readonly FunctionSubject[],
  enclosing: readonly FunctionSubject[],
): FunctionSubject | undefined {
  if (named.length <= 1) return named[0];
  const here = named.filter(({ declared }) =>
    enclosing.some((subject) => samePlace(subject.declared, declared)),
  );
  return here.length === 1 ? here[0] : undefined;
}

/** USDT probes with those of the very line first. */
export function nearestFirst(probes: readonly UsdtSubject[], line: number): UsdtSubject[] {
  const distance = ({ declared }: UsdtSubject): number => Math.abs((declared?.line ?? Infinity) - line);
  return [...probes].sort((a, b) => distance(a) - distance(b) || 0);
}

/** The word is written like a call or a definition: `name (`. Templates' arguments may stand between. */
export function looksCalled(line: string, wordEnd: number): boolean {
  return /^\s*(?:<[^;(]*>)?\s*\(/.test(line.slice(wordEnd));
}
