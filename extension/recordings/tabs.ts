import { commands, env, l10n, TabInputCustom, UIKind, window, workspace, type Uri } from 'vscode';

/** Closes the editors of a recording that is there no more. */
export async function closeTabs(uri: Uri): Promise<void> {
  const tabs = window.tabGroups.all
    .flatMap((group) => group.tabs)
    .filter(({ input }) => input instanceof TabInputCustom && input.uri.toString() === uri.toString());
  if (tabs.length > 0) await window.tabGroups.close(tabs, true);
}

/** In the explorer, or in the system's own when it lies outside of the workspace; where there is neither, its path is copied. */
export async function revealFile(uri: Uri): Promise<void> {
  if (workspace.getWorkspaceFolder(uri) !== undefined) await commands.executeCommand('revealInExplorer', uri);
  else if (env.uiKind === UIKind.Desktop && env.remoteName === undefined)
    await commands.executeCommand('revealFileInOS', uri);
  else {
    await env.clipboard.writeText(uri.fsPath);
    void window.showInformationMessage(l10n.t('The path of the recording was copied: {0}', uri.fsPath));
  }
}
