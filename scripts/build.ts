// `npm run build`: one bundle a room. `--watch` rebuilds on change.
import { chmodSync, existsSync, readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';
import { deflateRawSync } from 'node:zlib';
import * as esbuild from 'esbuild';
import { lazyBundleFiles, lazyBundles } from './lazy-bundles.ts';
import { lazyCrypto } from './lazy-crypto.ts';
import { vscodeNames } from './vscode-names.ts';

const root = resolve(import.meta.dirname, '..');
const watch = process.argv.includes('--watch');

const common: esbuild.BuildOptions = {
  absWorkingDir: root,
  bundle: true,
  sourcemap: true,
  sourcesContent: false,
  minify: !watch,
  legalComments: 'none',
  logLevel: 'info',
};

/**
 * The helper travels as one file: the demangler's WebAssembly goes into the bundle in place of the module that reads it,
 * packed, as text that is unpacked on first use. (As bytes decoded when the bundle is loaded it cost every start 10 ms.)
 */
const embedWasm: esbuild.Plugin = {
  name: 'embed-wasm',
  setup(build) {
    build.onLoad({ filter: /[\\/]demangle[\\/]rust-module\.ts$/ }, () => {
      const path = createRequire(import.meta.url).resolve('gecko-profiler-demangle/index_bg.wasm');
      const packed = deflateRawSync(readFileSync(path), { level: 9 }).toString('base64');
      return {
        contents: `import { inflateRawSync } from 'node:zlib';
export const rustDemanglerModule = () => inflateRawSync(Buffer.from('${packed}', 'base64'));`,
        resolveDir: root,
        watchFiles: [path],
      };
    });
  },
};

/** Bundles for Node: entry → file, and the oldest Node that runs it. */
const nodeBundles: [entry: string, outfile: string, target: string][] = [
  ['extension/main.ts', 'dist/extension.js', 'node20'],
  ['extension/extension.ts', 'dist/extension/main.js', 'node20'],
  ...lazyBundles.map(({ entry, file }): [string, string, string] => [
    entry,
    `dist/extension/${file}`,
    'node20',
  ]),
  ['helper/main.ts', 'dist/helper.js', 'node18'],
  ['cli/bin.ts', 'dist/cli.js', 'node18'],
  ['cli/main.ts', 'dist/cli/main.js', 'node18'],
  ['cli/symbolize-main.ts', 'dist/cli/symbolize.js', 'node18'],
  ['language-server/main.ts', 'dist/server.js', 'node20'],
];

/** Bundles that `extension/core/run-compiled.ts` runs: a function of what CommonJS hands a module. */
const asFunction: esbuild.BuildOptions = {
  banner: { js: '(function (exports, require, module, __filename, __dirname) {' },
  footer: { js: '})' },
  supported: { 'dynamic-import': false },
};
const runAsFunctions = new Set(['cli/main.ts', 'cli/symbolize-main.ts', 'extension/extension.ts']);

const builds: esbuild.BuildOptions[] = nodeBundles.map(([entry, outfile, target]) => ({
  ...common,
  ...(runAsFunctions.has(entry) ? asFunction : {}),
  entryPoints: [entry],
  outfile,
  platform: 'node',
  format: 'cjs',
  target,
  external: ['vscode'],
  plugins: [
    ...(entry === 'extension/extension.ts' ? [lazyBundleFiles] : []),
    ...[embedWasm, lazyCrypto, vscodeNames],
  ],
}));

/**
 * `import source from './worker.ts?worker'`: a worker's bundle as text. A webview starts workers from blob URLs only,
 * and text needs no second file that a content security policy would have to name.
 */
const workerText: esbuild.Plugin = {
  name: 'worker-text',
  setup(build) {
    build.onResolve({ filter: /\?worker$/ }, (args) => ({
      path: resolve(args.resolveDir, args.path.slice(0, -'?worker'.length)),
      namespace: 'worker-text',
    }));
    build.onLoad({ filter: /.*/, namespace: 'worker-text' }, async (args) => {
      const result = await esbuild.build({
        ...common,
        entryPoints: [args.path],
        write: false,
        sourcemap: false,
        metafile: true,
        platform: 'browser',
        format: 'iife',
        target: 'es2022',
      });
      return {
        contents: result.outputFiles[0]?.text ?? '',
        loader: 'text',
        watchFiles: Object.keys(result.metafile.inputs).map((file) => join(root, file)),
      };
    });
  },
};

const panels = readdirSync(join(root, 'webview'), { withFileTypes: true })
  .filter((entry) => entry.isDirectory() && existsSync(join(root, 'webview', entry.name, 'main.ts')))
  .map((entry) => entry.name);
if (panels.length > 0)
  builds.push({
    ...common,
    entryPoints: Object.fromEntries(panels.map((panel) => [panel, `webview/${panel}/main.ts`])),
    outdir: 'dist/webview',
    platform: 'browser',
    format: 'iife',
    target: 'es2022',
    plugins: [workerText],
  });

for (const options of builds) {
  if (watch) await (await esbuild.context(options)).watch();
  else await esbuild.build(options);
}
chmodSync(join(root, 'dist', 'cli.js'), 0o755);
