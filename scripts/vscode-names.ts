import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type * as esbuild from 'esbuild';

/** A declaration of a value in the module `vscode` of `@types/vscode`. */
const VALUE = /^\t(?:export )?(?:abstract )?(?:class|enum|namespace|const|function|let) (\w+)/gm;

/**
 * VS Code's API as one module of the bundle: for each `import … from 'vscode'` esbuild would otherwise ask the extension
 * host for it, which looks each time from where it is asked, and copy all its names. Our 70 files spent a third of the
 * extension's loading on that. What is required by packages stays as it is.
 */
export const vscodeNames: esbuild.Plugin = {
  name: 'vscode-names',
  setup(build) {
    build.onResolve({ filter: /^vscode$/ }, ({ kind }) =>
      kind === 'import-statement'
        ? { path: 'vscode', namespace: 'vscode-names', sideEffects: false }
        : undefined,
    );
    build.onLoad({ filter: /.*/, namespace: 'vscode-names' }, () => {
      const path = createRequire(import.meta.url).resolve('@types/vscode/index.d.ts');
      const names = new Set([...readFileSync(path, 'utf8').matchAll(VALUE)].map(([, name = '']) => name));
      const exported = [...names].map((name) => `export const ${name} = /* @__PURE__ */ api('${name}');`);
      return {
        contents: `const vscode = require('vscode');\nconst api = (name) => vscode[name];\n${exported.join('\n')}`,
      };
    });
  },
};
