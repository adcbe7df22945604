import type { Analysis } from './analysis.ts';
import { referencesOf } from './symbols.ts';

export interface Hint {
  readonly offset: number;
  /** `: uint64`; at most 43 characters, which is what VS Code shows. */
  readonly label: string;
}

const longest = 43;

/** The inferred types of variables and maps where they are first written, unless the type stands there already. */
export function inlayHints(analysis: Analysis, start: number, end: number): Hint[] {
  const hints: Hint[] = [];
  for (const reference of referencesOf(analysis)) {
    if (!reference.definition || (reference.kind !== 'variable' && reference.kind !== 'map')) continue;
    if (reference.end < start || reference.start > end) continue;
    if (
      /^\s*(?::|=\s*\()/.test(analysis.source.slice(reference.end, reference.end + 20)) &&
      reference.kind === 'variable'
    )
      continue;
    const type = analysis.typeText(reference);
    if (type === undefined || type === '') continue;
    const label = `: ${type}`;
    hints.push({
      offset: reference.end,
      label: label.length > longest ? `${label.slice(0, longest - 1)}…` : label,
    });
  }
  return hints;
}
