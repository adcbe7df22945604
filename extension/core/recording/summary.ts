/** What a list says of a recording: read from a few pages of it, however long it is. */
import { statSync } from 'node:fs';
import { asProblem, type Problem } from '../../../protocol/errors.ts';
import { PROFILE_RUN } from '../profile-meta.ts';
import { SCRIPT_RUN } from '../scripts/recorder.ts';
import { isNamed, nameOf, tagsOf } from './description.ts';
import { EVENTS_RUN } from './event-recorder.ts';
import { Recording } from './reader.ts';
import { writerOf } from './writer.ts';

export type RecordingKind = 'trace' | 'run' | 'profile' | 'events';
/** `unclosed`: whoever wrote it was killed. */
export type RecordingState = 'ended' | 'writing' | 'unclosed';

export interface RecordingFacts {
  readonly kind: RecordingKind;
  readonly name: string;
  /** It has a name that somebody gave it. */
  readonly named: boolean;
  readonly tags: readonly string[];
  readonly createdMs: number;
  readonly durationMs?: number;
  readonly target: string;
  readonly state: RecordingState;
  /** Why it ended before its end: the bound of its size, a full disk. */
  readonly stopped?: string;
  /** Names of its first probes. */
  readonly probes: readonly string[];
}

/** A recording of a list; one that cannot be read has a problem in place of facts. */
export interface RecordingSummary {
  readonly path: string;
  /** With the log beside it. */
  readonly bytes: number;
  readonly changedMs: number;
  readonly facts?: RecordingFacts;
  readonly problem?: Problem;
}

/** Whoever writes commits once a second; one that has not for so long is gone. */
const SILENT_MS = 10_000;
const PROBES_NAMED = 5;

/** Never throws: what is wrong with the file stands in the summary. */
export function summarise(path: string, nowMs = Date.now()): RecordingSummary {
  const { bytes, changedMs } = sizeOf(path);
  try {
    return { path, bytes, changedMs, facts: factsOf(path, changedMs, nowMs) };
  } catch (error) {
    return { path, bytes, changedMs, problem: asProblem(error) };
  }
}

/** Size and time of the last change, the log beside it included; zero when it is gone. */
export function sizeOf(path: string): { readonly bytes: number; readonly changedMs: number } {
  const files = [path, `${path}-wal`].map((file) => statSync(file, { throwIfNoEntry: false }));
  return {
    bytes: files.reduce((sum, file) => sum + (file?.size ?? 0), 0),
    changedMs: Math.max(0, ...files.map((file) => file?.mtimeMs ?? 0)),
  };
}

function factsOf(path: string, changedMs: number, nowMs: number): RecordingFacts {
  const recording = new Recording(path);
  try {
    const meta = recording.meta();
    const number = (key: string): number => Number(meta.get(key)) || 0;
    const state = stateOf(path, meta, nowMs);
    const createdMs = number('created_ms') || changedMs;
    const endMs = number(state === 'ended' ? 'ended_ms' : 'committed_ms');
    const durationMs = number('duration_ns') / 1e6 || Math.max(0, endMs - createdMs);
    const stopped = meta.get('stopped');
    const probes = recording.database
      .prepare(`SELECT label FROM probes ORDER BY id LIMIT ${PROBES_NAMED}`)
      .all() as { label: string }[];
    return {
      kind: kindOf(recording, meta, probes.length),
      name: nameOf(meta, path),
      named: isNamed(meta),
      tags: tagsOf(meta),
      createdMs,
      target: meta.get('target') ?? meta.get('host') ?? '',
      state,
      probes: probes.map(({ label }) => label),
      ...(durationMs > 0 ? { durationMs } : {}),
      ...(stopped === undefined ? {} : { stopped }),
    };
  } finally {
    recording.close();
  }
}

function stateOf(path: string, meta: ReadonlyMap<string, string>, nowMs: number): RecordingState {
  if (meta.get('state') === 'ended') return 'ended';
  if (writerOf(path) !== undefined) return 'writing';
  return nowMs - Number(meta.get('committed_ms') ?? 0) < SILENT_MS ? 'writing' : 'unclosed';
}

/** Profiles that were imported and traces of the command line say nothing of their kind; what they hold does. */
function kindOf(recording: Recording, meta: ReadonlyMap<string, string>, probes: number): RecordingKind {
  const kind = meta.get('kind');
  if (kind === SCRIPT_RUN) return 'run';
  if (kind === PROFILE_RUN) return 'profile';
  if (kind === EVENTS_RUN) return 'events';
  return probes === 0 && recording.profiles().length > 0 ? 'profile' : 'trace';
}
