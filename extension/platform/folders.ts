import { isAbsolute, join } from 'node:path';
import { workspace } from 'vscode';
import type { PrefixRule } from '../../protocol/source-path.ts';
import { sourceMapRules } from '../commands/source-files.ts';
import type { Settings } from './settings.ts';

/** Absolute folders in which binaries are looked for: the setting's, else the workspace's. */
export function binaryFolders(settings: Settings): readonly string[] {
  const roots = (workspace.workspaceFolders ?? []).map(({ uri }) => uri.fsPath);
  const chosen = settings.get('binaries.folders');
  if (chosen.length === 0) return roots;
  return chosen.flatMap((folder) =>
    isAbsolute(folder) ? [folder] : roots.map((root) => join(root, folder)),
  );
}

/** The setting `probescope.sourceMap`, with absolute folders of this machine. */
export function sourceMap(settings: Settings): readonly PrefixRule[] {
  return sourceMapRules(settings.get('sourceMap'), workspace.workspaceFolders?.[0]?.uri.fsPath);
}
