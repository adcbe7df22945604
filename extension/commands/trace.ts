/** *Trace Function*: from a word in the editor to a probe, with what each step took in the log. */
import { l10n, window, type CancellationToken } from 'vscode';
import { asProblem, ProbeError, type ProblemCode } from '../../protocol/errors.ts';
import type { FunctionSubject, Measure, Subject } from '../../protocol/probe.ts';
import type { Remedy } from '../platform/problems.ts';
import { asking, withProgress } from '../platform/progress.ts';
import { addProbe, binaryOf, placeText, pointedAt, type Pointed, type TraceServices } from './add-probe.ts';
import type { BinaryChoice } from './binary-choice.ts';
import type { ChosenBinary } from './choose-binary.ts';
import { Stopwatch } from './stopwatch.ts';
import { functionsOf, meant } from './subjects.ts';

/** Problems that another binary, or another process, may not have. */
const otherBinaryHelps: ReadonlySet<ProblemCode> = new Set([
  'binary-not-found',
  'function-not-found',
  'no-symbols',
  'no-debug-information',
  'not-an-elf-file',
  'process-gone',
]);

export async function traceFunction(services: TraceServices, measure: Measure): Promise<void> {
  const editor = window.activeTextEditor;
  if (editor !== undefined) await traceAt(services, pointedAt(editor), measure, false);
}

/** *Trace* of a flame graph's frame: the function is known by name, its binary is the frame's module. */
export async function traceFrame(
  services: TraceServices,
  frame: { readonly function: string; readonly module?: string },
): Promise<void> {
  const clock = new Stopwatch();
  const { function: name, module } = frame;
  try {
    if (module === undefined || !module.startsWith('/'))
      throw new ProbeError({
        code: 'function-not-found',
        message: l10n.t('{0} belongs to no binary that can be probed.', name),
      });
    await withProgress(l10n.t('Tracing {0}', name), async (token) => {
      const named = functionsOf(await services.tracing.lookUp({ binary: module, function: name }, token));
      const subject = await chooseFunction(named, name, token);
      clock.lap('lookup');
      await addProbe(services, { chosen: { binary: module }, subject, measure: 'latency', clock }, token);
    });
  } catch (error) {
    const chosen = module === undefined ? undefined : { binary: module };
    await services.show(error, insteadOf(services, error, chosen, 'latency'));
  }
}

/** *Choose Binary or Process…*: asks even where the choice is clear; the next probe of this file uses it. */
export async function chooseBinary({ tracing, chooser, show, log }: TraceServices): Promise<void> {
  const file = window.activeTextEditor?.document.uri.fsPath;
  if (file === undefined) return;
  try {
    const chosen = await withProgress(l10n.t('Looking for binaries'), async (token, report) => {
      await tracing.connect(token);
      return chooser.choose(file, { ask: true }, token, report);
    });
    log.info(`${file}: will be traced in ${chosen.binary}.`);
  } catch (error) {
    await show(error);
  }
}

async function traceAt(services: TraceServices, at: Pointed, measure: Measure, ask: boolean): Promise<void> {
  const clock = new Stopwatch();
  let chosen: ChosenBinary | undefined;
  try {
    await withProgress(l10n.t('Tracing {0}', at.word || 'function'), async (token, report) => {
      chosen = await binaryOf(services, at, ask, clock, token, report);
      const subject = await functionAt(services, chosen, at, token);
      clock.lap('lookup');
      await addProbe(services, { chosen, subject, measure, at, clock }, token);
    });
  } catch (error) {
    await services.show(error, [
      ...countInstead(services, error, at, measure),
      ...insteadOf(services, error, chosen, measure),
      ...remediesFor(services, error, at, measure),
    ]);
  }
}

/** The function that the word names, or the one around the line where the word names none. */
async function functionAt(
  { tracing, log }: TraceServices,
  { binary, candidate }: ChosenBinary,
  { word, line, called }: Pointed,
  token: CancellationToken,
): Promise<FunctionSubject> {
  const byName = word === '' ? [] : await found(tracing.lookUp({ binary, function: word }, token), called);
  const named = functionsOf(byName);
  if (named.length === 1 && named[0] !== undefined) return named[0];
  const around = tracing.lookUp({ binary, file: candidate.fileInBinary, line }, token);
  const enclosing = functionsOf(await (named.length === 0 ? around : found(around, false)));
  const subject =
    meant(named, enclosing) ?? (await chooseFunction(named.length === 0 ? enclosing : named, word, token));
  if (named.length === 0)
    log.info(`${word || 'The line'} names no function: the one around line ${line} is traced.`);
  return subject;
}

/** What a look-up found, or nothing where no function is there; other problems are thrown, that one too if `needed`. */
async function found(lookUp: Promise<readonly Subject[]>, needed: boolean): Promise<readonly Subject[]> {
  try {
    return await lookUp;
  } catch (error) {
    const { code } = asProblem(error);
    if (!needed && (code === 'function-not-found' || code === 'line-without-code')) return [];
    throw error;
  }
}

async function chooseFunction(
  subjects: readonly FunctionSubject[],
  word: string,
  token: CancellationToken,
): Promise<FunctionSubject> {
  const [first, second] = subjects;
  if (first === undefined)
    throw new ProbeError({
      code: 'function-not-found',
      message: l10n.t('There is no function at this line of the binary.'),
      remedy: l10n.t('Right-click the name of a function, or a line inside one.'),
    });
  if (second === undefined) return first;
  const items = subjects.map((subject) => ({
    label: `$(symbol-function) ${subject.function}`,
    description: placeText(subject.declared),
    subject,
  }));
  const chosen = await asking(
    window.showQuickPick(
      items,
      { title: l10n.t('Which {0}?', word), placeHolder: l10n.t('Functions of this name in the binary') },
      token,
    ),
  );
  if (chosen === undefined) throw new ProbeError({ code: 'cancelled', message: 'No function was chosen.' });
  return chosen.subject;
}

/** Copies have no returns and no frames, but they can be counted. */
function countInstead(services: TraceServices, error: unknown, at: Pointed, measure: Measure): Remedy[] {
  if (asProblem(error).code !== 'function-inlined-everywhere' || measure === 'count') return [];
  return [{ label: l10n.t('Count Its Copies'), run: () => traceAt(services, at, 'count', false) }];
}

/** Traces the functions that a problem names instead: the callers of one that is inlined everywhere, similar names. */
function insteadOf(
  services: TraceServices,
  error: unknown,
  chosen: BinaryChoice | undefined,
  measure: Measure,
): Remedy[] {
  const names = asProblem(error).alternatives ?? [];
  const [first] = names;
  if (chosen === undefined || first === undefined) return [];
  const trace = async (name: string) => {
    await withProgress(l10n.t('Tracing {0}', name), async (token) => {
      const named = functionsOf(
        await services.tracing.lookUp({ binary: chosen.binary, function: name }, token),
      );
      const subject = await chooseFunction(named, name, token);
      await addProbe(services, { chosen, subject, measure, clock: new Stopwatch() }, token);
    });
  };
  if (names.length === 1) return [{ label: l10n.t('Trace {0} Instead', first), run: () => trace(first) }];
  return [
    {
      label: l10n.t('Trace Another Instead…'),
      run: async () => {
        const title = l10n.t('Trace which function instead?');
        const picked = await window.showQuickPick([...names], { title, canPickMany: true });
        for (const name of picked ?? []) await trace(name);
      },
    },
  ];
}

function remediesFor(services: TraceServices, error: unknown, at: Pointed, measure: Measure): Remedy[] {
  if (!otherBinaryHelps.has(asProblem(error).code)) return [];
  return [
    {
      label: l10n.t('Choose Another Binary'),
      run: () => traceAt(services, at, measure, true),
    },
  ];
}
