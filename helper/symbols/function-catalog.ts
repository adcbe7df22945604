import type { SourcePlace } from '../../protocol/source.ts';
import { attributes } from './dwarf/constants.ts';
import { Die } from './dwarf/die.ts';
import type { AddressRange } from './dwarf/lists.ts';
import type { ScopeName, ScopeNames } from './dwarf/names.ts';
import type { ScopeStore, UnitScopes } from './dwarf/scope-store.ts';
import { HAS_ORIGIN, INLINED_SCOPE, NONE, ORIGIN_ELSEWHERE, scopeOfDie } from './dwarf/scope-store.ts';
import type { Unit } from './dwarf/unit.ts';
import type { DwarfIndex, UnitIndex } from './dwarf/unit-index.ts';
import type { FunctionBody, FunctionInfo, InlinedCopy } from './model.ts';
import type { SymbolLookup } from './symbol-lookup.ts';

/** One scope with the unit it is in. */
interface Placed {
  readonly index: UnitIndex;
  readonly scope: number;
}

/** All scopes with code that stem from one function of the source. */
interface Group {
  readonly name: ScopeName;
  readonly bodies: Placed[];
  readonly inlined: Placed[];
}

/** Origins of origins; more is a loop in a damaged file. */
const LONGEST_CHAIN = 16;

/** `name` itself, or a clone of it: `name.constprop.0`. */
function isNamedAfter(symbol: string, name: string | undefined): boolean {
  return (
    name !== undefined &&
    symbol.startsWith(name) &&
    (symbol.length === name.length || symbol.charCodeAt(name.length) === DOT)
  );
}

const DOT = 46;

/**
 * The functions of a binary as its source has them: bodies, clones and inlined copies of all units that stem from one
 * declaration are put together. Functions with linkage belong together by linkage name, static ones by the place of
 * their declaration as well, since headers are compiled into many units.
 */
export class FunctionCatalog {
  readonly #index: DwarfIndex;
  readonly #names: ScopeNames;
  readonly #symbols: () => SymbolLookup;
  readonly #demangle: (name: string) => string;
  readonly #isCode: (address: number) => boolean;
  #groups: Map<string, Group> | undefined;

  constructor(
    index: DwarfIndex,
    names: ScopeNames,
    symbols: () => SymbolLookup,
    demangle: (name: string) => string,
    isCode: (address: number) => boolean,
  ) {
    this.#index = index;
    this.#names = names;
    this.#symbols = symbols;
    this.#demangle = demangle;
    this.#isCode = isCode;
  }

  /** Every function with code. Walks all units the first time (vmlinux: about half a second). */
  *all(): Generator<FunctionInfo> {
    for (const group of this.#all().values()) yield this.#describe(group);
  }

  /**
   * Functions that a name fits: the bare name, the qualified name with or without parameters, or the linkage name.
   * Template arguments may be left out.
   */
  named(name: string): FunctionInfo[] {
    const found: FunctionInfo[] = [];
    const bare = withoutArguments(name);
    const last = lastComponent(bare);
    for (const group of this.#all().values()) {
      const { linkage, short } = group.name;
      if (linkage !== name && short !== name && (short === undefined || !fits(short, last))) continue;
      if (linkage === name || short === name || this.#qualifies(group, name, bare))
        found.push(this.#describe(group));
    }
    return found;
  }

  /** The function that a scope with code stems from. */
  ofScope(index: UnitIndex, scope: number): FunctionInfo | undefined {
    const group = this.#all().get(this.#key(index, scope));
    return group === undefined ? undefined : this.#describe(group);
  }

  #qualifies(group: Group, name: string, bare: string): boolean {
    const full = this.#displayName(group);
    if (full === name) return true;
    const fullBare = withoutArguments(full);
    return fullBare === bare || fullBare.endsWith(`::${bare}`) || fullBare.endsWith(`.${bare}`);
  }

  #all(): Map<string, Group> {
    if (this.#groups !== undefined) return this.#groups;
    this.#index.walkAll();
    const groups = new Map<string, Group>();
    for (const unit of this.#index.file.units) {
      if (unit.isTypeUnit) continue;
      const index = this.#index.unit(unit);
      const { store, scopes } = index;
      for (let scope = scopes.first; scope < scopes.end; scope++) {
        const end = scope + 1 < scopes.end ? store.firstRanges[scope + 1]! : scopes.endRange;
        const first = store.firstRanges[scope]!;
        // what the linker left out keeps its description, at address 0 or in front of all code
        if (end === first || !this.#isCode(store.rangeLows[first]!)) continue;
        this.#add(groups, index, scope, (store.flags[scope]! & INLINED_SCOPE) !== 0);
      }
    }
    return (this.#groups = groups);
  }

  #add(groups: Map<string, Group>, index: UnitIndex, scope: number, inlined: boolean): void {
    const key = this.#key(index, scope);
    let group = groups.get(key);
    if (group === undefined) {
      group = { name: this.#names.of(index.store, scope, index.full), bodies: [], inlined: [] };
      groups.set(key, group);
    }
    (inlined ? group.inlined : group.bodies).push({ index, scope });
  }

  /** What tells functions of the source apart. */
  #key(index: UnitIndex, scope: number): string {
    const { store } = index;
    const name = this.#names.of(store, scope, index.full);
    if (name.linkage !== undefined) return name.linkage;
    const root = rootScope(store, index.scopes, scope, index.full);
    if (root === undefined) return `${name.short}|${index.unit.offset}|${store.origins[scope]}`;
    // Two units spell a header's path differently at times; line and column rarely meet by chance, base names hardly.
    const file = index.files?.fileName(store.files[root]!) ?? '';
    return `${name.short}|${file.slice(file.lastIndexOf('/') + 1)}|${store.lines[root]}|${store.columns[root]}`;
  }

  #displayName(group: Group): string {
    const { linkage, short } = group.name;
    if (linkage !== undefined) return this.#demangle(linkage);
    const placed = group.bodies[0] ?? group.inlined[0];
    const die = placed && dieOf(placed);
    return (die === undefined ? undefined : qualifiedName(die)) ?? short ?? '??';
  }

  #describe(group: Group): FunctionInfo {
    const placed = (group.bodies[0] ?? group.inlined[0])!;
    const die = rootDie(dieOf(placed));
    const bodies = group.bodies.map((body) => this.#body(body, group.name));
    // a name that is in a file which is not here: the symbol's
    const symbol = bodies.find((body) => body.symbol !== undefined)?.symbol;
    return {
      name: this.#displayName(group) || (symbol === undefined ? '??' : this.#demangle(symbol)),
      shortName: group.name.short ?? group.name.linkage ?? '??',
      linkageName: group.name.linkage,
      declared: declarationOf(die, placed.index),
      die,
      unit: placed.index.full,
      bodies,
      inlined: group.inlined.map((copy) => this.#copy(copy)),
    };
  }

  #body({ index, scope }: Placed, name: ScopeName): FunctionBody {
    const ranges = rangesOfScope(index.store, index.scopes, scope);
    const entry = ranges[0]?.low ?? 0;
    const die = dieOf({ index, scope });
    return { die, entry, ranges, symbol: this.#symbolAt(entry, name) };
  }

  /** The symbol at an entry: of aliases the one that the source names, and not that of the indirect function it resolves. */
  #symbolAt(entry: number, { linkage, short }: ScopeName): string | undefined {
    const symbols = this.#symbols();
    const found = symbols.find(entry);
    if (found?.address !== entry) return undefined;
    if (isNamedAfter(found.name, linkage) || isNamedAfter(found.name, short)) return found.name;
    const own = [linkage, short].filter((name) => name !== undefined);
    return symbols.aliasAt(entry, own) ?? found.name;
  }

  #copy({ index, scope }: Placed): InlinedCopy {
    const { store } = index;
    const ranges = rangesOfScope(store, index.scopes, scope);
    const die = dieOf({ index, scope });
    const lowest = Math.min(...ranges.slice(0, 64).map(({ low }) => low));
    const entryPc = die.attribute(attributes.entryPc);
    // As a constant it counts from the copy's lowest address (DWARF 5 section 2.18).
    const entry =
      entryPc?.kind === 'address'
        ? entryPc.value
        : entryPc?.kind === 'constant'
          ? lowest + entryPc.value
          : lowest;
    let outer = store.parents[scope]!;
    while (outer !== NONE && (store.flags[outer]! & INLINED_SCOPE) !== 0) outer = store.parents[outer]!;
    const into = outer === NONE ? undefined : this.#names.of(store, outer, index.full);
    return {
      die,
      entry,
      ranges,
      callSite: place(index, store, scope),
      into: into?.linkage === undefined ? (into?.short ?? '??') : this.#demangle(into.linkage),
    };
  }
}

function place(index: UnitIndex, store: ScopeStore, scope: number): SourcePlace {
  const column = store.columns[scope]!;
  return {
    file: index.files?.path(store.files[scope]!) ?? '??',
    line: store.lines[scope]!,
    ...(column === 0 ? {} : { column }),
  };
}

function dieOf({ index, scope }: Placed): Die {
  const die = Die.at(index.full, index.store.dies[scope]!);
  if (die === undefined)
    return index.full.reader(index.store.dies[scope]!).fail('a function without an entry');
  return die;
}

function rangesOfScope(store: ScopeStore, scopes: UnitScopes, scope: number): AddressRange[] {
  const end = scope + 1 < scopes.end ? store.firstRanges[scope + 1]! : scopes.endRange;
  const ranges: AddressRange[] = [];
  for (let at = store.firstRanges[scope]!; at < end; at++)
    ranges.push({ low: store.rangeLows[at]!, high: store.rangeHighs[at]! });
  return ranges;
}

/** The scope at the end of the chain of origins, when all of it is in this unit. */
function rootScope(store: ScopeStore, scopes: UnitScopes, scope: number, unit: Unit): number | undefined {
  let root = scope;
  for (let step = 0; step < LONGEST_CHAIN; step++) {
    const flags = store.flags[root]!;
    if ((flags & HAS_ORIGIN) === 0) return root;
    if ((flags & ORIGIN_ELSEWHERE) !== 0) return undefined;
    const offset = store.origins[root]!;
    if (offset < unit.offset || offset >= unit.end) return undefined;
    const next = scopeOfDie(store, scopes, offset);
    if (next === undefined) return undefined;
    root = next;
  }
  return undefined;
}

/** The DIE that declares: the end of the chain of origins. */
function rootDie(die: Die): Die {
  let root = die;
  for (let step = 0; step < LONGEST_CHAIN; step++) {
    const origin = root.origin;
    if (origin === undefined) break;
    root = origin;
  }
  return root;
}

function declarationOf(die: Die, index: UnitIndex): SourcePlace | undefined {
  const line = die.attribute(attributes.declLine);
  const file = die.attribute(attributes.declFile);
  const column = die.attribute(attributes.declColumn);
  if (line?.kind !== 'constant' || file?.kind !== 'constant') return undefined;
  const files = index.filesOf(die.unit);
  const path = files?.path(file.value);
  if (path === undefined) return undefined;
  return {
    file: path,
    line: line.value,
    ...(column?.kind === 'constant' && column.value > 0 ? { column: column.value } : {}),
  };
}

/** `ns::Class::name` from the DIEs around, for functions without a linkage name. */
function qualifiedName(die: Die): string | undefined {
  const root = rootDie(die);
  const name = root.name;
  if (name === undefined || root.unit.language === 'c' || root.unit.language === 'go') return name;
  const around = root
    .ancestors()
    .slice(1)
    .map((outer) => outer.name)
    .filter((outer) => outer !== undefined);
  return [...around, name].join('::');
}

/** A DWARF name fits a searched one when it is that, or that with template arguments behind. */
function fits(name: string, searched: string): boolean {
  if (!name.startsWith(searched)) return name.endsWith(`.${searched}`);
  return name.length === searched.length || name.charCodeAt(searched.length) === 60;
}

/** The name without its parameter list, template arguments and return type. `operator()` and `operator<` keep theirs. */
export function withoutArguments(name: string): string {
  let bare = '';
  let depth = 0;
  for (let at = 0; at < name.length; at++) {
    const operator = depth === 0 ? /^operator(\(\)|<=>|<<=?|>>=?|->\*?|[<>]=?)/.exec(name.slice(at)) : null;
    if (operator !== null && !/\w$/.test(bare)) {
      bare += operator[0];
      at += operator[0].length - 1;
      continue;
    }
    const anonymous = depth === 0 && name.startsWith('(anonymous namespace)', at);
    if (anonymous) {
      bare += '(anonymous namespace)';
      at += 20;
      continue;
    }
    const char = name[at]!;
    if (char === '<' && !(depth === 0 && (bare === '' || bare.endsWith('::')))) depth++;
    else if (char === '>' && depth > 0) depth--;
    else if (depth === 0) {
      // Go's receivers, `main.(*T).M`, are no parameter list.
      if (char === '(' && !bare.endsWith('.')) break;
      bare += char;
    }
  }
  const space = bare.startsWith('operator') ? -1 : bare.lastIndexOf(' ');
  return space < 0 || bare.includes('operator ') || bare.includes('(anonymous')
    ? bare
    : bare.slice(space + 1);
}

function lastComponent(bare: string): string {
  const at = bare.lastIndexOf('::');
  return at < 0 ? bare : bare.slice(at + 2);
}
