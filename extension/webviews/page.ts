import { randomBytes } from 'node:crypto';

export interface Page {
  readonly title: string;
  readonly cspSource: string;
  readonly script: string;
  readonly style: string;
  /** Names what the panel shows; kept in the webview's state, so that the panel can be filled after a reload. */
  readonly key: string;
}

/**
 * The HTML of a panel. Nothing is allowed but our script and stylesheet, pictures as data, and workers from blobs;
 * the toolkit styles itself through `adoptedStyleSheets`, or through a style element with the nonce where it cannot.
 */
export function renderPage({ title, cspSource, script, style, key }: Page): string {
  const nonce = randomBytes(24).toString('base64url');
  const policy = [
    `default-src 'none'`,
    `script-src 'nonce-${nonce}'`,
    `style-src ${cspSource} 'nonce-${nonce}'`,
    `img-src ${cspSource} data: blob:`,
    `font-src ${cspSource}`,
    `worker-src blob:`,
  ].join('; ');
  return `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta property="csp-nonce" content="${nonce}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="stylesheet" href="${style}">
<title>${escapeHtml(title)}</title>
</head>
<body>
<main></main>
<script nonce="${nonce}">${keepKey(key)}</script>
<script nonce="${nonce}" src="${script}"></script>
</body>
</html>`;
}

/**
 * Puts the key into every state that the panel's own script keeps. VS Code hands the state to the serializer of the
 * next window, which has nothing else to know the panel by.
 */
function keepKey(key: string): string {
  // `<` would end the script early if the key held `</script>`
  const literal = JSON.stringify(key).replaceAll('<', '\\u003c');
  return `{
const api = acquireVsCodeApi();
const keep = (state) => api.setState({ ...state, key: ${literal} });
keep(api.getState());
window.acquireVsCodeApi = () => ({ postMessage: api.postMessage, getState: api.getState, setState: keep });
}`;
}

export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
