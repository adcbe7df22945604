import { Uri, type WebviewPanel } from 'vscode';
import { renderPage } from './page.ts';

export interface PanelPage {
  /** The script's and stylesheet's name in `dist/webview`. */
  readonly bundle: string;
  readonly title: string;
  /** What the panel shows; survives a reload of the window. */
  readonly key: string;
}

/** Gives a panel its page and its icon. Whoever wants the page's messages has to listen already. */
export function showPage(panel: WebviewPanel, extensionUri: Uri, { bundle, title, key }: PanelPage): void {
  const { webview } = panel;
  const folder = Uri.joinPath(extensionUri, 'dist', 'webview');
  const resource = (name: string): string => webview.asWebviewUri(Uri.joinPath(folder, name)).toString();
  webview.options = { enableScripts: true, localResourceRoots: [folder] };
  panel.iconPath = Uri.joinPath(extensionUri, 'media', 'probescope-tab.svg');
  webview.html = renderPage({
    title,
    cspSource: webview.cspSource,
    script: resource(`${bundle}.js`),
    style: resource(`${bundle}.css`),
    key,
  });
}
