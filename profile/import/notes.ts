import type { Profile } from '../../protocol/profile.ts';
import { ProbeError } from '../../protocol/errors.ts';

/** Places that are told one by one; the rest is counted. */
const TOLD = 12;

/** What an importer could not use: each place with its reason, the first ones in words, the others as a number. */
export class ImportNotes {
  count = 0;
  readonly #told: string[] = [];

  add(place: string, reason: string): void {
    if (this.#told.length < TOLD) this.#told.push(`${place}: ${reason}`);
    this.count++;
  }

  sentences(): string[] {
    const more = this.count - this.#told.length;
    return more > 0 ? [...this.#told, `and ${more} more such places`] : [...this.#told];
  }
}

export interface Imported {
  readonly profile: Profile;
  /** What was left out and why, with the place. */
  readonly notes: readonly string[];
}

/** Ends an import: an error when nothing was good, otherwise the good part with what was left out. */
export function finishImport(profile: Profile, notes: ImportNotes, what: string): Imported {
  const sentences = notes.sentences();
  let total = 0;
  for (const weight of profile.nodes.self) total += weight;
  if (total === 0) {
    throw new ProbeError({
      code: 'malformed-file',
      message:
        sentences.length === 0
          ? `${profile.title} holds no stacks; it was read as ${what}.`
          : `Nothing in ${profile.title} could be used as ${what}: ${sentences.join('; ')}.`,
      remedy: 'Check that it is the file you meant; --from names its format where it cannot be recognised.',
    });
  }
  if (total > Number.MAX_SAFE_INTEGER)
    sentences.push(`The weights add up to ${total.toPrecision(4)}, more than 2^53: sums are rounded.`);
  const all = [...profile.notes, ...sentences];
  return { profile: { ...profile, notes: all }, notes: all };
}
