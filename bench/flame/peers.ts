// Peers from npm, fetched into the cache on demand: they are measured, never shipped.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join, normalize } from 'node:path';
import type { Browser } from 'playwright-core';
import { cache } from '../../scripts/node24.mjs';

const packages = ['speedscope@1', 'd3-flame-graph@5', 'd3@7'];

/** Folder with the peers' node_modules, or undefined with the reason on stderr. */
export function peers(): string | undefined {
  const prefix = join(cache, 'flame-peers');
  const modules = join(prefix, 'node_modules');
  if (!existsSync(join(modules, 'speedscope'))) {
    mkdirSync(prefix, { recursive: true });
    const { status } = spawnSync(
      'npm',
      [
        'install',
        '--no-audit',
        '--no-fund',
        '--loglevel=error',
        '--ignore-scripts',
        '--prefix',
        prefix,
        ...packages,
      ],
      { stdio: ['ignore', 2, 2] },
    );
    if (status !== 0) {
      console.error('The peers could not be fetched from npm; their columns are left out.');
      return undefined;
    }
  }
  return modules;
}

const types: Readonly<Record<string, string>> = {
  html: 'text/html',
  js: 'text/javascript',
  css: 'text/css',
  json: 'application/json',
};

/** Loads folded stacks into a peer's page: milliseconds until it has drawn, and the tab's memory. */
export async function loadInPeer(
  browser: Browser,
  peer: 'speedscope' | 'd3-flame-graph',
  modules: string,
  folded: string,
  timeoutMs: number,
): Promise<{ ms: number; heapMb: number } | string> {
  const server = createServer((request, response) => {
    const path = normalize(decodeURIComponent((request.url ?? '/').split('?')[0]!));
    if (path === '/profile.folded') response.end(readFileSync(folded));
    else if (path === '/d3.html') response.setHeader('content-type', 'text/html').end(d3Page);
    else {
      const file = join(modules, path);
      if (file.startsWith(modules) && existsSync(file))
        response
          .setHeader('content-type', types[file.split('.').at(-1)!] ?? 'application/octet-stream')
          .end(readFileSync(file));
      else response.writeHead(404).end();
    }
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const page = await browser.newPage({ viewport: { width: 1400, height: 900 } });
  try {
    if (peer === 'speedscope') {
      const began = Date.now();
      await page.goto(
        `${base}/speedscope/dist/release/index.html#profileURL=${encodeURIComponent(`${base}/profile.folded`)}`,
      );
      await page.waitForFunction(
        `document.querySelectorAll('canvas').length > 0 && !/loading/i.test(document.body.innerText)`,
        undefined,
        { timeout: timeoutMs },
      );
      await page.evaluate('new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))');
      return { ms: Date.now() - began, heapMb: await heapMb(page) };
    }
    const began = Date.now();
    await page.goto(`${base}/d3.html`);
    await page.waitForFunction('window.drawn === true', undefined, { timeout: timeoutMs });
    return { ms: Date.now() - began, heapMb: await heapMb(page) };
  } catch (error) {
    return `failed: ${(error as Error).message.split('\n')[0]!}`;
  } finally {
    await page.close().catch(() => undefined);
    server.close();
  }
}

export async function heapMb(page: { evaluate(text: string): Promise<unknown> }): Promise<number> {
  return Number(await page.evaluate('(globalThis.gc && gc(), performance.memory.usedJSHeapSize / 1e6)'));
}

const d3Page = `<!DOCTYPE html><body><div id="chart"></div><script src="/d3/dist/d3.min.js"></script>
<script src="/d3-flame-graph/dist/d3-flamegraph.min.js"></script><script>
(async () => {
  const root = { name: 'all', value: 0, children: [], index: new Map() };
  for (const line of (await (await fetch('/profile.folded')).text()).split('\\n')) {
    const space = line.lastIndexOf(' ');
    if (space < 0) continue;
    const weight = Number(line.slice(space + 1));
    let node = root;
    root.value += weight;
    for (const name of line.slice(0, space).split(';')) {
      let child = node.index.get(name);
      if (!child) { child = { name, value: 0, children: [], index: new Map() }; node.index.set(name, child); node.children.push(child); }
      child.value += weight;
      node = child;
    }
  }
  d3.select('#chart').datum(root).call(flamegraph().width(1400).minFrameSize(1).transitionDuration(0));
  requestAnimationFrame(() => requestAnimationFrame(() => { window.drawn = true; }));
})();
</script>`;
