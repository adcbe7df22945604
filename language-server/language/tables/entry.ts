import type { Version } from '../version.ts';

/** In which releases something exists. Absent `since`: in the oldest one known. `removed`: the first without it. */
export interface Lifetime {
  readonly since?: Version;
  readonly removed?: Version;
  /** The first release that discourages it. */
  readonly deprecated?: Version;
  /** What to write instead once it is deprecated or removed. */
  readonly instead?: string;
}

/** A word of the language with its explanation, which is our own text. */
export interface Word extends Lifetime {
  readonly name: string;
  readonly doc: string;
}

export function exists(entry: Lifetime, version: Version): boolean {
  return (entry.since ?? 0) <= version && (entry.removed === undefined || version < entry.removed);
}

/** A table by name; the last entry wins where two share one. */
export function byName<Entry extends { readonly name: string }>(
  entries: readonly Entry[],
): ReadonlyMap<string, Entry> {
  return new Map(entries.map((entry) => [entry.name, entry]));
}
