import { execFileSync } from 'node:child_process';
import { globSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import * as esbuild from 'esbuild';
import { expect, test } from 'vitest';
import { lazyBundleFiles } from '../../scripts/lazy-bundles.ts';
import { lazyCrypto } from '../../scripts/lazy-crypto.ts';

const root = resolve(import.meta.dirname, '../..');
const KB = 1000;

/** Bytes that each package, and our own code as `own`, adds to a bundle. */
async function weigh(entry: string, options: esbuild.BuildOptions): Promise<ReadonlyMap<string, number>> {
  const { metafile } = await esbuild.build({
    absWorkingDir: root,
    entryPoints: [entry],
    bundle: true,
    minify: true,
    write: false,
    metafile: true,
    outdir: 'dist',
    logLevel: 'silent',
    ...options,
  });
  const bytes = new Map<string, number>();
  for (const [path, { inputs }] of Object.entries(metafile?.outputs ?? {}))
    if (path.endsWith('.js'))
      for (const [input, { bytesInOutput }] of Object.entries(inputs)) {
        const name = /node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(input)?.[1] ?? 'own';
        bytes.set(name, (bytes.get(name) ?? 0) + bytesInOutput);
      }
  return bytes;
}

const sum = (bytes: ReadonlyMap<string, number>, names: RegExp): number =>
  [...bytes].filter(([name]) => names.test(name)).reduce((total, [, size]) => total + size, 0);

test('the latency panel holds the toolkit components and d3 modules it uses, not all of them', async () => {
  const bytes = await weigh('webview/latency/main.ts', {
    platform: 'browser',
    format: 'iife',
    target: 'es2022',
  });
  // whole: toolkit 290 KB, d3 280 KB
  expect(sum(bytes, /^@microsoft\/|^@vscode\/|^tabbable|^exenv|^tslib/)).toBeLessThan(165 * KB);
  // scales, axes and the brush
  expect(sum(bytes, /^d3/)).toBeLessThan(75 * KB);
  expect(sum(bytes, /^own$/)).toBeLessThan(30 * KB);
});

test('the page of a recording holds the toolkit components and d3 modules it uses, not all of them', async () => {
  const bytes = await weigh('webview/recording/main.ts', {
    platform: 'browser',
    format: 'iife',
    target: 'es2022',
  });
  expect(sum(bytes, /^@microsoft\/|^@vscode\/|^tabbable|^exenv|^tslib/)).toBeLessThan(165 * KB);
  // scales, axes, shapes, the brush and drag
  expect(sum(bytes, /^d3/)).toBeLessThan(100 * KB);
  expect(sum(bytes, /^own$/)).toBeLessThan(25 * KB);
});

test('the extension is loaded quickly: its bundle stays small and without what only panels need', async () => {
  const bytes = await weigh('extension/extension.ts', {
    platform: 'node',
    format: 'cjs',
    target: 'node20',
    external: ['vscode'],
    plugins: [lazyBundleFiles],
  });
  expect(sum(bytes, /./)).toBeLessThan(400 * KB);
  expect(sum(bytes, /^d3|^@microsoft\/|^@vscode\/webview/)).toBe(0);
});

/** What runs when a bundle is loaded: all that its entry leads to without an `import()`. */
async function runAtStart(entry: string, options: esbuild.BuildOptions = {}): Promise<ReadonlySet<string>> {
  const { metafile } = await esbuild.build({
    absWorkingDir: root,
    entryPoints: [entry],
    bundle: true,
    write: false,
    metafile: true,
    outdir: 'dist',
    logLevel: 'silent',
    platform: 'node',
    format: 'cjs',
    ...options,
  });
  const atStart = new Set([entry]);
  for (const file of atStart)
    for (const { path, kind, external } of metafile?.inputs[file]?.imports ?? [])
      if (kind !== 'dynamic-import' && external !== true) atStart.add(path);
  return atStart;
}

test('activating the extension runs no code of the helper’s connection, the language client or recordings', async () => {
  const atStart = await runAtStart('extension/extension.ts', { external: ['vscode'] });
  expect(atStart).toContain('extension/probes/probe-list.ts');
  const notNeeded =
    /node_modules\/(execa|vscode-jsonrpc|vscode-languageclient)\/|recording\/(reader|writer)\.ts$|interchange\/(import|export)-file/;
  expect([...atStart].filter((file) => notNeeded.test(file))).toEqual([]);
});

test('a helper that traces runs the code of looking up and tracing, and loads the rest when it is asked for', async () => {
  const atStart = await runAtStart('helper/process.ts');
  expect(atStart).toContain('helper/trace-service.ts');
  // execa and what it needs cost 10 MB of memory and a third of the start
  const notNeeded =
    /node_modules\/(execa|xz-decompress)\/|^helper\/(sources|logpoints|calls|detach)\/|scripts?-service|^fields\//;
  expect([...atStart].filter((file) => notNeeded.test(file))).toEqual([]);
});

test('node:crypto is loaded when one of its functions is called', async () => {
  const contents = `import { createHash } from 'node:crypto';
    const isLoaded = () => process.moduleLoadList.includes('NativeModule crypto');
    const before = isLoaded();
    console.log(before, createHash('md5').update('').digest('hex'), isLoaded());`;
  const { outputFiles } = await esbuild.build({
    stdin: { contents },
    bundle: true,
    write: false,
    platform: 'node',
    format: 'cjs',
    plugins: [lazyCrypto],
  });
  const text = execFileSync(process.execPath, { input: outputFiles[0]?.text, encoding: 'utf8' });
  expect(text).toBe('false d41d8cd98f00b204e9800998ecf8427e true\n');
});

test('one file imports the toolkit', () => {
  const importers = globSync('{webview,extension,protocol}/**/*.ts', { cwd: root }).filter((file) =>
    readFileSync(join(root, file), 'utf8').includes("'@vscode/webview-ui-toolkit'"),
  );
  expect(importers).toEqual(['webview/shared/toolkit.ts']);
});
