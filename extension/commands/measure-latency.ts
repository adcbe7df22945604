/** *Measure Latency* of what is known by name instead of by its place in a program's source: from Event Sources, and in a kernel's source. */
import { commands, l10n, window, type CancellationToken, type TextDocument } from 'vscode';
import { ProbeError } from '../../protocol/errors.ts';
import { KERNEL, type Subject } from '../../protocol/probe.ts';
import { mentionAt } from '../core/kernel-source.ts';
import { subjectName } from '../core/probe.ts';
import type { IndexedSource } from '../core/source-index.ts';
import { asking, withProgress } from '../platform/progress.ts';
import { addProbe, type Pointed, type TraceServices } from './add-probe.ts';
import { Stopwatch } from './stopwatch.ts';

/** Adds a latency probe for each, and opens the panel of the first. */
export async function measureSources(
  services: TraceServices,
  sources: readonly IndexedSource[],
): Promise<void> {
  const keys: string[] = [];
  for (const { kind, group, name } of sources) {
    const isKernel = kind === 'kernel-function';
    keys.push(
      await measure(services, {
        binary: isKernel ? KERNEL : group,
        name: isKernel && group !== '' && group !== 'vmlinux' ? `${group}:${name}` : name,
      }),
    );
  }
  const [first] = keys;
  if (first !== undefined) await commands.executeCommand('probescope.openLatency', first);
}

/** The function of the kernel that is defined at the cursor; its figures stand at that line. */
export async function measureInKernelSource(services: TraceServices): Promise<void> {
  const editor = window.activeTextEditor;
  if (editor === undefined) return;
  const { document, selection } = editor;
  const mention = mentionAt(document.getText(), document.offsetAt(selection.active));
  const name = /^kernel-function:\w+:(\w+)$/.exec(mention?.id ?? '')?.[1];
  if (mention === undefined || name === undefined)
    throw new ProbeError({
      code: 'function-not-found',
      message: l10n.t('There is no definition of a kernel function here.'),
      remedy: l10n.t(
        'Put the cursor into the body of a function. A TRACE_EVENT is a point and has no latency; the events of a SYSCALL_DEFINE have their durations: Trace This Kernel Event.',
      ),
    });
  await measure(services, { binary: KERNEL, name, at: pointAt(document, mention.offset, name) });
}

function pointAt(document: TextDocument, offset: number, word: string): Pointed {
  // the type may stand on a line of its own above the name
  const name = document.getText().indexOf(word, offset);
  return { file: document.uri.fsPath, line: document.positionAt(name).line + 1, word, called: false };
}

interface Named {
  readonly binary: string;
  readonly name: string;
  readonly at?: Pointed;
}

/** The key of the probe, which is attached then. */
async function measure(services: TraceServices, { binary, name, at }: Named): Promise<string> {
  const { tracing } = services;
  let key = '';
  await withProgress(l10n.t('Measuring {0}', name), async (token) => {
    const clock = new Stopwatch();
    await tracing.connect(token);
    const found = await tracing.lookUp({ binary, function: name }, token);
    const subject = await oneOf(
      found.filter(({ kind }) => kind !== 'usdt'),
      name,
      token,
    );
    clock.lap('lookup');
    await addProbe(
      services,
      { chosen: { binary }, subject, measure: 'latency', clock, ...(at === undefined ? {} : { at }) },
      token,
    );
    const title = subjectName(subject);
    key = tracing.probes.find((probe) => probe.binary === binary && probe.title === title)?.key ?? '';
  });
  return key;
}

async function oneOf(subjects: readonly Subject[], name: string, token: CancellationToken): Promise<Subject> {
  const [first, second] = subjects;
  if (first === undefined)
    throw new ProbeError({ code: 'function-not-found', message: l10n.t('There is no function {0}.', name) });
  if (second === undefined) return first;
  const picked = await asking(
    window.showQuickPick(
      subjects.map((subject) => ({
        label: subjectName(subject),
        description: subject.kind === 'kernel-function' ? subject.module : (subject.declared?.file ?? ''),
        subject,
      })),
      { title: l10n.t('Measure which function?') },
      token,
    ),
  );
  if (picked === undefined) throw new ProbeError({ code: 'cancelled', message: 'No function was chosen.' });
  return picked.subject;
}
