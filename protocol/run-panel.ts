import type { Problem } from './errors.ts';
import type { FlameFrame } from './flame.ts';
import type { LogLine, ScriptLost, ScriptMap } from './script.ts';

/** What stands above a run's output, always whole. */
export interface RunHeader {
  readonly title: string;
  readonly state: 'starting' | 'running' | 'stopping' | 'ended';
  /** `bpftrace 0.17.0`; empty until it is known. */
  readonly engine: string;
  readonly target: string;
  readonly attached?: number;
  readonly timeMs: number;
  readonly lost: ScriptLost;
  /** How it ended, or what else is to be known; full sentences. */
  readonly notes: readonly string[];
  readonly problem?: Problem;
  /** Where in the script the problem is, from 0. */
  readonly place?: { readonly line: number; readonly character: number };
  readonly canRunAgain: boolean;
  readonly canSave: boolean;
}

/** A `run` message replaces everything; `update` adds lines and replaces the maps that it names. */
export type HostToRun =
  | {
      readonly type: 'run';
      readonly header: RunHeader;
      readonly maps: readonly ScriptMap[];
      readonly lines: readonly LogLine[];
      /** Lines before the first of `lines` that are in the recording alone. */
      readonly forgotten: number;
    }
  | {
      readonly type: 'update';
      readonly header: RunHeader;
      readonly maps: readonly ScriptMap[];
      readonly lines: readonly LogLine[];
    };

export type RunToHost =
  | { readonly type: 'ready' }
  | { readonly type: 'stop' }
  | { readonly type: 'runAgain' }
  | { readonly type: 'save' }
  | { readonly type: 'openPlace'; readonly line: number; readonly character: number }
  | { readonly type: 'openSource'; readonly frame: FlameFrame; readonly beside: boolean }
  | { readonly type: 'traceFunction'; readonly frame: FlameFrame }
  | { readonly type: 'copy'; readonly text: string }
  | { readonly type: 'saveText'; readonly suggestedName: string; readonly content: string | ArrayBuffer }
  | { readonly type: 'problem'; readonly message: string };
