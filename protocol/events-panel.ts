import type { Problem } from './errors.ts';
import type { EventCounts, EventField, EventRows, EventStack, StackKind, StreamSchema } from './events.ts';
import type { SourcePlace } from './source.ts';

/** What the live table is told. Rows follow their `stream` message; a new `stream` message empties the table. */
export type HostToEvents =
  | {
      readonly type: 'stream';
      readonly title: string;
      readonly schema: StreamSchema;
      readonly filter: string;
      /** What a filter may name, by event. */
      readonly fields: readonly (readonly EventField[])[];
      /** Measured before the first row, for the header. */
      readonly note: string;
    }
  | { readonly type: 'rows'; readonly rows: EventRows }
  | { readonly type: 'stacks'; readonly stacks: readonly EventStack[] }
  | { readonly type: 'ended'; readonly counts: EventCounts; readonly problem?: Problem }
  /** A start was refused: shown above the table, which stays as it is. */
  | { readonly type: 'refused'; readonly problem: Problem };

export type EventsToHost =
  | { readonly type: 'ready' }
  | { readonly type: 'start'; readonly filter: string; readonly stacks: readonly StackKind[] }
  | { readonly type: 'stop' }
  | { readonly type: 'copy'; readonly text: string }
  | { readonly type: 'copyAs' }
  /** Opens the first of these places whose file is on this machine. */
  | { readonly type: 'open'; readonly places: readonly SourcePlace[] }
  | { readonly type: 'save'; readonly suggestedName: string; readonly content: string }
  | { readonly type: 'problem'; readonly message: string };
