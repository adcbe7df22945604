import type { Problem } from './errors.ts';

/** What the panels of counters and of system calls are told; figures follow their `begin`, and a new one empties the panel. */
export type HostToCounting<Figures> =
  | { readonly type: 'begin'; readonly title: string; readonly engine: string }
  | { readonly type: 'figures'; readonly figures: Figures }
  | { readonly type: 'ended'; readonly problem?: Problem };

export type CountingToHost =
  | { readonly type: 'ready' }
  | { readonly type: 'start' }
  | { readonly type: 'stop' }
  | { readonly type: 'copy'; readonly text: string }
  | { readonly type: 'problem'; readonly message: string };
