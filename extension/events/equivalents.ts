/** The same events by other means: a command for a terminal, a script in an editor, counts in the kernel. */
import { commands, env, l10n, window, workspace } from 'vscode';
import type { SourceId, StreamSchema } from '../../protocol/events.ts';
import type { HelperConnection } from '../core/connection.ts';
import { asked, nothingWanted, type Wanted } from './wanted.ts';

type Connect = () => Promise<HelperConnection>;

/** Copies the equivalent command of a tool that the user picks, or opens the bpftrace script. */
export async function copyAs(connect: Connect, sources: readonly SourceId[], wanted: Wanted): Promise<void> {
  const equivalents = await equivalentsOf(connect, sources, wanted);
  if (equivalents.length === 0) {
    void window.showInformationMessage(l10n.t('No other tool can express these events with this filter.'));
    return;
  }
  const copies = equivalents.map(({ tool, text }) => ({
    label: tool,
    detail: text.split('\n').find((line) => line !== '') ?? '',
    run: async () => {
      await env.clipboard.writeText(text);
      window.setStatusBarMessage(l10n.t('Copied as {0}.', tool), 3000);
    },
  }));
  const scripts = equivalents
    .filter(({ tool }) => tool === 'bpftrace')
    .map(({ text }) => ({
      label: l10n.t('Open as a new script'),
      detail: l10n.t('The bpftrace script in an editor, where it can be changed and run'),
      run: () => openScript(text),
    }));
  const picked = await window.showQuickPick([...copies, ...scripts], {
    placeHolder: l10n.t('Copy the events as'),
  });
  await picked?.run();
}

/** Opens the events as a new bpftrace script. */
export async function insertScript(connect: Connect, sources: readonly SourceId[]): Promise<void> {
  const equivalents = await equivalentsOf(connect, sources, nothingWanted);
  const script = equivalents.find(({ tool }) => tool === 'bpftrace');
  if (script === undefined)
    void window.showInformationMessage(l10n.t('bpftrace cannot express these events.'));
  else await openScript(script.text);
}

/** Counts by a field that the user picks, with a script that runs from its editor. */
export async function countInKernel(
  connect: Connect,
  sources: readonly SourceId[],
  wanted: Wanted,
): Promise<void> {
  const connection = await connect();
  const fields = await Promise.all(
    sources.map(async (id) => (await connection.call('describeSource', { id })).fields),
  );
  const shared = (fields[0] ?? []).filter(({ name }) =>
    fields.every((list) => list.some((field) => field.name === name)),
  );
  const by = await window.showQuickPick(
    [
      { label: 'comm', description: l10n.t('the thread’s name') },
      { label: 'pid', description: l10n.t('the process') },
      { label: 'cpu', description: l10n.t('where it happens') },
      ...shared
        .filter(({ name }) => name !== 'ret' && name !== 'duration')
        .map(({ name, type }) => ({ label: name, description: type })),
    ],
    { placeHolder: l10n.t('Count by'), ignoreFocusOut: true },
  );
  if (by === undefined) return;
  const asking = { ...asked(sources, wanted), by: by.label };
  const { script } = await connection.call('countEvents', asking);
  await openScript(script);
  await commands.executeCommand('probescope.runScript');
}

async function equivalentsOf(
  connect: Connect,
  sources: readonly SourceId[],
  wanted: Wanted,
): Promise<StreamSchema['commands']> {
  const connection = await connect();
  return (await connection.call('copyEvents', asked(sources, wanted))).commands;
}

/** As an untitled document, which the actions of scripts run as they run files. */
async function openScript(content: string): Promise<void> {
  await window.showTextDocument(await workspace.openTextDocument({ language: 'bpftrace', content }));
}
