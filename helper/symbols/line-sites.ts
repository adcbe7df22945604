import { ProbeError } from '../../protocol/errors.ts';
import type { SourcePlace } from '../../protocol/source.ts';
import type { FileRow } from './dwarf/file-rows.ts';
import { FileRows } from './dwarf/file-rows.ts';
import { attributes } from './dwarf/constants.ts';
import { Die } from './dwarf/die.ts';
import type { Unit } from './dwarf/unit.ts';
import type { UnitLookup } from './dwarf/unit-lookup.ts';
import type { ScopeNames } from './dwarf/names.ts';
import { HAS_ORIGIN, INLINED_SCOPE, NONE, ORIGIN_ELSEWHERE, SPECIFIES } from './dwarf/scope-store.ts';
import type { DwarfIndex, UnitIndex } from './dwarf/unit-index.ts';
import type { LineSite, LineSites } from './model.ts';
import type { NamingProgram } from './dwarf/file-search.ts';
import { programsNaming } from './dwarf/file-search.ts';
import { isAbsolute } from './dwarf/line-header.ts';
import { baseName, commonSuffix, normalisePath } from '../../protocol/source-path.ts';

/** From so many units on it is cheaper to read what they share at once than piece by piece. */
const MANY = 32;

/** A source file of the binary with all units that have it. */
interface FoundFile {
  readonly path: string;
  /** Others whose path fits as well. */
  alike: readonly string[];
  /** Its numbers in the tables of its units. */
  readonly units: { readonly index: UnitIndex; readonly files: ReadonlySet<number> }[];
  readonly rows: FileRows;
}

/**
 * Code of source lines. A line maps to many rows: taken are starts of statement runs, one per function or inlined copy,
 * because a probe on each of the rows would count one execution of the line several times.
 */
export class LineSiteFinder {
  readonly #index: DwarfIndex;
  readonly #lookup: UnitLookup;
  readonly #naming = new Map<string, readonly NamingProgram[]>();
  readonly #found = new Map<string, FoundFile>();
  /** Paths made comparable: a header's is asked for in a thousand units. */
  readonly #normalised = new Map<string, string>();
  readonly #names: ScopeNames;
  readonly #demangle: (name: string) => string;
  readonly #isCode: (address: number) => boolean;
  readonly #symbolAt: (address: number) => string | undefined;

  constructor(
    index: DwarfIndex,
    lookup: UnitLookup,
    names: ScopeNames,
    demangle: (name: string) => string,
    isCode: (address: number) => boolean,
    symbolAt: (address: number) => string | undefined,
  ) {
    this.#index = index;
    this.#lookup = lookup;
    this.#names = names;
    this.#demangle = demangle;
    this.#isCode = isCode;
    this.#symbolAt = symbolAt;
  }

  /**
   * Places of `line` of the source file that fits `file` best; with `column`, of what begins there or last before it on
   * that line. Takes the nearest line with code when there is none, and says so. Throws ProbeError line-without-code, or file-not-found when the binary has no such file.
   */
  find(file: string, line: number, column?: number): LineSites {
    const found = this.#findFile(file);
    let taken = line;
    let sites = this.#sites(found, line, column);
    if (sites.length === 0) {
      const nearest = this.#nearestLine(found, line);
      if (nearest === undefined)
        throw new ProbeError({
          code: 'line-without-code',
          message: `Line ${line} of ${file} has no code in this binary, nor has any other line of the file.`,
          remedy: 'The file may only declare things, or its code was optimised away.',
        });
      taken = nearest;
      sites = this.#sites(
        found,
        nearest,
        nearest === line ? this.#nearestColumn(found, line, column) : undefined,
      );
    }
    const { path, alike } = found;
    return { line: taken, moved: taken !== line, file: path, alike, md5s: md5sOf(found), sites };
  }

  /** For each site the scope, from the innermost outwards, whose function is declared in that file at or above `line`. */
  declaringScopes(sites: LineSites, line: number): { index: UnitIndex; scope: number }[] {
    const found: { index: UnitIndex; scope: number }[] = [];
    for (const { address } of sites.sites) {
      const unit = this.#lookup.find(address);
      if (unit === undefined) continue;
      const index = this.#index.unit(unit);
      const scope = this.#declaringScope(index, address, sites.file, line);
      if (scope !== undefined) found.push({ index, scope });
    }
    return found;
  }

  #declaringScope(index: UnitIndex, address: number, file: string, line: number): number | undefined {
    const { store } = index;
    const innermost = index.scopeAt(address);
    let best = innermost;
    let bestLine = 0;
    for (let scope = innermost; scope !== undefined;) {
      const declared = this.#declaration(index, scope);
      // Of the functions of that file around the address, the line belongs to the one that begins last before it.
      if (
        declared !== undefined &&
        declared.line <= line &&
        declared.line > bestLine &&
        declared.file === file
      ) {
        best = scope;
        bestLine = declared.line;
      }
      const parent: number = store.parents[scope]!;
      scope = parent === NONE ? undefined : parent;
    }
    return best;
  }

  /** Where a scope's function is declared: the first declaration on the chain of origins, its definition's. */
  #declaration(index: UnitIndex, scope: number): SourcePlace | undefined {
    const { store, full } = index;
    const flags = store.flags[scope]!;
    const isOwn = (flags & INLINED_SCOPE) === 0 && store.lines[scope]! > 0;
    const isPlain = (flags & (HAS_ORIGIN | ORIGIN_ELSEWHERE | SPECIFIES)) === HAS_ORIGIN;
    // A copy has the place of its call; that of the function is with its origin.
    const at = isOwn ? scope : isPlain ? this.#index.functionAt(full, store.origins[scope]!) : undefined;
    if (at !== undefined && store.lines[at]! > 0 && store.files[at]! > 0)
      return this.#place(index, full, store.files[at]!, store.lines[at]!);
    return this.#declarationOf(index, store.dies[scope]!);
  }

  #declarationOf(index: UnitIndex, offset: number): SourcePlace | undefined {
    const die = Die.at(index.full, offset);
    const line = die?.findWithOwner(attributes.declLine);
    const file = die?.findWithOwner(attributes.declFile);
    if (line?.value.kind !== 'constant' || file?.value.kind !== 'constant') return undefined;
    return this.#place(index, file.owner.unit, file.value.value, line.value.value);
  }

  #place(index: UnitIndex, unit: Unit, file: number, line: number): SourcePlace | undefined {
    const path = index.filesOf(unit)?.path(file);
    return path === undefined ? undefined : { file: this.#normalise(path), line };
  }

  #normalise(path: string): string {
    let normalised = this.#normalised.get(path);
    if (normalised === undefined) this.#normalised.set(path, (normalised = normalisePath(path)));
    return normalised;
  }

  /** Line programs whose tables have files of that base name; remembered, since questions about one file come in rows. */
  #programsNaming(name: string, ignoreCase: boolean): readonly NamingProgram[] {
    const key = ignoreCase ? `${name.toLowerCase()}/` : name;
    let known = this.#naming.get(key);
    if (known === undefined) {
      const { sections, path } = this.#index.file;
      this.#naming.set(key, (known = [...programsNaming(sections, path, { baseName: name, ignoreCase })]));
    }
    return known;
  }

  #findFile(file: string): FoundFile {
    let found = this.#found.get(file);
    if (found === undefined) {
      // `../src/a.c` is seen from a folder that nobody tells us; what follows names the file
      const wanted = normalisePath(file).replace(/^(\.\.\/)+/, '');
      // Another spelling than the compiler's, from a file system that ignores case, is worth a second look.
      found = this.#searchFile(wanted, false) ?? this.#searchFile(wanted, true);
      if (found === undefined)
        throw new ProbeError({
          code: 'file-not-found',
          message: `No unit of this binary was compiled from ${wanted}.`,
          remedy:
            'Choose another binary, or give the path by which it was compiled: this one was not compiled from a file of that name.',
        });
      this.#found.set(file, found);
    }
    return found;
  }

  #searchFile(wanted: string, ignoreCase: boolean): FoundFile | undefined {
    const byPath = new Map<string, FoundFile>();
    const shared = (path: string): number => commonSuffix(path, wanted, ignoreCase);
    const taken = contenders(this.#programsNaming(baseName(wanted), ignoreCase), shared);
    if (taken.length > MANY) {
      this.#lookup.expectMany();
      this.#index.expectMany();
    }
    const unitAt = (address: number): Unit | undefined => this.#lookup.find(address);
    for (const { program, numbers } of taken) {
      const passed = this.#index.passOver(program.offset, numbers, unitAt);
      if (passed === undefined) continue;
      const { index } = passed;
      const numbersOf = new Map<string, Set<number>>();
      for (const file of numbers) {
        const path = this.#normalise(index.files?.path(file) ?? '');
        const known = numbersOf.get(path);
        if (known === undefined) numbersOf.set(path, new Set([file]));
        else known.add(file);
      }
      for (const [path, files] of numbersOf) {
        let entry = byPath.get(path);
        if (entry === undefined)
          byPath.set(path, (entry = { path, alike: [], units: [], rows: new FileRows() }));
        entry.units.push({ index, files });
        entry.rows.add(passed, files);
      }
    }
    const ranked = [...byPath.values()].sort(
      (a, b) => shared(b.path) - shared(a.path) || a.path.length - b.path.length,
    );
    const best = ranked[0];
    // `b/c.c` asks for a file whose path ends like that; an absolute path may lie elsewhere than where it was built.
    if (best === undefined || (!wanted.startsWith('/') && shared(best.path) < wanted.split('/').length))
      return undefined;
    if (best.path !== wanted)
      best.alike = ranked.slice(1).flatMap(({ path }) => (shared(path) === shared(best.path) ? [path] : []));
    return best;
  }

  #sites(file: FoundFile, line: number, column: number | undefined): LineSite[] {
    const sites: LineSite[] = [];
    for (const [index, rows] of this.#runStarts(file, line, column)) {
      index.expect(rows.map(({ address }) => address));
      /** The lowest start of a run, by the entry of its scope. */
      const byScope = new Map<number, { scope: number; row: FileRow }>();
      for (const row of rows) {
        // At the start of an inlined copy the row may still be the caller's: the line tells whose code it is.
        const scope = this.#declaringScope(index, row.address, file.path, line) ?? NONE;
        const die = scope === NONE ? NONE : index.store.dies[scope]!;
        const known = byScope.get(die);
        if (known === undefined || known.row.address > row.address) byScope.set(die, { scope, row });
      }
      for (const { scope, row } of byScope.values()) sites.push(this.#site(index, scope, row, line));
    }
    return sites.sort((a, b) => a.address - b.address);
  }

  /** The rows of a line that start runs of its statements, by unit. */
  #runStarts(file: FoundFile, line: number, column: number | undefined): Map<UnitIndex, FileRow[]> {
    const found = new Map<UnitIndex, FileRow[]>();
    let inside = false;
    for (const row of file.rows.ofLine(line)) {
      if (row.startsRun) inside = false;
      if (inside || (column !== undefined && row.column !== column)) continue;
      inside = true;
      if (!this.#isCode(row.address)) continue;
      const known = found.get(row.index);
      if (known === undefined) found.set(row.index, [row]);
      else known.push(row);
    }
    return found;
  }

  #site(index: UnitIndex, scope: number, { address, file, column }: FileRow, line: number): LineSite {
    const { store } = index;
    const place = {
      file: index.files?.path(file) ?? '??',
      line,
      ...(column === 0 ? {} : { column }),
    };
    // assembly, and what the compiler made by itself: a resolver, a thunk
    if (scope === NONE) {
      const symbol = this.#symbolAt(address);
      return {
        address,
        place,
        function: symbol === undefined ? '??' : this.#demangle(symbol),
        isEntry: false,
      };
    }
    const inlined = (store.flags[scope]! & INLINED_SCOPE) !== 0;
    let outer = scope;
    while (store.parents[outer] !== NONE && (store.flags[outer]! & INLINED_SCOPE) !== 0)
      outer = store.parents[outer]!;
    const isEntry = store.rangeLows[store.firstRanges[scope]!] === address;
    const name = (of: number): string => {
      const { linkage, short } = this.#names.of(store, of, index.full);
      return linkage === undefined ? (short ?? '??') : this.#demangle(linkage);
    };
    return {
      address,
      place,
      function: name(outer),
      isEntry,
      ...(inlined ? { inlinedFunction: name(scope) } : {}),
    };
  }

  /** Where the part of the line that holds `column` begins: the last one before it, or the first one behind. */
  #nearestColumn(file: FoundFile, line: number, column = 0): number | undefined {
    let before: number | undefined;
    let behind: number | undefined;
    for (const row of file.rows.ofLine(line)) {
      if (!this.#isCode(row.address)) continue;
      if (row.column <= column) before = Math.max(before ?? 0, row.column);
      else behind = Math.min(behind ?? Infinity, row.column);
    }
    return before ?? behind;
  }

  /** The nearest line with code: the next one below, as gdb takes it, or the last one above. */
  #nearestLine(file: FoundFile, line: number): number | undefined {
    const { rows } = file;
    const hasCode = (candidate: number): boolean => {
      for (const { address } of rows.ofLine(candidate)) if (this.#isCode(address)) return true;
      return false;
    };
    for (let below = Math.max(1, line); below <= rows.lastLine; below++) if (hasCode(below)) return below;
    for (let above = Math.min(line - 1, rows.lastLine); above > 0; above--) if (hasCode(above)) return above;
    return undefined;
  }
}

function md5sOf({ units }: FoundFile): string[] {
  const found = new Set<string>();
  for (const { index, files } of units)
    for (const file of files) {
      const md5 = index.files?.md5(file);
      if (md5 !== undefined) found.add(md5);
    }
  return [...found];
}

/**
 * The files that may fit the wanted path best, judged before any line program is run: vmlinux has 70 files named `core.c`. A path
 * that differs from it in one of its own folders fits as well as it does now; one that agrees to its beginning may go on to
 * agree in its compilation directory, which only its unit tells.
 */
function contenders(
  programs: readonly NamingProgram[],
  sharedWithWanted: (path: string) => number,
): { program: NamingProgram; numbers: number[] }[] {
  const judged = programs.flatMap((program) =>
    program.files.map(({ number, path }) => {
      const own = normalisePath(path);
      const shared = sharedWithWanted(own);
      const parts = own.replace(/^(\.\.\/)+/, '').split('/').length;
      return { program, number, shared, open: !isAbsolute(own) && shared >= parts };
    }),
  );
  const most = judged.reduce((best, { shared }) => Math.max(best, shared), 0);
  const kept = new Map<NamingProgram, number[]>();
  for (const { program, number, shared, open } of judged) {
    if (shared < most && !open) continue;
    const numbers = kept.get(program);
    if (numbers === undefined) kept.set(program, [number]);
    else numbers.push(number);
  }
  return [...kept].map(([program, numbers]) => ({ program, numbers }));
}
