/** A probe as the extension knows it, and what tells one from another. */
import { ProbeError, type Problem } from '../../protocol/errors.ts';
import type { Measure, ProbeId, ProbeSpec, Subject } from '../../protocol/probe.ts';
import type { SourcePlace } from '../../protocol/source.ts';
import { ProbeAggregate } from './aggregate.ts';
import type { HelperConnection } from './connection.ts';
import { uniqueId } from './unique-id.ts';

/** A probe to be: what is measured and where. `place` is where the source lies in the workspace. */
export interface NewProbe {
  readonly binary: string;
  readonly pid?: number;
  readonly subject: Subject;
  readonly measures: readonly Measure[];
  readonly place?: SourcePlace;
}

/** What a workspace remembers of a probe; figures are not among it. */
export interface StoredProbe extends NewProbe {
  readonly key: string;
}

export type ProbeState =
  | { readonly kind: 'starting' }
  | { readonly kind: 'running'; readonly sinceMs: number }
  /** `origin` says where its figures were recorded, when they were not measured here, and `moment` up to when, when not to the end. */
  | { readonly kind: 'paused'; readonly origin?: string; readonly moment?: string }
  | { readonly kind: 'ended'; readonly problem: Problem };

/** A probe of the registry; read it freely, change it through the registry. */
export class Probe {
  readonly key: string;
  readonly aggregate = new ProbeAggregate();
  spec: NewProbe;
  state: ProbeState = { kind: 'paused' };
  /** Its number in the helper's session; a new one each time it joins. */
  id: ProbeId = 0;
  /** Told not to expire. */
  pinned = false;

  constructor(spec: NewProbe, key: string = uniqueId()) {
    this.spec = spec;
    this.key = key;
  }

  get isActive(): boolean {
    return this.state.kind === 'starting' || this.state.kind === 'running';
  }
}

/** As the helper is told of it. */
export function toSpec(probe: Probe): ProbeSpec {
  const { binary, pid, subject, measures } = probe.spec;
  return { id: probe.id, binary, subject, measures, ...(pid === undefined ? {} : { pid }) };
}

/** Counting alone is one trap a call instead of two, and the smallest map; undefined when nothing is cheaper. */
export function cheaperMeasures(measures: readonly Measure[]): readonly Measure[] | undefined {
  return measures.every((measure) => measure === 'count') ? undefined : ['count'];
}

/** A subject's name in its binary: what stays the same when the binary is rebuilt. */
export function subjectName(subject: Subject): string {
  switch (subject.kind) {
    case 'function':
      return subject.function;
    case 'usdt':
      return `${subject.provider}:${subject.name}`;
    case 'kernel-function':
      return subject.module === 'vmlinux' ? subject.function : `${subject.module}:${subject.function}`;
  }
}

/** Whether two probes stand at the same place: such are one, and their measures are joined. */
export function sameSubject(a: NewProbe, b: NewProbe): boolean {
  return (
    a.binary === b.binary &&
    a.pid === b.pid &&
    a.subject.kind === b.subject.kind &&
    subjectName(a.subject) === subjectName(b.subject)
  );
}

/** A probe's subject in the binary as it is now. Throws ProbeError `function-not-found` when it is no longer there. */
export async function subjectAnew(
  connection: HelperConnection,
  spec: NewProbe,
  cancelled?: AbortSignal,
): Promise<Subject> {
  const { binary, subject } = spec;
  const query =
    subject.kind === 'usdt'
      ? { binary, usdt: { provider: subject.provider, name: subject.name } }
      : { binary, function: subjectName(subject) };
  const { subjects } = await connection.call('lookUp', query, cancelled);
  const same = subjects.find(
    (candidate) => candidate.kind === subject.kind && subjectName(candidate) === subjectName(subject),
  );
  const found = same ?? subjects.find((candidate) => candidate.kind === subject.kind);
  if (found !== undefined) return found;
  throw new ProbeError({
    code: 'function-not-found',
    message: `${subjectName(subject)} is no longer in ${binary}.`,
    remedy: 'Remove the probe and trace the function again from its source.',
  });
}
