import { asProblem, type Problem } from '../../protocol/errors.ts';
import type {
  LogpointCounts,
  LogpointEnd,
  LogpointId,
  LogpointSpec,
  LogValue,
} from '../../protocol/logpoint.ts';
import type { SourcePlace } from '../../protocol/source.ts';
import type { HelperConnection } from './connection.ts';
import { Emitter, type Disposable } from './emitter.ts';
import { defaultBudgets } from './governor.ts';
import { uniqueId } from './unique-id.ts';

/** What the user asked for: a logpoint without the id. */
export type NewLogpoint = Omit<LogpointSpec, 'id'>;

/** A logpoint as the editor shows it. */
export interface LogpointView {
  readonly id: LogpointId;
  readonly spec: LogpointSpec;
  /** In the editor: moves with edits. Lines count from 1. */
  readonly place: SourcePlace;
  readonly state: 'attaching' | 'running' | 'ended';
  /** `3 of 4 sites`. */
  readonly sites: { readonly attached: number; readonly refused: readonly string[] };
  /** The newest values, oldest first. */
  readonly history: readonly LogValue[];
  readonly received: number;
  readonly end?: { readonly why: LogpointEnd; readonly counts?: LogpointCounts; readonly problem?: Problem };
}

type Changeable = { -readonly [K in keyof LogpointView]: LogpointView[K] } & { history: LogValue[] };

/** Values kept of each logpoint, for the hover. */
export const HISTORY = 200;

/** The logpoints of the window, and their newest values. */
export class LogpointList implements Disposable {
  readonly #connect: () => Promise<HelperConnection>;
  readonly #mostHz: () => number;
  readonly #logpoints = new Map<LogpointId, Changeable>();
  readonly #changed = new Emitter<void>();
  readonly #ended = new Emitter<LogpointView>();
  readonly #listening = new WeakSet<HelperConnection>();
  readonly onDidChange = this.#changed.on;
  /** Fires when one ends by itself. */
  readonly onDidEnd = this.#ended.on;

  /** `mostHz`: values a second that a logpoint may send at most; read when one is added. */
  constructor(
    connect: () => Promise<HelperConnection>,
    mostHz: () => number = () => defaultBudgets.eventsHz,
  ) {
    this.#mostHz = mostHz;
    this.#connect = connect;
  }

  get all(): readonly LogpointView[] {
    return [...this.#logpoints.values()];
  }

  at(file: string, line: number): LogpointView | undefined {
    return this.all.find(({ place }) => place.file === file && place.line === line);
  }

  /** Attaches; `place` is where the editor shows it. Throws what the helper answers, and nothing is kept then. */
  async add(wanted: NewLogpoint, place: SourcePlace, cancelled?: AbortSignal): Promise<LogpointView> {
    const connection = await this.#connected();
    const id = uniqueId();
    const logpoint: Changeable = {
      id,
      // above it values are left out, and how many is among the counts
      spec: { ...wanted, id, rateLimitHz: Math.min(wanted.rateLimitHz ?? Infinity, this.#mostHz()) },
      place,
      state: 'attaching',
      sites: { attached: 0, refused: [] },
      history: [],
      received: 0,
    };
    this.#logpoints.set(id, logpoint);
    this.#changed.fire();
    try {
      const attached = await connection.call('addLogpoint', logpoint.spec, cancelled);
      // It may have reached its limit before the answer was read.
      if (logpoint.state === 'attaching') logpoint.state = 'running';
      logpoint.place = { ...place, line: place.line + attached.place.line - wanted.line };
      logpoint.sites = {
        attached: attached.sites.length,
        refused: attached.refused.map(({ reason }) => reason),
      };
      return logpoint;
    } catch (error) {
      this.#logpoints.delete(id);
      throw error;
    } finally {
      this.#changed.fire();
    }
  }

  async remove(id: LogpointId): Promise<void> {
    const logpoint = this.#logpoints.get(id);
    this.#logpoints.delete(id);
    this.#changed.fire();
    if (logpoint !== undefined && logpoint.state !== 'ended')
      await (await this.#connect()).call('removeLogpoint', { id });
  }

  /** Moves what is shown when the document is edited. */
  move(file: string, line: (line: number) => number): void {
    for (const logpoint of this.#logpoints.values())
      if (logpoint.place.file === file)
        logpoint.place = { ...logpoint.place, line: line(logpoint.place.line) };
  }

  dispose(): void {
    this.#changed.dispose();
    this.#ended.dispose();
  }

  async #connected(): Promise<HelperConnection> {
    const connection = await this.#connect();
    if (this.#listening.has(connection)) return connection;
    this.#listening.add(connection);
    connection.onLogValues(({ id, values }) => {
      const logpoint = this.#logpoints.get(id);
      if (logpoint === undefined) return;
      logpoint.history.push(...values.slice(-HISTORY));
      logpoint.history.splice(0, Math.max(0, logpoint.history.length - HISTORY));
      logpoint.received += values.length;
      this.#changed.fire();
    });
    connection.onLogpointEnded(({ id, end, counts, problem }) => {
      this.#end(id, { why: end, counts, ...(problem === undefined ? {} : { problem }) });
    });
    connection.onClosed((problem) => {
      for (const { id } of this.all) this.#end(id, { why: 'failed', problem: asProblem(problem) });
    });
    return connection;
  }

  #end(id: LogpointId, end: NonNullable<LogpointView['end']>): void {
    const logpoint = this.#logpoints.get(id);
    if (logpoint === undefined || logpoint.state === 'ended') return;
    logpoint.state = 'ended';
    logpoint.end = end;
    this.#changed.fire();
    this.#ended.fire(logpoint);
  }
}
