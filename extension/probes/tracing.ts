/** What commands may ask of tracing: between the editor's side and `core`. */
import type { CancellationToken } from 'vscode';
import type { BinaryCandidate, FunctionQuery, SearchProgress } from '../../protocol/helper.ts';
import type { Measure, Subject } from '../../protocol/probe.ts';
import type { CheaperAdvice } from '../core/cheaper.ts';
import type { NewProbe } from '../core/probe.ts';
import type { SessionStatus } from '../views/status.ts';
import type { ProbeSource } from './probe-view.ts';

export interface Tracing extends ProbeSource {
  readonly status: SessionStatus;
  /** Starts the helper unless it runs. */
  connect(token?: CancellationToken): Promise<void>;
  /** Searches end when the last who waits with a token gives up. */
  findBinaries(
    file: string,
    token?: CancellationToken,
    progress?: (progress: SearchProgress) => void,
  ): Promise<readonly BinaryCandidate[]>;
  lookUp(query: FunctionQuery, token?: CancellationToken): Promise<readonly Subject[]>;
  /** Adds a probe (or its measures to the one that is there) and resolves with its key when it is attached. */
  add(probe: NewProbe, token?: CancellationToken): Promise<string>;
  pause(keys: readonly string[]): Promise<void>;
  /** Looks the functions up again, for the binary may have been rebuilt meanwhile, and attaches. */
  resume(keys: readonly string[], token?: CancellationToken): Promise<void>;
  remove(keys: readonly string[]): Promise<void>;
  /** A pinned probe does not expire. */
  pin(key: string, pinned: boolean): void;
  /** What a probe would cost, in words, before it is attached. */
  costBefore(probe: NewProbe): string | undefined;
  /** What could make a probe cheaper on its target. */
  advice(key: string): Promise<CheaperAdvice | undefined>;
  /** Goes on with other measures. */
  remeasure(key: string, measures: readonly Measure[]): Promise<void>;
  /** The bpftrace script that runs now. */
  script(): Promise<string>;
}
