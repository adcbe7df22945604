import type { Problem } from './errors.ts';
import type { EventCounts, EventField, EventRows, EventStack, StackKind, StreamSchema } from './events.ts';
import type { SourcePlace } from './source.ts';

/** A value of a row: integers beyond 2^53 as decimal text, null where the row's event has no such field. */
export type EventCell = number | string | null;

export interface EventColumn {
  readonly name: string;
  /** UNSIGNED has 64 bits, one more than SQLite's integers. */
  readonly type: 'INTEGER' | 'UNSIGNED' | 'REAL' | 'TEXT';
}

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
      /** The rows of a recording: nothing is traced, and nothing can be started. */
      readonly recorded?: true;
    }
  | { readonly type: 'rows'; readonly rows: EventRows }
  | { readonly type: 'stacks'; readonly stacks: readonly EventStack[] }
  | { readonly type: 'ended'; readonly counts: EventCounts; readonly problem?: Problem }
  /** The rows of the database are wanted: from the start, or the next ones. */
  | { readonly type: 'databaseWanted' }
  /** Whether the rows go into a recording; `text` tells of one that has ended, or why there is none. */
  | { readonly type: 'recording'; readonly on: boolean; readonly text: string }
  /** A start was refused: shown above the table, which stays as it is. */
  | { readonly type: 'refused'; readonly problem: Problem };

export type EventsToHost =
  | { readonly type: 'ready' }
  | {
      readonly type: 'start';
      readonly filter: string;
      readonly stacks: readonly StackKind[];
      readonly durations: boolean;
      readonly fdPaths: boolean;
    }
  /** What comes from here on goes into a recording too, or no more. */
  | { readonly type: 'record'; readonly on: boolean }
  | { readonly type: 'stop' }
  | { readonly type: 'copy'; readonly text: string }
  | { readonly type: 'copyAs' }
  /** Opens the first of these places whose file is on this machine. */
  | { readonly type: 'open'; readonly places: readonly SourcePlace[] }
  | { readonly type: 'save'; readonly suggestedName: string; readonly content: string }
  /** A database of the shown rows: asks where, then `databaseRows` follow on `databaseWanted`, the last of them with `about`. */
  | { readonly type: 'database'; readonly columns: readonly EventColumn[] }
  | {
      readonly type: 'databaseRows';
      readonly rows: readonly (readonly EventCell[])[];
      readonly about?: Readonly<Record<string, string>>;
    }
  | { readonly type: 'problem'; readonly message: string };
