/** What can be done with the recordings of the view. */
import { commands, l10n, window, type Disposable } from 'vscode';
import { ProbeError } from '../../protocol/errors.ts';
import { PROFILE_RUN } from '../core/profile-meta.ts';
import type { Trashed } from '../core/recording/storage.ts';
import type { RecordingSummary } from '../core/recording/summary.ts';
import { askForFilter } from '../platform/filter-box.ts';
import type { ShowProblem } from '../platform/problems.ts';
import type { RecordingComparisons } from './compare.ts';
import { exportRecording } from './export.ts';
import type { RecordingLibrary } from './library.ts';
import type { NewRecordings } from './new-recordings.ts';
import { askTags } from './tags.ts';
import { closeTabs, revealFile } from './tabs.ts';
import { formatWhen, plainLabel, titleOf } from './texts.ts';
import { uriOf, type RecordingRow, type RecordingsView } from './view.ts';

export interface RecordingCommandServices {
  readonly view: RecordingsView;
  readonly library: RecordingLibrary;
  readonly recordings: NewRecordings;
  readonly comparisons: RecordingComparisons;
  readonly show: ShowProblem;
}

export function registerRecordingCommands(services: RecordingCommandServices): Disposable[] {
  const { view, library, recordings, comparisons, show } = services;
  let first: RecordingSummary | undefined;
  /** A menu gives its row and all that are selected; a key gives nothing; the palette asks. */
  const register = (name: string, act: (chosen: readonly RecordingSummary[]) => Promise<void>): Disposable =>
    commands.registerCommand(name, async (row?: RecordingRow, all?: readonly RecordingRow[]) => {
      try {
        const given = all !== undefined && all.length > 0 ? all : row === undefined ? view.selection : [row];
        const rows = given.flatMap((one) => view.summaryOf(one) ?? []);
        const chosen = rows.length > 0 ? rows : await askRecording(library);
        if (chosen.length > 0) await act(chosen);
      } catch (error) {
        await show(error);
      }
    });
  const undo = async (which?: readonly Trashed[]): Promise<void> => {
    const storage = await recordings.storage();
    const trashed = storage.trashed();
    const batch = which ?? trashed.filter(({ deletedMs }) => deletedMs === trashed[0]?.deletedMs);
    if (batch.length === 0)
      void window.showInformationMessage(l10n.t('No recording was deleted that could be had back.'));
    for (const one of batch) storage.restore(one);
    library.changed();
  };
  return [
    register('probescope.openRecording', async (chosen) => {
      for (const summary of chosen) await openRecording(summary);
    }),
    register('probescope.renameRecording', async ([summary]) => {
      if (summary !== undefined) await rename(services, summary);
    }),
    register('probescope.tagRecording', (chosen) => tag(services, chosen)),
    register('probescope.deleteRecording', async (chosen) => {
      const trashed = await remove(services, chosen);
      const text =
        trashed.length === 1
          ? l10n.t('“{0}” was deleted.', titleOf(chosen[0]!))
          : l10n.t('{0} recordings were deleted.', trashed.length);
      const again = l10n.t('Undo');
      void window.showInformationMessage(text, again).then(async (pressed) => {
        if (pressed === again) await undo(trashed).catch(show);
      });
    }),
    register('probescope.selectRecordingForCompare', ([summary]) => {
      first = summary;
      void commands.executeCommand('setContext', 'probescope.hasRecordingToCompare', true);
      if (summary !== undefined)
        window.setStatusBarMessage(
          l10n.t('“{0}” is selected to be compared.', plainLabel(titleOf(summary))),
          8000,
        );
      return Promise.resolve();
    }),
    register('probescope.compareRecordings', async (chosen) => {
      const [one, second] =
        chosen.length === 1 && first !== undefined && first.path !== chosen[0]?.path
          ? [first, chosen[0]]
          : chosen;
      const other = second ?? (await askRecording(library, l10n.t('Compare with which recording?'), one))[0];
      if (chosen.length === 1 && other === undefined) return;
      if (one === undefined || other === undefined || chosen.length > 2 || one.path === other.path)
        throw new ProbeError({
          code: 'invalid-argument',
          message: l10n.t('Two recordings are compared, not {0}.', chosen.length),
          remedy: l10n.t('Select two of them with Ctrl, or one for compare and then the other.'),
        });
      await comparisons.compare(one, other);
    }),
    register('probescope.revealRecording', async ([summary]) => {
      if (summary !== undefined) await revealFile(uriOf(summary));
    }),
    register('probescope.exportRecording', async ([summary]) => {
      if (summary !== undefined) await exportRecording(readable(summary));
    }),
    commands.registerCommand('probescope.undoDeleteRecording', () => undo().catch(show)),
    commands.registerCommand('probescope.restoreRecording', () => askTrashed(recordings, undo).catch(show)),
    commands.registerCommand('probescope.refreshRecordings', () => {
      view.refresh();
    }),
    commands.registerCommand('probescope.filterRecordings', () => {
      askForFilter(view, l10n.t('Name, #tag, kind, target or probe, for example “#slow profile”'));
    }),
    commands.registerCommand('probescope.clearRecordingsFilter', () => {
      view.setFilter('');
    }),
  ];
}

async function askRecording(
  library: RecordingLibrary,
  placeHolder = l10n.t('Which recording?'),
  not?: RecordingSummary,
): Promise<readonly RecordingSummary[]> {
  const all = (await library.list()).filter(({ path }) => path !== not?.path);
  const picked = await window.showQuickPick(
    all.map((summary) => ({
      label: plainLabel(titleOf(summary)),
      description: formatWhen(summary.facts?.createdMs ?? summary.changedMs),
      detail: summary.path,
      summary,
    })),
    { placeHolder, matchOnDescription: true, matchOnDetail: true },
  );
  return picked === undefined ? [] : [picked.summary];
}

/** The recording, or what is wrong with it. */
function readable(summary: RecordingSummary): RecordingSummary {
  if (summary.problem !== undefined) throw new ProbeError(summary.problem);
  return summary;
}

async function openRecording(summary: RecordingSummary): Promise<void> {
  const { facts, path } = readable(summary);
  if (facts?.kind === 'run') await commands.executeCommand('probescope.openRun', path);
  else if (facts?.kind === 'events') await commands.executeCommand('probescope.openEvents', path);
  else if (facts?.kind === PROFILE_RUN) await commands.executeCommand('probescope.openProfile', path);
  else await commands.executeCommand('vscode.openWith', uriOf(summary), 'probescope.recording');
}

async function rename({ library }: RecordingCommandServices, summary: RecordingSummary): Promise<void> {
  const { facts, path } = readable(summary);
  const name = await window.showInputBox({
    title: l10n.t('Rename Recording'),
    prompt: l10n.t(
      'The name stands in the recording, the file keeps its own. Empty gives back the first one.',
    ),
    value: facts?.name ?? '',
  });
  if (name === undefined) return;
  const { describeRecording } = await import('../core/recording/description.ts');
  await describeRecording(path, { name: name === facts?.name && !facts.named ? '' : name });
  library.changed();
}

async function tag(
  { library, view }: RecordingCommandServices,
  chosen: readonly RecordingSummary[],
): Promise<void> {
  const facts = chosen.map((summary) => readable(summary).facts?.tags ?? []);
  const shared = (facts[0] ?? []).filter((one) => facts.every((tags) => tags.includes(one)));
  const inUse = [...view.all, ...chosen].flatMap((summary) => summary.facts?.tags ?? []);
  const title =
    chosen.length === 1
      ? l10n.t('Tags of {0}', titleOf(chosen[0]!))
      : l10n.t('Tags of {0} recordings', chosen.length);
  const wanted = await askTags(title, inUse, shared);
  if (wanted === undefined) return;
  const { describeRecording } = await import('../core/recording/description.ts');
  // tags that only some of them have stay where they are
  for (const [index, { path }] of chosen.entries()) {
    const kept = (facts[index] ?? []).filter((one) => !shared.includes(one));
    await describeRecording(path, { tags: [...kept, ...wanted] });
  }
  library.changed();
}

async function remove(
  { recordings, library }: RecordingCommandServices,
  chosen: readonly RecordingSummary[],
): Promise<Trashed[]> {
  const writing = chosen.find(({ facts }) => facts?.state === 'writing');
  if (writing !== undefined)
    throw new ProbeError({
      code: 'file-unwritable',
      message: l10n.t('“{0}” is still being recorded.', titleOf(writing)),
      remedy: l10n.t('Pause its probes or stop its run, then delete it.'),
    });
  const storage = await recordings.storage();
  const deletedMs = Date.now();
  const trashed: Trashed[] = [];
  try {
    for (const summary of chosen) {
      trashed.push(storage.trash(summary.path, deletedMs));
      await closeTabs(uriOf(summary));
    }
  } finally {
    library.changed();
  }
  return trashed;
}

async function askTrashed(
  recordings: NewRecordings,
  restore: (which: readonly Trashed[]) => Promise<void>,
): Promise<void> {
  const { summarise } = await import('../core/recording/summary.ts');
  const trashed = (await recordings.storage()).trashed();
  if (trashed.length === 0) return restore([]);
  const picked = await window.showQuickPick(
    trashed.map((one) => {
      const summary = summarise(one.file);
      return {
        label: plainLabel(titleOf(summary)),
        description: l10n.t('deleted {0}', formatWhen(one.deletedMs)),
        detail: one.path,
        one,
      };
    }),
    { placeHolder: l10n.t('Which recordings to put back?'), canPickMany: true, matchOnDetail: true },
  );
  if (picked !== undefined && picked.length > 0) await restore(picked.map(({ one }) => one));
}
