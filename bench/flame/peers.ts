// Peers from npm, fetched into the cache on demand: they are measured, never shipped.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join, normalize } from 'node:path';
import type { Browser } from 'playwright-core';
import { cache } from '../../scripts/node24.mjs';
import { firstPaint, watchPaints } from './paints.ts';

/** The folder with the peers' node_modules, or undefined with the reason on stderr. */
export const peers = (): string | undefined =>
  fetched('flame-peers', ['speedscope@1', 'd3-flame-graph@5', 'd3@7'], 'speedscope');

/** Fetches packages of npm into a folder of the cache, unless the last of them is there. */
export function fetched(name: string, packages: readonly string[], last: string): string | undefined {
  const prefix = join(cache, name);
  const modules = join(prefix, 'node_modules');
  if (!existsSync(join(modules, last))) {
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
      console.error(`${packages.join(', ')} could not be fetched from npm; what needs them is left out.`);
      return undefined;
    }
  }
  return modules;
}

/** Serves a folder on the loopback; `pages` are texts that are no files. */
export async function serveFolder(
  folder: string,
  pages: Readonly<Record<string, string>> = {},
): Promise<{ readonly address: string; readonly close: () => void }> {
  const server = createServer((request, response) => {
    const path = normalize(decodeURIComponent((request.url ?? '/').split('?')[0]!));
    const page = pages[path];
    if (page !== undefined) response.setHeader('content-type', 'text/html').end(page);
    else {
      const file = join(folder, path);
      if (file.startsWith(folder) && existsSync(file))
        response
          .setHeader('content-type', types[file.split('.').at(-1)!] ?? 'application/octet-stream')
          .end(readFileSync(file));
      else response.writeHead(404).end();
    }
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  return {
    address: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () => {
      server.close();
    },
  };
}

const types: Readonly<Record<string, string>> = {
  html: 'text/html',
  js: 'text/javascript',
  css: 'text/css',
  json: 'application/json',
};

/**
 * Gives folded stacks to a peer's page that is loaded already: milliseconds until all of its first picture has been painted, and
 * the tab's memory. speedscope opens the file through its own file dialog, d3-flame-graph gets it read line by line.
 */
export async function loadInPeer(
  browser: Browser,
  peer: 'speedscope' | 'd3-flame-graph',
  modules: string,
  folded: string,
  timeoutMs: number,
): Promise<{ ms: number; heapMb: number } | string> {
  const { address: base, close } = await serveFolder(modules, { '/d3.html': d3Page });
  const page = await browser.newPage({ viewport: { width: 1400, height: 900 } });
  try {
    await page.addInitScript(watchPaints);
    const speedscope = peer === 'speedscope';
    await page.goto(`${base}/${speedscope ? 'speedscope/dist/release/index.html' : 'd3.html'}`);
    const input = page.locator('input[type=file]').first();
    await input.waitFor({ state: 'attached' });
    // the choice of the file is where the clock starts
    await page.evaluate(`addEventListener('change', () => startPaints(), true)`);
    await input.setInputFiles(folded);
    const ms = await firstPaint(
      page,
      speedscope ? 'paints.gl > 0' : `document.querySelectorAll('.d3-flame-graph rect').length > 0`,
      timeoutMs,
    );
    return { ms, heapMb: await heapMb(page) };
  } catch (error) {
    return `failed: ${(error as Error).message.split('\n')[0]!}`;
  } finally {
    await page.close().catch(() => undefined);
    close();
  }
}

export async function heapMb(page: { evaluate(text: string): Promise<unknown> }): Promise<number> {
  return Number(await page.evaluate('(globalThis.gc && gc(), performance.memory.usedJSHeapSize / 1e6)'));
}

const d3Page = `<!DOCTYPE html><body><input type="file"><div id="chart"></div><script src="/d3/dist/d3.min.js"></script>
<script src="/d3-flame-graph/dist/d3-flamegraph.umd.min.js"></script><script>
document.querySelector('input').addEventListener('change', async ({ target }) => {
  const root = { name: 'all', value: 0, children: [], index: new Map() };
  for (const line of (await target.files[0].text()).split('\\n')) {
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
  d3.select('#chart').datum(root).call(flamegraph.default().width(1400).minFrameSize(1).transitionDuration(0));
});
</script>`;
