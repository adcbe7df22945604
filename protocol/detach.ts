import type { Problem } from './errors.ts';

/**
 * What is to be ended on a target:
 * what nobody owns any more; that and everything of one helper; or everything of Probescope's that this user runs there.
 */
export type DetachScope =
  { readonly kind: 'orphans' } | { readonly kind: 'helper'; readonly pid: number } | { readonly kind: 'all' };

/** A process that was ended, or that could not be. */
export interface DetachedProcess {
  readonly pid: number;
  readonly command: string;
}

export interface DetachReport {
  readonly ended: readonly DetachedProcess[];
  /** Still there: another user's, or held by the kernel. */
  readonly left: readonly DetachedProcess[];
  /** Groups of tracefs that are still defined and belong to nobody who is alive. */
  readonly groupsLeft: readonly string[];
  /** Why tracefs could not be looked at; absent when it was. */
  readonly tracefs?: Problem;
}
