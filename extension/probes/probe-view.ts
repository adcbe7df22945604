import type { Event } from 'vscode';
import type { Problem } from '../../protocol/errors.ts';
import type { Measure, ProbeSpec, RefusedSite, Subject } from '../../protocol/probe.ts';
import type { CallerTotals } from '../../protocol/snapshot.ts';
import type { SourcePlace } from '../../protocol/source.ts';
import type { HistoryPoint } from '../core/aggregate.ts';
import type { DisplayState, Figures } from '../editor/labels.ts';

/** A probe as the tree, the editor and the panels show it: one moment's picture. */
export interface ProbeView {
  /** Names the probe over reloads of the window. */
  readonly key: string;
  /** The function, or `provider:name`. */
  readonly title: string;
  readonly kind: Subject['kind'];
  readonly measures: readonly Measure[];
  readonly binary: string;
  readonly pid?: number;
  /** The file as it lies in the workspace, and the line where the code is now; edits move it. */
  readonly place?: SourcePlace;
  readonly state: DisplayState;
  /** Why it ended. */
  readonly problem?: Problem;
  readonly figures?: Figures;
  /** The document was changed after the binary was built: the figures belong to the older code. */
  readonly stale: boolean;
  readonly sites: number;
  readonly refused: readonly RefusedSite[];
  readonly sinceMs?: number;
  /** What a hit costs the traced program, measured on the target; absent until it was. */
  readonly hitNs?: number;
  /** The last rate that was seen, for what it would cost to go on. */
  readonly lastRateHz?: number;
  /** Where and when its figures were recorded, when they were not measured here. */
  readonly origin?: string;
  /** Up to when, or of which part of a recording, when not of all of it: `as of 0:12.0 of 0:30.0`. */
  readonly moment?: string;
  /** Told not to expire. */
  readonly pinned: boolean;
}

/** Where probes are read from. Everything that shows probes reads this, and nothing else. */
export interface ProbeSource {
  readonly probes: readonly ProbeView[];
  find(key: string): ProbeView | undefined;
  callers(key: string): readonly CallerTotals[];
  /** Fires with the keys whose pictures changed; an empty list when probes came or went. */
  readonly onDidChange: Event<readonly string[]>;
}

/** What the latency panel needs besides. */
export interface ProbeDetails extends ProbeSource {
  /** What each interval added, the oldest first: ten minutes of it. */
  history(key: string): readonly HistoryPoint[];
  /** What is attached for the probe. */
  spec(key: string): ProbeSpec | undefined;
}
