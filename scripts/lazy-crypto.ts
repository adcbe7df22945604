import * as crypto from 'node:crypto';
import type * as esbuild from 'esbuild';

/**
 * Loads `node:crypto` when one of its functions is called first: OpenSSL takes 8 ms and 3 MB of a helper or a command that
 * in most cases needs none of it.
 */
export const lazyCrypto: esbuild.Plugin = {
  name: 'lazy-crypto',
  setup(build) {
    build.onResolve({ filter: /^(node:)?crypto$/ }, ({ namespace }) =>
      namespace === 'lazy-crypto' ? undefined : { path: 'crypto', namespace: 'lazy-crypto' },
    );
    build.onLoad({ filter: /.*/, namespace: 'lazy-crypto' }, () => {
      const functions = Object.entries(crypto).flatMap(([name, value]) =>
        typeof value === 'function' ? [name] : [],
      );
      return {
        contents: `for (const name of ${JSON.stringify(functions)})
  Object.defineProperty(exports, name, { enumerable: true, get: () => require('node:crypto')[name] });`,
      };
    });
  },
};
