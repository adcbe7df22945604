import type { Diagnostic, Fix } from '../diagnostic.ts';
import type { Analysis } from './analysis.ts';

export interface Action {
  readonly fix: Fix;
  readonly diagnostic: Diagnostic;
}

/** The fixes of all diagnostics that touch a stretch of the script. */
export function codeActions(analysis: Analysis, start: number, end: number): Action[] {
  return analysis.diagnostics
    .filter((diagnostic) => diagnostic.start <= end && start <= diagnostic.end)
    .flatMap((diagnostic) => (diagnostic.fixes ?? []).map((fix) => ({ fix, diagnostic })));
}
