import {
  commands,
  l10n,
  ProgressLocation,
  RelativePattern,
  Selection,
  TextEditorRevealType,
  Uri,
  window,
  workspace,
  type Disposable,
} from 'vscode';
import type { HelperConnection } from '../core/connection.ts';
import { declares, mentionAt, mentionsIn } from '../core/kernel-source.ts';
import { measureInKernelSource, measureSources } from './measure-latency.ts';
import type { TraceServices } from './add-probe.ts';
import type { IndexedSource } from '../core/source-index.ts';
import { copyAs, insertScript } from '../events/equivalents.ts';
import type { EventStreams } from '../events/event-streams.ts';
import { nothingWanted } from '../events/wanted.ts';
import { askForFilter } from '../platform/filter-box.ts';
import type { EventSourcesView, SourceNode } from '../views/event-sources.ts';

export interface EventCommandServices {
  readonly trace: TraceServices;
  readonly view: EventSourcesView;
  readonly streams: EventStreams;
  readonly connect: () => Promise<HelperConnection>;
  readonly show: (thrown: unknown) => Promise<void>;
  /** Folder of the kernel's source; empty for the workspace. */
  readonly kernelSource: () => string;
}

function chosen(node: SourceNode | undefined, all: readonly SourceNode[] | undefined): IndexedSource[] {
  const nodes = all !== undefined && all.length > 0 ? all : node === undefined ? [] : [node];
  return nodes.flatMap((one) => (one.kind === 'source' ? [one.source] : []));
}

export function registerEventCommands(services: EventCommandServices): Disposable[] {
  const { view, streams, connect, show } = services;
  const register = (name: string, run: (node?: SourceNode, all?: readonly SourceNode[]) => unknown) =>
    commands.registerCommand(name, async (node?: SourceNode, all?: readonly SourceNode[]) => {
      try {
        await run(node, all);
      } catch (thrown) {
        await show(thrown);
      }
    });
  return [
    register('probescope.traceEvents', async (node, all) => {
      const sources = chosen(node, all);
      if (sources.length > 0) await streams.trace(sources.map(({ id }) => id));
    }),
    commands.registerCommand('probescope.openEvents', (path: string) =>
      streams.openRecorded(path).catch(show),
    ),
    register('probescope.measureSource', async (node, all) => {
      await measureSources(services.trace, chosen(node, all));
    }),
    register('probescope.measureKernelSource', () => measureInKernelSource(services.trace)),
    register('probescope.copyEventsAs', async (node, all) => {
      const sources = chosen(node, all);
      if (sources.length > 0)
        await copyAs(
          connect,
          sources.map(({ id }) => id),
          nothingWanted,
        );
    }),
    register('probescope.insertEventsAsScript', async (node, all) => {
      const sources = chosen(node, all);
      if (sources.length > 0)
        await insertScript(
          connect,
          sources.map(({ id }) => id),
        );
    }),
    register('probescope.estimateEventRate', async (node, all) => {
      const sources = chosen(node, all).map(({ id }) => id);
      if (sources.length === 0) return;
      const rate = await window.withProgress(
        { location: ProgressLocation.Notification, title: l10n.t('Counting events…') },
        async () => (await connect()).call('estimateRate', { sources }),
      );
      const text = l10n.t(
        '{0} events/s, {1} over {2} ms.',
        Math.round(rate.perSecond).toLocaleString('en-US'),
        rate.method,
        Math.round(rate.measuredMs),
      );
      await window.showInformationMessage(text);
    }),
    register('probescope.filterEventSources', () => {
      askForFilter(view, l10n.t('Filter event sources, for example “blk iss”'));
    }),
    register('probescope.refreshEventSources', () => {
      view.refresh();
    }),
    register('probescope.toggleFavouriteEvent', (node) => {
      for (const source of chosen(node, undefined)) view.toggleFavourite(source);
    }),
    register('probescope.openKernelSource', async (node) => {
      const [source] = chosen(node, undefined);
      if (source !== undefined) await openKernelSource(source, services.kernelSource());
    }),
    register('probescope.traceKernelSource', async () => {
      const editor = window.activeTextEditor;
      if (editor === undefined) return;
      const mention = mentionAt(editor.document.getText(), editor.document.offsetAt(editor.selection.active));
      if (mention === undefined)
        void window.showInformationMessage(
          l10n.t('There is no TRACE_EVENT, SYSCALL_DEFINE or function here.'),
        );
      else await streams.trace([mention.id]);
    }),
  ];
}

/** Opens the TRACE_EVENT, SYSCALL_DEFINE or definition of a source in a kernel tree of the workspace. */
async function openKernelSource(source: IndexedSource, folder: string): Promise<void> {
  const pattern =
    source.kind === 'tracepoint'
      ? '**/include/trace/events/*.h'
      : '**/{block,fs,kernel,mm,net,ipc,io_uring,security}/**/*.c';
  const files = await kernelFiles(pattern, folder);
  for (const file of files) {
    const text = new TextDecoder().decode(await workspace.fs.readFile(file));
    if (!text.includes(source.name)) continue;
    const mention = mentionsIn(text).find((one) => declares(one, source));
    if (mention === undefined) continue;
    const document = await workspace.openTextDocument(file);
    const at = document.positionAt(mention.offset);
    const editor = await window.showTextDocument(document);
    editor.revealRange(document.lineAt(at.line).range, TextEditorRevealType.InCenter);
    editor.selection = new Selection(at, at);
    return;
  }
  await window.showInformationMessage(
    l10n.t(
      'No kernel source in this workspace declares {0}. Add a folder with the kernel’s source, or set probescope.kernelSource.',
      source.id,
    ),
  );
}

async function kernelFiles(pattern: string, folder: string): Promise<readonly Uri[]> {
  if (folder === '') return workspace.findFiles(pattern, '**/.git/**', 10_000);
  return workspace.findFiles(new RelativePattern(Uri.file(folder), pattern), undefined, 10_000);
}
