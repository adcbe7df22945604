/** What all ways of adding a probe share: where was pointed, in which binary, and what each step took. */
import { window, type CancellationToken, type LogOutputChannel, type TextEditor } from 'vscode';
import { ProbeError } from '../../protocol/errors.ts';
import type { Measure, Subject } from '../../protocol/probe.ts';
import { measureRefusal } from '../../protocol/sites.ts';
import type { SourcePlace } from '../../protocol/source.ts';
import { subjectName } from '../core/probe.ts';
import type { SourceFiles } from '../platform/open-source.ts';
import type { ShowProblem } from '../platform/problems.ts';
import type { Report } from '../platform/progress.ts';
import type { Tracing } from '../probes/tracing.ts';
import type { BinaryChooser, ChosenBinary } from './choose-binary.ts';
import type { BinaryChoice } from './binary-choice.ts';
import type { Stopwatch } from './stopwatch.ts';
import { looksCalled } from './subjects.ts';
import type { UnwindingRisk } from './unwinding-risk.ts';

/** What a probe costs is shown for so long, from before it is attached. */
const COST_SHOWN_MS = 8000;

export interface TraceServices {
  readonly tracing: Tracing;
  readonly chooser: BinaryChooser;
  readonly risk: UnwindingRisk;
  readonly files: SourceFiles;
  readonly show: ShowProblem;
  readonly log: LogOutputChannel;
}

/** Where the user pointed. */
export interface Pointed {
  readonly file: string;
  /** Counts from 1. */
  readonly line: number;
  readonly word: string;
  readonly called: boolean;
}

export function pointedAt({ document, selection }: TextEditor): Pointed {
  const { active } = selection;
  const range = document.getWordRangeAtPosition(active);
  const { text } = document.lineAt(active.line);
  return {
    file: document.uri.fsPath,
    line: active.line + 1,
    word: range === undefined ? '' : document.getText(range),
    called: range !== undefined && looksCalled(text, range.end.character),
  };
}

export async function binaryOf(
  { tracing, chooser, files }: TraceServices,
  { file }: Pointed,
  ask: boolean,
  clock: Stopwatch,
  token: CancellationToken,
  report?: Report,
): Promise<ChosenBinary> {
  await tracing.connect(token);
  const chosen = await chooser.choose(file, { ask }, token, report);
  clock.lap('binary');
  files.learn(chosen.candidate.fileInBinary, file);
  return chosen;
}

export const placeText = (place: SourcePlace | undefined): string =>
  place === undefined ? '' : `${place.file.slice(place.file.lastIndexOf('/') + 1)}:${place.line}`;

export interface Adding {
  readonly chosen: BinaryChoice;
  readonly subject: Subject;
  readonly measure: Measure;
  readonly at?: Pointed;
  readonly clock: Stopwatch;
}

/** Throws what keeps a subject from being measured so; then nothing was added. */
export async function addProbe(
  { tracing, files, risk, log }: TraceServices,
  { chosen, subject, measure, at, clock }: Adding,
  token: CancellationToken,
): Promise<void> {
  const refusal = measureRefusal(subject, [measure], chosen.binary);
  if (refusal !== undefined) throw new ProbeError(refusal);
  const { declared } = subject;
  const file = declared === undefined ? at?.file : ((await files.locate(declared.file)) ?? declared.file);
  const line = declared?.line ?? at?.line;
  const probe = {
    binary: chosen.binary,
    subject,
    measures: [await risk.weigh(chosen.binary, subject, measure)],
    ...(chosen.pid === undefined ? {} : { pid: chosen.pid }),
    ...(file === undefined || line === undefined ? {} : { place: { file, line } }),
  };
  const cost = tracing.costBefore(probe);
  if (cost !== undefined)
    window.setStatusBarMessage(`$(dashboard) ${subjectName(subject)}: ${cost}`, COST_SHOWN_MS);
  const key = await tracing.add(probe, token);
  clock.lap('attach');
  const listener = tracing.onDidChange(() => {
    if (tracing.find(key)?.figures === undefined) return;
    listener.dispose();
    clock.lap('first snapshot');
    log.info(`${subjectName(subject)}: first figure ${clock.toString()}.`);
  });
}
