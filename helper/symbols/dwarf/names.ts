import { Die } from './die.ts';
import type { DwarfFile } from './file.ts';
import type { ScopeStore } from './scope-store.ts';
import {
  HAS_ORIGIN,
  LINKAGE_SHIFT,
  NAME_IN_INFO,
  NAME_IN_LINE_STR,
  NAME_IN_STR,
  NAME_IN_SUPPLEMENT,
  NAME_MASK,
  NAME_SHIFT,
  ORIGIN_ELSEWHERE,
} from './scope-store.ts';
import type { Unit } from './unit.ts';
import type { DwarfIndex } from './unit-index.ts';

/** Origins refer to origins one to three times; more is a loop. */
const LONGEST_CHAIN = 16;

/** The names of a function. */
export interface ScopeName {
  readonly linkage: string | undefined;
  readonly short: string | undefined;
}

/** Names of scopes, through abstract origins and specifications, remembered by scope. */
export class ScopeNames {
  readonly #index: DwarfIndex;
  readonly #known = new Map<ScopeStore, Map<number, ScopeName>>();

  constructor(index: DwarfIndex) {
    this.#index = index;
  }

  /** The names of a scope of `store`, which belongs to `unit`. */
  of(store: ScopeStore, scope: number, unit: Unit): ScopeName {
    let known = this.#known.get(store);
    if (known === undefined) this.#known.set(store, (known = new Map<number, ScopeName>()));
    let name = known.get(scope);
    if (name === undefined) known.set(scope, (name = this.#find(store, scope, unit, 0)));
    return name;
  }

  #find(store: ScopeStore, scope: number, unit: Unit, step: number): ScopeName {
    const flags = store.flags[scope]!;
    const linkage = text(unit.file, (flags >> LINKAGE_SHIFT) & NAME_MASK, store.linkageNames[scope]!);
    const short = text(unit.file, (flags >> NAME_SHIFT) & NAME_MASK, store.names[scope]!);
    if ((linkage !== undefined && short !== undefined) || (flags & HAS_ORIGIN) === 0 || step > LONGEST_CHAIN)
      return { linkage, short };
    const origin = this.#origin(store, scope, unit, step);
    return { linkage: linkage ?? origin.linkage, short: short ?? origin.short };
  }

  #origin(store: ScopeStore, scope: number, unit: Unit, step: number): ScopeName {
    const offset = store.origins[scope]!;
    if ((store.flags[scope]! & ORIGIN_ELSEWHERE) !== 0)
      return dieName(unit.file.supplementary?.dieAt(offset));
    const owner = offset >= unit.offset && offset < unit.end ? unit : unit.file.unitContaining(offset);
    if (owner === undefined || offset < owner.header.rootOffset) return dieName(undefined);
    const at = this.#index.functionAt(owner, offset);
    return at === undefined ? dieName(Die.at(owner, offset)) : this.#find(store, at, owner, step + 1);
  }
}

function dieName(die: Die | undefined): ScopeName {
  return { linkage: die?.linkageName, short: die?.name };
}

function text(file: DwarfFile, kind: number, offset: number): string | undefined {
  switch (kind) {
    case NAME_IN_STR:
      return file.sections.str?.string(offset);
    case NAME_IN_INFO:
      return file.sections.info.string(offset);
    case NAME_IN_LINE_STR:
      return file.sections.lineStr?.string(offset);
    case NAME_IN_SUPPLEMENT:
      return file.supplementary?.sections.str?.string(offset);
    default:
      return undefined;
  }
}
