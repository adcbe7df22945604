import type { ScopeNames } from './dwarf/names.ts';
import type { ScopeStore } from './dwarf/scope-store.ts';
import { INLINED_SCOPE, NONE } from './dwarf/scope-store.ts';
import type { UnitIndex } from './dwarf/unit-index.ts';
import type { SymbolFrame } from './model.ts';
import type { SymbolLookup } from './symbol-lookup.ts';

/** The frames of a scope's addresses from {@link from} on, below {@link to}: one symbol names them all. */
export interface ScopeFrame {
  readonly from: number;
  readonly to: number;
  /** Innermost first. The first one lacks its place, of which each address has its own. */
  readonly frames: SymbolFrame[];
}

/**
 * Frames of scopes, remembered: all but the place of the innermost one is the same for the whole scope. An answer about a random
 * address waits for memory, and without this it touches twenty pieces more.
 */
export class ScopeFrames {
  readonly #names: ScopeNames;
  readonly #symbols: () => SymbolLookup;
  readonly #demangle: (name: string) => string;
  readonly #known = new Map<ScopeStore, Map<number, ScopeFrame>>();

  constructor(names: ScopeNames, symbols: () => SymbolLookup, demangle: (name: string) => string) {
    this.#names = names;
    this.#symbols = symbols;
    this.#demangle = demangle;
  }

  /** The frames at `address`, whose innermost scope is `scope`, an index of `unit`'s store. The array is not the caller's. */
  at(unit: UnitIndex, scope: number, address: number): readonly SymbolFrame[] {
    const { store } = unit;
    let known = this.#known.get(store);
    if (known === undefined) this.#known.set(store, (known = new Map<number, ScopeFrame>()));
    let found = known.get(scope);
    if (found === undefined || address < found.from || address >= found.to)
      known.set(scope, (found = this.#make(unit, scope, address)));
    return found.frames;
  }

  #make(unit: UnitIndex, scope: number, address: number): ScopeFrame {
    const { store, files } = unit;
    const frames = [this.#frame(unit, scope, '', 0, 0)];
    for (let at = scope; isInlined(store, at);) {
      const file = files?.path(store.files[at]!) ?? '??';
      const caller = store.parents[at]!;
      frames.push(this.#frame(unit, caller, file, store.lines[at]!, store.columns[at]!));
      at = caller;
    }
    const symbols = this.#symbols();
    frames.push(namedBySymbol(frames.pop()!, address, symbols, this.#demangle));
    return { ...symbols.spanAt(address), frames };
  }

  #frame(unit: UnitIndex, scope: number, file: string, line: number, column: number): SymbolFrame {
    const { store } = unit;
    const name = this.#names.of(store, scope, unit.full);
    const linkageName = name.linkage ?? name.short ?? '';
    return {
      function: linkageName === '' ? '??' : this.#demangle(linkageName),
      file,
      line,
      column,
      inlined: isInlined(store, scope),
      linkageName,
    };
  }
}

/** A copy whose caller is known. */
function isInlined(store: ScopeStore, scope: number): boolean {
  return (store.flags[scope]! & INLINED_SCOPE) !== 0 && store.parents[scope] !== NONE;
}

/** A function's own frame with what the symbol table knows of the address. */
export function namedBySymbol(
  frame: SymbolFrame,
  address: number,
  symbols: SymbolLookup,
  demangle: (name: string) => string,
): SymbolFrame {
  const symbol = symbols.find(address);
  if (symbol === undefined) return frame;
  const file = frame.file === '??' ? (symbols.fileOf(symbol) ?? '??') : frame.file;
  return { ...frame, function: demangle(symbol.name), file, linkageName: symbol.name };
}
