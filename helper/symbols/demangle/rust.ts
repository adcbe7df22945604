import * as glue from 'gecko-profiler-demangle/index_bg.js';
import { rustDemanglerModule } from './rust-module.ts';

let demangleAny: ((name: string) => string) | undefined;

/** As much of WebAssembly's interface as is needed; the library's types come with the DOM's. */
interface Wasm {
  readonly Module: new (bytes: Uint8Array) => object;
  readonly Instance: new (
    module: object,
    imports: Record<string, unknown>,
  ) => { readonly exports: Record<string, unknown> };
}

/** Loads the module (0.5 MB) when the first Rust name comes along: most binaries have none. */
function load(): (name: string) => string {
  const wasm = (globalThis as unknown as { WebAssembly: Wasm }).WebAssembly;
  const module = new wasm.Module(rustDemanglerModule());
  const { exports } = new wasm.Instance(module, { './index_bg.js': glue });
  glue.__wbg_set_wasm(exports);
  const start = exports['__wbindgen_start'];
  if (typeof start === 'function') (start as () => void)();
  return glue.demangle_any;
}

/** Demangles Rust's names, `_R…` (v0) and the older `_ZN…17h0123456789abcdefE`, or returns undefined when it is none. */
export function demangleRust(name: string): string | undefined {
  demangleAny ??= load();
  try {
    const text = demangleAny(name);
    return text === name ? undefined : text;
  } catch {
    // A trap leaves the instance unusable: the next name gets a new one.
    demangleAny = undefined;
    return undefined;
  }
}
