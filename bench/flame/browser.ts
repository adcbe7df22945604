// Webviews in headless Chromium, without VS Code around them: for benches and screenshots.
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join, resolve } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { chromium } from 'playwright-core';
import type { Browser, Page } from 'playwright-core';
import { firstPaint, watchPaints } from './paints.ts';

const dist = resolve(import.meta.dirname, '../../dist/webview');

/** Colours of VS Code's own default themes: what the real host sets on the page. */
export const themes = {
  dark: {
    'editor-background': '#1f1f1f',
    'editor-foreground': '#cccccc',
    foreground: '#cccccc',
    descriptionForeground: '#9d9d9d',
    focusBorder: '#0078d4',
    'charts-foreground': '#cccccc',
    'charts-orange': '#d18616',
    'charts-blue': '#3794ff',
    'charts-green': '#89d185',
    'charts-yellow': '#cca700',
    'charts-red': '#f14c4c',
    'charts-purple': '#b180d7',
    'panel-border': '#2b2b2b',
    'dropdown-background': '#313131',
    'dropdown-foreground': '#cccccc',
    'dropdown-border': '#3c3c3c',
    'input-background': '#313131',
    'input-foreground': '#cccccc',
    'input-placeholderForeground': '#989898',
    'button-background': '#0078d4',
    'button-secondaryBackground': '#313131',
    'button-secondaryForeground': '#cccccc',
    'button-secondaryHoverBackground': '#3c3c3c',
    'badge-background': '#616161',
    'badge-foreground': '#f8f8f8',
    'editorHoverWidget-background': '#202020',
    'editorHoverWidget-foreground': '#cccccc',
    'editorHoverWidget-border': '#454545',
    'menu-background': '#1f1f1f',
    'menu-foreground': '#cccccc',
    'menu-selectionBackground': '#0078d4',
    'menu-selectionForeground': '#ffffff',
    'breadcrumb-foreground': '#cccccccc',
    'editor-findMatchBackground': '#9e6a03',
    'textBlockQuote-background': '#2b2b2b',
    'editorWarning-foreground': '#cca700',
    'widget-shadow': '#0000005c',
    disabledForeground: '#cccccc80',
  },
  light: {
    'editor-background': '#ffffff',
    'editor-foreground': '#3b3b3b',
    foreground: '#3b3b3b',
    descriptionForeground: '#3b3b3b',
    focusBorder: '#005fb8',
    'charts-foreground': '#3b3b3b',
    'charts-orange': '#d18616',
    'charts-blue': '#1a85ff',
    'charts-green': '#388a34',
    'charts-yellow': '#bf8803',
    'charts-red': '#e51400',
    'charts-purple': '#652d90',
    'panel-border': '#e5e5e5',
    'dropdown-background': '#ffffff',
    'dropdown-foreground': '#3b3b3b',
    'dropdown-border': '#cecece',
    'input-background': '#ffffff',
    'input-foreground': '#3b3b3b',
    'input-placeholderForeground': '#767676',
    'button-background': '#005fb8',
    'button-secondaryBackground': '#e5e5e5',
    'button-secondaryForeground': '#3b3b3b',
    'button-secondaryHoverBackground': '#cccccc',
    'badge-background': '#cccccc',
    'badge-foreground': '#3b3b3b',
    'editorHoverWidget-background': '#f8f8f8',
    'editorHoverWidget-foreground': '#3b3b3b',
    'editorHoverWidget-border': '#c8c8c8',
    'menu-background': '#ffffff',
    'menu-foreground': '#3b3b3b',
    'menu-selectionBackground': '#005fb8',
    'menu-selectionForeground': '#ffffff',
    'breadcrumb-foreground': '#3b3b3bcc',
    'editor-findMatchBackground': '#9e6a03',
    'textBlockQuote-background': '#f8f8f8',
    'editorWarning-foreground': '#bf8803',
    'widget-shadow': '#00000029',
    disabledForeground: '#61616180',
  },
  'high-contrast': {
    'editor-background': '#000000',
    'editor-foreground': '#ffffff',
    foreground: '#ffffff',
    descriptionForeground: '#ffffffb3',
    focusBorder: '#f38518',
    contrastBorder: '#6fc3df',
    'charts-foreground': '#ffffff',
    'charts-orange': '#d18616',
    'charts-blue': '#3794ff',
    'charts-green': '#89d185',
    'charts-yellow': '#cca700',
    'charts-red': '#f14c4c',
    'charts-purple': '#b180d7',
    'panel-border': '#6fc3df',
    'dropdown-background': '#000000',
    'dropdown-foreground': '#ffffff',
    'dropdown-border': '#6fc3df',
    'input-background': '#000000',
    'input-foreground': '#ffffff',
    'input-placeholderForeground': '#ffffffb3',
    'button-background': '#000000',
    'button-secondaryBackground': '#000000',
    'button-secondaryForeground': '#ffffff',
    'badge-background': '#000000',
    'badge-foreground': '#ffffff',
    'editorHoverWidget-background': '#0c141f',
    'editorHoverWidget-foreground': '#ffffff',
    'editorHoverWidget-border': '#6fc3df',
    'menu-background': '#000000',
    'menu-foreground': '#ffffff',
    'menu-selectionBorder': '#f38518',
    'menu-selectionForeground': '#ffffff',
    'breadcrumb-foreground': '#ffffffcc',
    'editor-findMatchBackground': '#f38518',
    'editorWarning-foreground': '#ffd370',
    disabledForeground: '#a5a5a5',
  },
} as const;
export type ThemeName = keyof typeof themes;

/** Chromium's flags for machines without a GPU and without a network. */
export const chromiumFlags = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--enable-precise-memory-info',
  '--js-flags=--expose-gc',
];

export async function launchChromium(): Promise<Browser> {
  return chromium.launch({
    executablePath: process.env['PROBESCOPE_CHROMIUM'] ?? '/usr/bin/chromium',
    headless: true,
    args: chromiumFlags,
  });
}

export interface FlamePage {
  readonly page: Page;
  /** Shows encoded profiles and waits for the first paint; milliseconds from the message to the paint. */
  show(profile: Uint8Array, options?: object, baseline?: Uint8Array): Promise<number>;
  /** Frame times in ms while something is done over and over: p95 of script and of the whole frame. */
  drive(
    what: 'pan' | 'zoom' | 'hover' | 'search',
    times: number,
  ): Promise<{ scriptP95: number; frameP95: number }>;
  /** Messages that the view sent to its host. */
  messages(): Promise<{ type: string }[]>;
  close(): Promise<void>;
}

/** A built panel, and what its host would know of it. */
export interface PanelPage {
  readonly page: Page;
  /** Served to the page by name, for messages that are too large to be passed as text. */
  readonly files: Map<string, Uint8Array>;
  /** Complaints of the page so far: errors of its script, refusals of its policy. */
  readonly faults: readonly string[];
  close(): Promise<void>;
}

/** The built page of a panel under the same content security policy as in VS Code. */
export async function openPanelPage(
  browser: Browser,
  bundle: string,
  theme: ThemeName = 'dark',
): Promise<PanelPage> {
  const files = new Map<string, Uint8Array>();
  const nonce = 'bench';
  const policy = `default-src 'none'; script-src 'nonce-${nonce}'; style-src 'self' 'nonce-${nonce}'; img-src 'self' data: blob:; worker-src blob:; connect-src 'self'`;
  const variables = Object.entries(themes[theme])
    .map(([name, value]) => `--vscode-${name}:${value};`)
    .join('');
  const html = `<!DOCTYPE html><html lang="en"><head><meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}"><meta property="csp-nonce" content="${nonce}"><link rel="icon" href="data:,"><link rel="stylesheet" href="/${bundle}.css">
<style nonce="${nonce}">:root{${variables}--vscode-font-family:sans-serif;--vscode-font-size:13px;--vscode-font-weight:normal;--vscode-editor-font-family:monospace}</style></head>
<body class="vscode-${theme}"><main></main><script nonce="${nonce}">
window.sent=[];let state;window.acquireVsCodeApi=()=>({postMessage:m=>{window.sent.push(m)},getState:()=>state,setState:s=>{state=s}});
</script><script nonce="${nonce}" src="/${bundle}.js"></script></body></html>`;
  const server = createServer((request, response) => {
    const name = (request.url ?? '/').slice(1);
    if (name === '') response.setHeader('content-type', 'text/html').end(html);
    else if (name === `${bundle}.js` || name === `${bundle}.css`)
      response
        .setHeader('content-type', name.endsWith('js') ? 'text/javascript' : 'text/css')
        .end(readFileSync(join(dist, name)));
    else if (files.has(name)) response.end(files.get(name));
    else response.writeHead(404).end();
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const page = await browser.newPage({ viewport: { width: 1400, height: 900 } });
  const faults: string[] = [];
  page.on('pageerror', (error) => faults.push(error.message));
  page.on('console', (message) => {
    if (message.type() === 'error') faults.push(message.text());
  });
  await page.addInitScript(watchPaints);
  await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
  // by evaluation from outside, as in paints.ts
  while (!(await page.evaluate<boolean>('window.sent.some((message) => message.type === "ready")')))
    await setTimeout(5);
  return {
    ...{ page, files, faults },
    close: async () => {
      await page.close();
      server.close();
    },
  };
}

export async function openFlamePage(browser: Browser, theme: ThemeName = 'dark'): Promise<FlamePage> {
  const panel = await openPanelPage(browser, 'flame', theme);
  const { page, files, faults } = panel;
  let shown = 0;
  return {
    page,
    show: async (profile, options, baseline) => {
      files.set(`profile-${++shown}`, profile);
      if (baseline !== undefined) files.set(`baseline-${shown}`, baseline);
      // text, because this side of the bench knows no DOM types
      const call = JSON.stringify({ at: shown, options, compared: baseline !== undefined });
      await page.evaluate(`(${showInPage})(${call})`);
      const took = await firstPaint(page, "document.querySelector('.status').textContent !== ''", 60_000);
      if (faults.length > 0) throw new Error(`The page complained: ${faults.join('; ')}`);
      return took;
    },
    drive: (what, times) => page.evaluate(`(${driveInPage})(${JSON.stringify({ what, times })})`),
    messages: () => page.evaluate('window.sent'),
    close: () => panel.close(),
  };
}

const showInPage = `async ({ at, options, compared }) => {
  const get = async (name) => (await fetch(name)).arrayBuffer();
  const profile = await get('/profile-' + at);
  const baseline = compared ? await get('/baseline-' + at) : undefined;
  document.querySelector('.status').textContent = '';
  startPaints();
  window.postMessage({ type: 'profile', profile, live: false, options, ...(baseline ? { baseline } : {}) }, '*');
}`;

const driveInPage = `async ({ what, times }) => {
  const flame = document.querySelector('.flame');
  const field = document.querySelector('.search');
  const box = flame.getBoundingClientRect();
  const scripts = [], frames = [];
  const at = (i) => ({ clientX: box.left + 20 + (i * 97) % (box.width - 40), clientY: box.top + 30 + (i * 53) % (box.height - 60), bubbles: true });
  const wheel = (i, more) => flame.dispatchEvent(new WheelEvent('wheel', { ...at(i), cancelable: true, ...more }));
  // somewhere deep, so that panning has somewhere to go
  if (what === 'pan') for (let i = 0; i < 6; i++) wheel(7, { deltaY: -120, ctrlKey: true });
  let before = await new Promise((done) => requestAnimationFrame(done));
  for (let i = 0; i < times; i++) {
    // frame callbacks run in the order they were asked for: before the view's and after it
    let frameBegan = 0;
    requestAnimationFrame(() => { frameBegan = performance.now(); });
    const began = performance.now();
    if (what === 'pan') wheel(i, { deltaX: i % 40 < 20 ? 40 : -40 });
    else if (what === 'zoom') wheel(7, { deltaY: i % 40 < 20 ? -60 : 60, ctrlKey: true });
    else if (what === 'hover') flame.dispatchEvent(new PointerEvent('pointermove', at(i)));
    else { field.value = 'op_1' + (i % 90); field.dispatchEvent(new Event('input')); }
    const handled = performance.now() - began;
    const stamp = await new Promise((done) => requestAnimationFrame(done));
    scripts.push(handled + performance.now() - frameBegan);
    frames.push(stamp - before);
    before = stamp;
  }
  if (what === 'search') { field.value = ''; field.dispatchEvent(new Event('input')); }
  const p95 = (list) => list.sort((a, b) => a - b)[Math.floor(list.length * 0.95)];
  return { scriptP95: p95(scripts), frameP95: p95(frames) };
}`;
