import { ProbeError } from '../../protocol/errors.ts';
import { IS_STATEMENT, END_SEQUENCE } from './dwarf/line-rows.ts';
import { attributes } from './dwarf/constants.ts';
import { Die } from './dwarf/die.ts';
import type { UnitLookup } from './dwarf/unit-lookup.ts';
import type { ScopeNames } from './dwarf/names.ts';
import { INLINED_SCOPE, NONE } from './dwarf/scope-store.ts';
import type { DwarfIndex, UnitIndex } from './dwarf/unit-index.ts';
import type { LineSite, LineSites } from './model.ts';
import { programsNaming } from './dwarf/file-search.ts';
import { baseName, commonSuffix, normalisePath } from './source-path.ts';

/** A file as one unit numbers it. */
interface FileInUnit {
  readonly index: UnitIndex;
  readonly files: Set<number>;
}

/** A source file of the binary with all units that have it. */
interface FoundFile {
  readonly path: string;
  readonly units: FileInUnit[];
}

/**
 * Code of source lines. A line maps to many rows: taken are starts of statement runs, one per function or inlined copy,
 * because a probe on each of the rows would count one execution of the line several times.
 */
export class LineSiteFinder {
  readonly #index: DwarfIndex;
  readonly #lookup: UnitLookup;
  readonly #naming = new Map<string, readonly { index: UnitIndex; files: readonly number[] }[]>();
  readonly #names: ScopeNames;
  readonly #demangle: (name: string) => string;
  readonly #isCode: (address: number) => boolean;

  constructor(
    index: DwarfIndex,
    lookup: UnitLookup,
    names: ScopeNames,
    demangle: (name: string) => string,
    isCode: (address: number) => boolean,
  ) {
    this.#index = index;
    this.#lookup = lookup;
    this.#names = names;
    this.#demangle = demangle;
    this.#isCode = isCode;
  }

  /**
   * Places of `line` (and `column`, when given) of the source file that fits `file` best. Takes the nearest line with
   * code when there is none, and says so. Throws ProbeError line-without-code, or file-not-found when the binary has no such file.
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
      sites = this.#sites(found, nearest, nearest === line ? column : undefined);
    }
    return { line: taken, moved: taken !== line, file: found.path, sites };
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
    const innermost = index.functions.scopeAt(address);
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
  #declaration(index: UnitIndex, scope: number): { file: string; line: number } | undefined {
    const die = Die.at(index.full, index.store.dies[scope]!);
    const line = die?.findWithOwner(attributes.declLine);
    const file = die?.findWithOwner(attributes.declFile);
    if (line?.value.kind !== 'constant' || file?.value.kind !== 'constant') return undefined;
    const path = index.filesOf(file.owner.unit)?.path(file.value.value);
    return path === undefined ? undefined : { file: normalisePath(path), line: line.value.value };
  }

  /** Units with code whose tables have files of that base name; remembered, since questions about one file come in rows. */
  #unitsNaming(name: string): readonly { index: UnitIndex; files: readonly number[] }[] {
    const known = this.#naming.get(name);
    if (known !== undefined) return known;
    const { file } = this.#index;
    const found: { index: UnitIndex; files: readonly number[] }[] = [];
    for (const { header, files } of programsNaming(file.sections, file.path, name)) {
      const index = this.#index.unitOfProgram(header, (address) => this.#lookup.find(address));
      if (index !== undefined) found.push({ index, files });
    }
    this.#naming.set(name, found);
    return found;
  }

  /** Paths of the binary's source files with that base name, normalised: quick, whatever the binary's size. */
  filesNamed(name: string): { path: string; md5: string | undefined }[] {
    const found = new Map<string, string | undefined>();
    for (const { index, files } of this.#unitsNaming(name))
      for (const file of files) {
        const path = index.files?.path(file);
        if (path !== undefined) found.set(normalisePath(path), index.files?.md5(file));
      }
    return [...found].map(([path, md5]) => ({ path, md5 }));
  }

  /** All source files of the binary, by normalised path. */
  files(): string[] {
    const paths = new Set<string>();
    for (const unit of this.#index.file.units) {
      if (unit.isTypeUnit) continue;
      const { files } = this.#index.unit(unit);
      if (files === undefined) continue;
      for (let file = files.firstFile; file < files.firstFile + files.fileCount; file++) {
        const path = files.path(file);
        if (path !== undefined) paths.add(normalisePath(path));
      }
    }
    return [...paths].sort();
  }

  #findFile(file: string): FoundFile {
    const wanted = normalisePath(file);
    const byPath = new Map<string, FoundFile>();
    for (const { index, files } of this.#unitsNaming(baseName(wanted)))
      for (const file of files) {
        const path = normalisePath(index.files?.path(file) ?? '');
        let entry = byPath.get(path);
        if (entry === undefined) byPath.set(path, (entry = { path, units: [] }));
        const last = entry.units[entry.units.length - 1];
        // One file may have several numbers in a unit.
        if (last?.index === index) last.files.add(file);
        else entry.units.push({ index, files: new Set([file]) });
      }
    const ranked = [...byPath.values()].sort(
      (a, b) => commonSuffix(b.path, wanted) - commonSuffix(a.path, wanted) || a.path.length - b.path.length,
    );
    const best = ranked[0];
    // `b/c.c` asks for a file whose path ends like that; an absolute path may lie elsewhere than where it was built.
    if (
      best === undefined ||
      (!wanted.startsWith('/') && commonSuffix(best.path, wanted) < wanted.split('/').length)
    )
      throw new ProbeError({
        code: 'file-not-found',
        message: `No unit of this binary was compiled from ${file}.`,
        remedy: 'Choose another binary: this one was not compiled from a file of that name.',
      });
    return best;
  }

  #sites({ path, units }: FoundFile, line: number, column: number | undefined): LineSite[] {
    const found: LineSite[] = [];
    for (const { index, files } of units) this.#unitSites(index, path, files, line, column, found);
    return found.sort((a, b) => a.address - b.address);
  }

  #unitSites(
    index: UnitIndex,
    path: string,
    files: ReadonlySet<number>,
    line: number,
    column: number | undefined,
    found: LineSite[],
  ): void {
    const { sequences } = index;
    const { addresses, lines, files: rowFiles, columns, flags } = this.#index.rows;
    /** The lowest start of a run, by scope. */
    const byScope = new Map<number, number>();
    for (let sequence = 0; sequence < sequences.count; sequence++) {
      const first = sequences.firsts[sequence]!;
      const last = sequences.lasts[sequence]!;
      let inside = false;
      for (let row = first; row < last; row++) {
        const fits = lines[row] === line && files.has(rowFiles[row]!);
        if (!fits || (column !== undefined && columns[row] !== column)) {
          // Rows without statements inside a run do not end it.
          if (!fits && (flags[row]! & IS_STATEMENT) !== 0) inside = false;
          continue;
        }
        if ((flags[row]! & IS_STATEMENT) === 0 || (flags[row]! & END_SEQUENCE) !== 0 || inside) continue;
        inside = true;
        const address = addresses[row]!;
        if (!this.#isCode(address)) continue;
        // At the start of an inlined copy the row may still be the caller's: the line tells whose code it is.
        const scope = this.#declaringScope(index, address, path, line) ?? NONE;
        const known = byScope.get(scope);
        if (known === undefined || addresses[known]! > address) byScope.set(scope, row);
      }
    }
    for (const [scope, row] of byScope) found.push(this.#site(index, scope, row));
  }

  #site(index: UnitIndex, scope: number, row: number): LineSite {
    const { addresses, lines, files, columns } = this.#index.rows;
    const { store } = index;
    const address = addresses[row]!;
    const column = columns[row]!;
    const place = {
      file: index.files?.path(files[row]!) ?? '??',
      line: lines[row]!,
      ...(column === 0 ? {} : { column }),
    };
    if (scope === NONE) return { address, place, function: '??', isEntry: false };
    const inlined = (store.flags[scope]! & INLINED_SCOPE) !== 0;
    let outer = scope;
    while (store.parents[outer] !== NONE && (store.flags[outer]! & INLINED_SCOPE) !== 0)
      outer = store.parents[outer]!;
    const isEntry = store.rangeLows[store.firstRanges[scope]!] === address;
    const name = (of: number): string => {
      const { linkage, short } = this.#names.of(store, of, index.full, index.scopes);
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

  /** The nearest line with code: the next one below, as gdb takes it, or the last one above. */
  #nearestLine({ units }: FoundFile, line: number): number | undefined {
    let below = Infinity;
    let above = 0;
    for (const { index, files } of units) {
      const { sequences } = index;
      const { lines, files: rowFiles, flags, addresses } = this.#index.rows;
      for (let sequence = 0; sequence < sequences.count; sequence++) {
        const last = sequences.lasts[sequence]!;
        for (let row = sequences.firsts[sequence]!; row < last; row++) {
          if (
            !files.has(rowFiles[row]!) ||
            (flags[row]! & IS_STATEMENT) === 0 ||
            !this.#isCode(addresses[row]!)
          )
            continue;
          const candidate = lines[row]!;
          if (candidate >= line && candidate < below) below = candidate;
          else if (candidate < line && candidate > above) above = candidate;
        }
      }
    }
    return below !== Infinity ? below : above > 0 ? above : undefined;
  }
}
