import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';

/**
 * The WebAssembly of gecko-profiler-demangle. When bundled, `scripts/build.ts` puts the bytes in the place of this module,
 * because the helper travels to other hosts as one file.
 */
export function rustDemanglerModule(): Uint8Array<ArrayBuffer> {
  const require = createRequire(join(process.cwd(), 'package.json'));
  return new Uint8Array(readFileSync(require.resolve('gecko-profiler-demangle/index_bg.wasm')));
}
