import type { DemangleStyle } from './demangle/demangle.ts';
import { demangle } from './demangle/demangle.ts';
import { DwarfFile } from './dwarf/file.ts';
import { ScopeNames } from './dwarf/names.ts';
import { INLINED_SCOPE, NONE } from './dwarf/scope-store.ts';
import { DwarfIndex } from './dwarf/unit-index.ts';
import { UnitLookup } from './dwarf/unit-lookup.ts';
import type { AddressRange } from './dwarf/lists.ts';
import { rowsInside } from './dwarf/statement-rows.ts';
import type { RowPlace } from './dwarf/statement-rows.ts';
import { ElfFile } from './elf.ts';
import type { MissingFile, SearchLog } from './locate/debug-file.ts';
import { findDebugFile, findSupplementary } from './locate/debug-file.ts';
import { cachedDebugFile } from './locate/cache.ts';
import { miniDebugFile } from './locate/mini-debug.ts';
import { SplitFiles } from './locate/split.ts';
import { ProbeError } from '../../protocol/errors.ts';
import { SHF_ALLOC, SHF_EXECINSTR } from './elf/header.ts';
import { FunctionCatalog } from './function-catalog.ts';
import { LineSiteFinder } from './line-sites.ts';
import type { FunctionInfo, InlinedCopy, LineSites, ScopeAt, SymbolFrame, Variable } from './model.ts';
import { variablesInScope } from './variables.ts';
import { Die } from './dwarf/die.ts';
import { namedBySymbol, ScopeFrames } from './scope-frames.ts';
import { SymbolLookup } from './symbol-lookup.ts';

export interface OpenOptions {
  /** Ask the servers in DEBUGINFOD_URLS for what is missing here. Off unless the user chose it: it tells them what runs here. */
  readonly debuginfod?: boolean;
  readonly signal?: AbortSignal;
}

/** Everything known about one binary, wherever its debug information lies. The door of this room. */
export class DebugInfo {
  readonly elf: ElfFile;
  /** Where the debug information is: in the binary, its debug file, or nowhere. */
  readonly dwarf: DwarfFile | undefined;
  /** The places that were looked at for separate files. */
  readonly searched: readonly string[];
  /** Files that were missing so far when a question led to them: `missingNote` says what that means. */
  readonly missing: readonly MissingFile[];
  readonly #miniDebug: ElfFile | undefined;
  readonly #splits: SplitFiles | undefined;
  readonly #index: DwarfIndex | undefined;
  readonly #lookup: UnitLookup | undefined;
  readonly #names: ScopeNames | undefined;
  #symbols: SymbolLookup | undefined;
  #functions: FunctionCatalog | undefined;
  #lines: LineSiteFinder | undefined;
  #scopeFrames: ScopeFrames | undefined;
  #demangleStyle: DemangleStyle = 'people';

  private constructor(
    elf: ElfFile,
    dwarf: DwarfFile | undefined,
    miniDebug: ElfFile | undefined,
    log: SearchLog,
  ) {
    this.elf = elf;
    this.dwarf = dwarf;
    this.searched = log.tried;
    this.missing = log.missing;
    this.#miniDebug = miniDebug;
    if (dwarf === undefined) return;
    this.#splits = new SplitFiles(elf.path, log);
    dwarf.splitResolver = this.#splits.resolve;
    dwarf.supplementary = findSupplementary(dwarf, log);
    this.#index = new DwarfIndex(dwarf);
    this.#lookup = new UnitLookup(dwarf);
    this.#names = new ScopeNames(this.#index);
    this.#scopeFrames = this.#newScopeFrames(this.#names);
  }

  /** Opens a binary and finds its debug information. Throws ProbeError as {@link ElfFile.open}. */
  static async open(path: string, options: OpenOptions = {}): Promise<DebugInfo> {
    const elf = ElfFile.open(path);
    try {
      return await DebugInfo.of(elf, options);
    } catch (thrown) {
      elf.close();
      throw thrown;
    }
  }

  /** As {@link open}, of a file that is open already (or in memory). */
  static async of(elf: ElfFile, options: OpenOptions = {}): Promise<DebugInfo> {
    const log: SearchLog = { tried: [], missing: [] };
    let dwarf = DwarfFile.of(elf);
    if (dwarf === undefined) {
      const { buildId } = elf;
      const cached = buildId === undefined ? [] : [cachedDebugFile(buildId)];
      dwarf = findDebugFile(elf, log, cached);
      if (dwarf === undefined && buildId !== undefined && options.debuginfod === true) {
        const { fetchDebugFile } = await import('./locate/debuginfod.ts');
        const fetched = await fetchDebugFile(buildId, undefined, options.signal);
        if (fetched !== undefined) dwarf = findDebugFile(elf, log, [fetched]);
      }
    }
    return new DebugInfo(elf, dwarf, elf.hasSymbols ? undefined : await miniDebugFile(elf), log);
  }

  /** How names are demangled. */
  get demangleStyle(): DemangleStyle {
    return this.#demangleStyle;
  }

  set demangleStyle(style: DemangleStyle) {
    this.#demangleStyle = style;
    if (this.#names !== undefined) this.#scopeFrames = this.#newScopeFrames(this.#names);
  }

  #newScopeFrames(names: ScopeNames): ScopeFrames {
    return new ScopeFrames(
      names,
      () => this.symbols,
      (name) => this.demangle(name),
    );
  }

  close(): void {
    this.#splits?.close();
    this.dwarf?.supplementary?.elf.close();
    this.dwarf?.elf.close();
    this.elf.close();
  }

  /** Memory that what was read of its files and the tables made of it take, in bytes. */
  get heldBytes(): number {
    const { elf, dwarf } = this;
    const separate = dwarf === undefined || dwarf.elf === elf ? 0 : dwarf.elf.heldBytes;
    const read = elf.heldBytes + separate + (dwarf?.supplementary?.elf.heldBytes ?? 0);
    return read + (this.#index?.heldBytes ?? 0) + (this.#symbols?.heldBytes ?? 0);
  }

  /** Every function with code. */
  functions(): Iterable<FunctionInfo> {
    return this.#catalog().all();
  }

  /** Functions that a name fits; empty when none does. */
  functionsNamed(name: string): FunctionInfo[] {
    return this.#catalog().named(name);
  }

  /**
   * The functions around a line: one, or one for each instance that is a function of its own (templates). Found through the
   * code of the line (or of the nearest one that has code): the innermost scope around it that is declared above in the same file.
   */
  functionsAt(file: string, line: number): FunctionInfo[] {
    const found = new Map<string, FunctionInfo>();
    const sites = this.#lineSites().find(file, line);
    for (const { index, scope } of this.#lineSites().declaringScopes(sites, line)) {
      const info = this.#catalog().ofScope(index, scope);
      if (info !== undefined) found.set(info.linkageName ?? info.name, info);
    }
    return [...found.values()];
  }

  /** Places of a source line. Throws ProbeError line-without-code, file-not-found, no-debug-information. */
  lineSites(file: string, line: number, column?: number): LineSites {
    return this.#lineSites().find(file, line, column);
  }

  /** The line rows that begin inside ranges of one function, in order. */
  rowsInside(ranges: readonly AddressRange[]): RowPlace[] {
    const unit = ranges[0] === undefined ? undefined : this.#lookup?.find(ranges[0].low);
    return unit === undefined ? [] : rowsInside(this.#index!.unit(unit), this.#index!.rows, ranges);
  }

  /** The scopes around an address with their variables, innermost first: inlined copies, then the function. */
  scopesAt(address: number): ScopeAt[] {
    const unit = this.#lookup?.find(address);
    if (unit === undefined) return [];
    const index = this.#index!.unit(unit);
    const { store } = index;
    const found: ScopeAt[] = [];
    for (let scope = index.scopeAt(address); scope !== undefined;) {
      const die = Die.at(index.full, store.dies[scope]!);
      if (die === undefined) break;
      const name = this.#names!.of(store, scope, index.full);
      const inlined = (store.flags[scope]! & INLINED_SCOPE) !== 0;
      found.push({
        kind: inlined ? 'inlined' : 'function',
        function: name.linkage === undefined ? (name.short ?? '??') : this.demangle(name.linkage),
        die,
        variables: variablesInScope(die, address, index),
      });
      const parent: number = store.parents[scope]!;
      scope = inlined && parent !== NONE ? parent : undefined;
    }
    return found;
  }

  /**
   * Parameters and variables of an inlined copy at its entry. GCC sets the entry before the ranges of the copy's code at
   * times: {@link scopesAt} does not know the copy there.
   */
  variablesOfCopy({ die, entry }: InlinedCopy): readonly Variable[] {
    const unit = this.#lookup?.find(entry);
    return unit === undefined ? [] : variablesInScope(die, entry, this.#index!.unit(unit));
  }

  #catalog(): FunctionCatalog {
    if (this.#index === undefined || this.#names === undefined) throw this.#noDebugInformation();
    return (this.#functions ??= new FunctionCatalog(
      this.#index,
      this.#names,
      () => this.symbols,
      (name) => this.demangle(name),
      this.#codeTest(),
    ));
  }

  /** Whether an address is in a section of code. */
  #codeTest(): (address: number) => boolean {
    const code = this.elf.sections.filter(
      ({ flags }) => (flags & SHF_ALLOC) !== 0 && (flags & SHF_EXECINSTR) !== 0,
    );
    return (at) => code.some(({ address, sizeBytes }) => at >= address && at < address + sizeBytes);
  }

  #lineSites(): LineSiteFinder {
    if (this.#index === undefined || this.#names === undefined) throw this.#noDebugInformation();
    return (this.#lines ??= new LineSiteFinder(
      this.#index,
      this.#lookup!,
      this.#names,
      (name) => this.demangle(name),
      this.#codeTest(),
      (at) => this.symbols.find(at)?.name,
    ));
  }

  #noDebugInformation(): ProbeError {
    const { buildId } = this.elf;
    return new ProbeError({
      code: 'no-debug-information',
      message: `${this.elf.path} has no debug information${buildId === undefined ? '' : ` (build id ${buildId})`}; looked at ${this.searched.length} other places.`,
      remedy:
        'Compile it with -g, install its debug package (…-dbg, …-dbgsym, …-debuginfo), or allow debuginfod.',
    });
  }

  /** Reads all units at once: cheaper than one after the other when most of them will be asked for. */
  loadAll(): void {
    this.#index?.loadAll();
  }

  demangle(name: string): string {
    return demangle(name, this.demangleStyle);
  }

  /**
   * The symbols that name addresses: the binary's `.symtab`, else its debug file's or mini debug information's, else its
   * `.dynsym`. In the `llvm` style the binary's own only, because that is what llvm-symbolizer looks at.
   */
  get symbols(): SymbolLookup {
    if (this.#symbols !== undefined) return this.#symbols;
    const candidates = this.demangleStyle === 'llvm' ? [] : [this.elf, this.dwarf?.elf, this.#miniDebug];
    const best = candidates.find((file) => (file?.symbols()?.count ?? 0) > 1) ?? this.elf;
    return (this.#symbols = new SymbolLookup(best));
  }

  /**
   * The frames at a virtual address, innermost first; always at least one. The outermost one is named by the symbol
   * table where that knows the address, as llvm-symbolizer does: clones keep their suffix that way.
   */
  frames(address: number): SymbolFrame[] {
    const unit = this.#lookup?.find(address);
    if (unit === undefined) return [this.#named(address, unknownFrame)];
    const index = this.#index!.unit(unit);
    const { rows } = this.#index!;
    const row = index.rowAt(address);
    const place = row === undefined ? undefined : index.files?.path(rows.files[row]!);
    const file = place ?? '??';
    const line = place === undefined ? 0 : rows.lines[row!]!;
    const column = place === undefined ? 0 : rows.columns[row!]!;
    const scope = index.scopeAt(address);
    if (scope === undefined) return [this.#named(address, { ...unknownFrame, file, line, column })];
    const frames = this.#scopeFrames!.at(index, scope, address).slice();
    const { function: name, inlined, linkageName } = frames[0]!;
    const innermost = { function: name, file, line, column, inlined, linkageName };
    frames[0] = place === undefined && !inlined ? this.#named(address, innermost) : innermost;
    return frames;
  }

  #named(address: number, frame: SymbolFrame): SymbolFrame {
    return namedBySymbol(frame, address, this.symbols, (name) => this.demangle(name));
  }
}

const unknownFrame: SymbolFrame = {
  function: '??',
  file: '??',
  line: 0,
  column: 0,
  inlined: false,
  linkageName: '',
};
