import type { CostTable } from './cost.ts';
import type { Catalog } from './catalog.ts';
import type { Problem } from './errors.ts';
import type {
  ExpressionCompletion,
  LogpointAttached,
  LogpointCheck,
  LogpointCounts,
  LogpointEnded,
  LogpointId,
  LogpointPlace,
  LogpointSpec,
  LogValue,
  ScopeFacts,
} from './logpoint.ts';
import type { CallBatch, CallsApi, CallWatchId } from './calls.ts';
import type { DetachReport, DetachScope } from './detach.ts';
import type { EventsApi, EventsEvents } from './events.ts';
import type { LiveProfileApi, LiveProfileEvents } from './live-profile.ts';
import type { ProbeId, ProbeSpec, Subject } from './probe.ts';
import type { ScriptApi, ScriptEvents } from './script.ts';
import type { PrefixRule } from './source-path.ts';
import type { SyscallsApi, SyscallsEvents } from './syscalls.ts';
import type { SessionAttached, SessionDescription, SessionId, SessionState, Snapshot } from './snapshot.ts';
import type { ProcessInfo, TargetFacts } from './target.ts';
import type { ScriptVerdict } from './verdict.ts';

/** Raised whenever a message changes its meaning; both ends must say the same. */
export const PROTOCOL_VERSION = 1;

/** A binary that has code for a source file, best first. */
export interface BinaryCandidate {
  readonly binary: string;
  /** Processes that run it now. */
  readonly processes: readonly ProcessInfo[];
  /** The file's name as this binary's debug information spells it. */
  readonly fileInBinary: string;
  readonly buildId?: string;
  /**
   * By what the file was recognised: its path here, `probescope.sourceMap`, its content (DWARF 5 may have its hash), or no
   * more than the end of its path.
   */
  readonly match: 'path' | 'mapped' | 'content' | 'suffix';
  /** The source file was changed after the binary was built. */
  readonly stale: boolean;
  /** The binary was built from several versions of the file: some of its code belongs to none that is here. */
  readonly mixed: boolean;
}

/** A source file, where else than in running processes its binaries may be, and how paths in debug information differ from those here. */
export interface SourceQuery {
  readonly file: string;
  readonly folders: readonly string[];
  readonly sourceMap?: readonly PrefixRule[];
  /** Chosen by the client: with it, `searchProgress` tells how far the search is. */
  readonly search?: string;
}

/** How far a search for binaries is. */
export interface SearchProgress {
  /** Binaries that were looked into, of `total`. */
  readonly done: number;
  readonly total: number;
  /** The one whose line tables are read now. */
  readonly binary: string;
}

export interface FunctionQuery {
  /** A path on the target, or `KERNEL` for functions of the kernel, which are found by name: `name` or `module:name`. */
  readonly binary: string;
  /** By name… */
  readonly function?: string;
  /** …or by the function that encloses a line. */
  readonly file?: string;
  readonly line?: number;
  /** …or a USDT probe by its names. */
  readonly usdt?: { readonly provider: string; readonly name: string };
}

/** The calls that the helper answers. */
export interface HelperApi extends EventsApi, ScriptApi, SyscallsApi, CallsApi, LiveProfileApi {
  hello(params: { protocol: number; client: string }): { protocol: number; helper: string; pid: number };
  /** A sign of life, answered with the time over there. Once it came, the helper ends by itself when nothing at all comes for so long. */
  ping(params: { endAfterSilenceMs: number }): { wallClockMs: number };
  targetFacts(params: { refresh: boolean }): TargetFacts;
  processes(params: Record<string, never>): { processes: readonly ProcessInfo[] };
  /** Binaries whose debug information names the file: running processes first, then ELF files below the folders. */
  findBinaries(params: SourceQuery): {
    candidates: readonly BinaryCandidate[];
  };
  /** Functions (overloads, clones) that fit the query, and USDT probes inside them or on that very line. */
  lookUp(params: FunctionQuery): { subjects: readonly Subject[] };
  /**
   * Opens a session; answered when its probes are attached and count. A first snapshot follows at once, then one every
   * `intervalMs` (100…60,000).
   */
  openSession(params: {
    session: SessionId;
    probes: readonly ProbeSpec[];
    intervalMs: number;
  }): SessionAttached;
  /**
   * Replaces the session's probes; those that stay (same id) keep their totals. When the new set cannot be attached the
   * old one goes on and the error is answered.
   */
  updateSession(params: { session: SessionId; probes: readonly ProbeSpec[] }): SessionAttached;
  /** Changes how often snapshots come: often while somebody looks, seldom otherwise. */
  paceSession(params: { session: SessionId; intervalMs: number }): Record<string, never>;
  /** Ends a session; its last snapshot arrives before the answer. */
  closeSession(params: { session: SessionId }): Record<string, never>;
  /** What the target's bpftrace says of a script, in the form for its release that attaches nothing. */
  checkScript(params: { script: string; unsafe: boolean }): ScriptVerdict;
  /** What the target offers to scripts; without what cannot be read there. Takes 1 to 2 s and up to 30 MB. */
  catalog(params: Record<string, never>): { catalog: Catalog };
  /**
   * What a hit costs on this target: kept by kernel and engine, measured (about 2 s) where it is not known and `measure` says so.
   */
  hitCosts(params: { measure: boolean }): { costs?: CostTable };
  /** The variables that can be named at a line, and whether they can be read there. Makes the tracefs engine ready, too. */
  scopeAt(params: LogpointPlace & { readonly pid?: number }): ScopeFacts;
  /** What may stand at `offset` of a template or condition: variables, and members behind `.` and `->`. */
  completeExpression(
    params: LogpointPlace & {
      readonly text: string;
      readonly offset: number;
      readonly field: 'template' | 'condition';
    },
  ): {
    items: readonly ExpressionCompletion[];
  };
  /** What is wrong with a logpoint; attaches nothing. */
  checkLogpoint(
    params: LogpointPlace & { readonly template: string; readonly condition?: string },
  ): LogpointCheck;
  /** Attaches a logpoint; its values come as `logValues`. */
  addLogpoint(params: LogpointSpec): LogpointAttached;
  /** Removes a logpoint; `logpointEnded` was sent before the answer. */
  removeLogpoint(params: { readonly id: LogpointId }): LogpointCounts;
  /** Ends what Probescope started on this host, whoever answers for it; never this helper itself. */
  detachEverything(params: { scope: DetachScope }): DetachReport;
  /** Removes what was stored on this target for the helper; end it then. */
  uninstall(params: Record<string, never>): { removed: readonly string[] };
  /** The script that the session runs now, with what else a recording says of it. */
  describeSession(params: { session: SessionId }): SessionDescription;
}

/** What the helper says unasked. */
export interface HelperEvents extends EventsEvents, ScriptEvents, SyscallsEvents, LiveProfileEvents {
  snapshot(params: Snapshot): void;
  sessionState(params: { session: SessionId; state: SessionState }): void;
  /** One probe cannot go on (its process is gone, its binary was replaced); the others do. Remove it from the session. */
  probeEnded(params: { session: SessionId; probe: ProbeId; problem: Problem }): void;
  /** Values of a logpoint, at most ten times a second. */
  logValues(params: { readonly id: LogpointId; readonly values: readonly LogValue[] }): void;
  logpointEnded(params: LogpointEnded): void;
  /** Recorded calls, at most four times a second. */
  callBatch(params: CallBatch): void;
  /** Calls are not recorded any more, and it was not asked for. */
  callsEnded(params: { readonly id: CallWatchId; readonly problem: Problem }): void;
  /** Of `findBinaries`, at most ten times a second. */
  searchProgress(params: SearchProgress & { readonly search: string }): void;
  log(params: { level: 'debug' | 'info' | 'warn' | 'error'; message: string }): void;
}

export type { ProbeId };
