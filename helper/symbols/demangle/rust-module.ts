import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

/**
 * The WebAssembly of gecko-profiler-demangle. When bundled, `scripts/build.ts` puts the bytes in the place of this module,
 * because the helper travels to other hosts as one file.
 */
export function rustDemanglerModule(): Uint8Array<ArrayBuffer> {
  const require = createRequire(import.meta.url);
  return new Uint8Array(readFileSync(require.resolve('gecko-profiler-demangle/index_bg.wasm')));
}
