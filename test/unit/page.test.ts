import { runInNewContext } from 'node:vm';
import { expect, test } from 'vitest';
import { renderPage } from '../../extension/webviews/page.ts';

const page = (key = 'k') =>
  renderPage({
    title: 'A <b> & "c"',
    cspSource: 'https://host',
    script: 'https://host/a.js',
    style: 'https://host/a.css',
    key,
  });
const policyOf = (html: string): string => /Content-Security-Policy" content="([^"]+)"/.exec(html)?.[1] ?? '';
const nonceOf = (html: string): string => /script-src 'nonce-([^']+)'/.exec(html)?.[1] ?? '';

test('nothing is allowed but the script with the nonce and local resources', () => {
  const html = page();
  expect(policyOf(html)).toMatch(/^default-src 'none'; script-src 'nonce-[\w-]{32}'; /);
  expect(policyOf(html)).not.toMatch(/unsafe|\*/);
  const scripts = [...html.matchAll(/<script([^>]*)>/g)].map((match) => match[1]);
  for (const attributes of scripts) expect(attributes).toContain(`nonce="${nonceOf(html)}"`);
  expect(html).toContain(`<meta property="csp-nonce" content="${nonceOf(html)}">`);
  expect(html).not.toMatch(/ on\w+=| style=/);
});

test('every page has a nonce of its own, and texts are escaped', () => {
  expect(nonceOf(page())).not.toBe(nonceOf(page()));
  expect(page()).toContain('<title>A &#60;b&#62; &#38; &#34;c&#34;</title>');
});

test('the key lies in every state the panel keeps, and cannot break out of its script', () => {
  const key = '</script><script>alert(1)</script>\u2028"';
  const html = page(key);
  expect(html.match(/<\/script>/g)).toHaveLength(2);
  const inline = /<script nonce="[^"]+">(.*?)<\/script>/s.exec(html)?.[1] ?? '';
  let state: unknown = { axis: 'log' };
  const api = {
    postMessage: () => undefined,
    getState: () => state,
    setState: (next: unknown) => (state = next),
  };
  const window: { acquireVsCodeApi?: () => typeof api } = {};
  runInNewContext(inline, { acquireVsCodeApi: () => api, window });
  expect(state).toEqual({ axis: 'log', key });
  window.acquireVsCodeApi?.().setState({ axis: 'linear' });
  expect(state).toEqual({ axis: 'linear', key });
});
