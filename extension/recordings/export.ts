/** A recording as a file of its own, or one of its profiles in another tool's format. */
import { l10n, Uri, window, workspace, type QuickPickItem } from 'vscode';
import type { ExportFormat } from '../core/interchange/export-file.ts';
import type { RecordedProfile } from '../core/recording/reader.ts';
import type { RecordingSummary } from '../core/recording/summary.ts';
import { plainLabel, titleOf } from './texts.ts';

interface Choice extends QuickPickItem {
  readonly format: ExportFormat | 'recording';
  readonly ending: string;
}

export async function exportRecording(summary: RecordingSummary): Promise<void> {
  const { Recording } = await import('../core/recording/reader.ts');
  const recording = new Recording(summary.path);
  try {
    const profiles = recording.profiles();
    const choice = await window.showQuickPick(choices(profiles.length > 0), {
      title: l10n.t('Export {0}', titleOf(summary)),
    });
    if (choice === undefined) return;
    const { format, ending } = choice;
    const profile = format === 'recording' ? undefined : await askProfile(profiles);
    if (format !== 'recording' && profile === undefined) return;
    const target = await askTarget(`${fileName(titleOf(summary))}.${ending}`);
    if (target === undefined) return;
    if (format === 'recording') {
      // as it is at this moment, in one file, also while it is written
      const { rmSync } = await import('node:fs');
      rmSync(target.fsPath, { force: true });
      recording.database.prepare('VACUUM INTO ?').run(target.fsPath);
    } else {
      const { exportProfile, writeChunks } = await import('../core/interchange/export-file.ts');
      writeChunks(exportProfile(recording.profile(profile), format), target.fsPath);
    }
    window.setStatusBarMessage(l10n.t('Exported to {0}', target.fsPath), 8000);
  } finally {
    recording.close();
  }
}

function choices(hasProfile: boolean): Choice[] {
  const recording: Choice = {
    label: l10n.t('Recording'),
    detail: l10n.t('Everything, in one file, to be opened again or queried'),
    format: 'recording',
    ending: 'probescope',
  };
  if (!hasProfile) return [recording];
  return [
    recording,
    { label: 'SVG', detail: l10n.t('A flame graph in one page, with search'), format: 'svg', ending: 'svg' },
    { label: l10n.t('Folded stacks'), detail: 'flamegraph.pl', format: 'folded', ending: 'folded' },
    { label: 'speedscope', detail: 'speedscope.app', format: 'speedscope', ending: 'speedscope.json' },
    { label: 'pprof', detail: 'go tool pprof', format: 'pprof', ending: 'pb.gz' },
    {
      label: 'Chrome, Perfetto',
      detail: l10n.t('Trace events as JSON'),
      format: 'chrome',
      ending: 'trace.json',
    },
    { label: 'CSV', detail: l10n.t('Functions with self and total'), format: 'csv', ending: 'csv' },
  ];
}

async function askProfile(profiles: readonly RecordedProfile[]): Promise<number | undefined> {
  if (profiles.length === 1) return profiles[0]?.id;
  const picked = await window.showQuickPick(
    profiles.map(({ id, title, unit }) => ({ label: plainLabel(title), description: unit, id })),
    { placeHolder: l10n.t('Which of its profiles?') },
  );
  return picked?.id;
}

async function askTarget(name: string): Promise<Uri | undefined> {
  const [folder] = workspace.workspaceFolders ?? [];
  return window.showSaveDialog({
    defaultUri: folder === undefined ? Uri.file(name) : Uri.joinPath(folder.uri, name),
  });
}

/** Names hold what people typed; slashes and control characters have no place in a file's. */
function fileName(title: string): string {
  const plain = title.replace(/[^\p{L}\p{N} ._+-]+/gu, '_').replace(/^[ .]+/, '');
  return plain === '' ? 'recording' : plain.slice(0, 100);
}
