import type { DwarfFile } from './file.ts';
import { FunctionTable } from './function-table.ts';
import type { FileTables, LineHeader } from './line-header.ts';
import { readFileTables, readLineHeader } from './line-header.ts';
import type { Sequences } from './line-rows.ts';
import { RowStore, runLineProgram } from './line-rows.ts';
import { ScopeStore } from './scope-store.ts';
import type { UnitScopes } from './scope-store.ts';
import { walkUnit } from './scope-walk.ts';
import type { CompiledAbbreviations, UnitShape } from './skip-ops.ts';
import { AbbreviationCompiler } from './skip-ops.ts';
import type { Unit } from './unit.ts';

const WINDOW_BYTES = 8 << 20;
/** vmlinux has a function or inlined copy for every 200 bytes of entries; room that stays empty costs nothing. */
const BYTES_PER_SCOPE = 100;

const noSequences: Sequences = {
  count: 0,
  lows: new Float64Array(0),
  highs: new Float64Array(0),
  firsts: new Uint32Array(0),
  lasts: new Uint32Array(0),
};

/** What is known of one unit, read when asked for. Skeletons have their scopes in the split unit, their lines here. */
export class UnitIndex {
  readonly unit: Unit;
  readonly #index: DwarfIndex;
  #lineHeader: LineHeader | null | undefined;
  #sequences: Sequences | undefined;
  #files: FileTables | undefined;
  #scopes: UnitScopes | undefined;
  #functions: FunctionTable | undefined;
  #full: Unit | undefined;
  #store: ScopeStore | undefined;

  constructor(unit: Unit, index: DwarfIndex) {
    this.unit = unit;
    this.#index = index;
  }

  /** The unit whose DIEs describe the code: the split one where there is one. */
  get full(): Unit {
    return (this.#full ??= this.unit.full());
  }

  /** The store that {@link scopes} points into. */
  get store(): ScopeStore {
    return (this.#store ??= this.#index.storeOf(this.full.file));
  }

  get lineHeader(): LineHeader | undefined {
    if (this.#lineHeader === undefined) {
      const { unit } = this;
      const section = unit.file.sections.line;
      const offset = unit.lineOffset;
      this.#lineHeader =
        section === undefined || offset === undefined
          ? null
          : readLineHeader(section, offset, unit.addressSize, unit.file.path);
    }
    return this.#lineHeader ?? undefined;
  }

  /** Rows are in {@link DwarfIndex.rows}. */
  get sequences(): Sequences {
    if (this.#sequences === undefined) {
      const header = this.lineHeader;
      const bytes = this.unit.file.sections.line?.bytes;
      this.#sequences =
        header === undefined || bytes === undefined
          ? noSequences
          : runLineProgram(bytes, header, this.#index.rows, this.unit.file.path);
    }
    return this.#sequences;
  }

  /** Takes over what {@link DwarfIndex.unitOfProgram} had to run to find this unit. */
  adoptLines(header: LineHeader, sequences: Sequences): void {
    this.#lineHeader = header;
    this.#sequences ??= sequences;
  }

  get files(): FileTables | undefined {
    if (this.#files !== undefined) return this.#files;
    const header = this.lineHeader;
    if (header === undefined) return undefined;
    const { unit } = this;
    return (this.#files ??= readFileTables(
      header,
      unit.file.sections,
      unit.compDir,
      unit.file.path,
      (index) => unit.indexedStringOffset(index),
    ));
  }

  /** The file table that counts for DW_AT_decl_file in `unit`, which may be another than this index's. */
  filesOf(unit: Unit): FileTables | undefined {
    return unit === this.unit || unit === this.full ? this.files : this.#index.filesOf(unit);
  }

  get scopes(): UnitScopes {
    return (this.#scopes ??= this.#index.walk(this.full));
  }

  get functions(): FunctionTable {
    return (this.#functions ??= new FunctionTable(this.store, this.scopes));
  }

  /** The row that holds `address`, an index of {@link DwarfIndex.rows}; undefined when no sequence does. */
  rowAt(address: number): number | undefined {
    const { count, lows, highs, firsts, lasts } = this.sequences;
    let low = 0;
    let high = count;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (highs[middle]! <= address) low = middle + 1;
      else high = middle;
    }
    if (low >= count || address < lows[low]!) return undefined;
    const { addresses } = this.#index.rows;
    // The last row only ends the sequence. Of several rows at one address the last one counts.
    let from = firsts[low]! + 1;
    let to = lasts[low]!;
    while (from < to) {
      const middle = (from + to) >> 1;
      if (addresses[middle]! <= address) from = middle + 1;
      else to = middle;
    }
    return from - 1;
  }
}

/** The indexes of all units of a linked file, and the stores they share. */
export class DwarfIndex {
  readonly file: DwarfFile;
  readonly rows: RowStore;
  readonly #units = new Map<number, UnitIndex>();
  readonly #stores = new Map<DwarfFile, ScopeStore>();
  readonly #byProgram = new Map<number, UnitIndex | null>();
  readonly #foreign = new Map<Unit, UnitIndex>();
  readonly #walked = new Map<Unit, UnitScopes>();
  readonly #compiler = new AbbreviationCompiler();
  #lastCompiled:
    (UnitShape & { file: DwarfFile; offset: number; compiled: CompiledAbbreviations }) | undefined;

  constructor(file: DwarfFile) {
    this.file = file;
    this.rows = new RowStore(0);
  }

  unit(unit: Unit): UnitIndex {
    let index = this.#units.get(unit.offset);
    if (index === undefined) {
      index = new UnitIndex(unit, this);
      this.#units.set(unit.offset, index);
    }
    return index;
  }

  /**
   * The unit whose line program is at `offset`, found by running the program and asking `unitAt` for its addresses:
   * the roots of all units would have to be read otherwise. Undefined when the program has no code.
   */
  unitOfProgram(offset: number, unitAt: (address: number) => Unit | undefined): UnitIndex | undefined {
    const known = this.#byProgram.get(offset);
    if (known !== undefined) return known ?? undefined;
    const { line } = this.file.sections;
    if (line === undefined) return undefined;
    const header = readLineHeader(line, offset, 8, this.file.path);
    const sequences = runLineProgram(line.bytes, header, this.rows, this.file.path);
    let found: UnitIndex | null = null;
    for (let sequence = 0; sequence < sequences.count && found === null; sequence++) {
      const unit = unitAt(sequences.lows[sequence]!);
      if (unit === undefined || unit.lineOffset !== offset) continue;
      found = this.unit(unit);
      found.adoptLines(header, sequences);
    }
    this.#byProgram.set(offset, found);
    return found ?? undefined;
  }

  /** The file table of any unit, of a partial unit of the supplementary file for one. */
  filesOf(unit: Unit): FileTables | undefined {
    const linked = unit.skeleton ?? unit;
    if (linked.file === this.file) return this.unit(linked).files;
    let index = this.#foreign.get(linked);
    if (index === undefined) this.#foreign.set(linked, (index = new UnitIndex(linked, this)));
    return index.files;
  }

  storeOf(file: DwarfFile): ScopeStore {
    let store = this.#stores.get(file);
    if (store === undefined) {
      store = new ScopeStore(0, 0);
      this.#stores.set(file, store);
    }
    return store;
  }

  /** The scopes of a unit, when it was walked already. */
  walked(unit: Unit): UnitScopes | undefined {
    return this.#walked.get(unit);
  }

  walk(unit: Unit): UnitScopes {
    let scopes = this.#walked.get(unit);
    if (scopes === undefined) {
      unit.load();
      scopes = walkUnit(unit, unit.section.bytes, 0, this.compiled(unit), this.storeOf(unit.file));
      this.#walked.set(unit, scopes);
    }
    return scopes;
  }

  /** Reads the functions and the line rows of all units. */
  loadAll(): void {
    this.walkAll();
    const { line } = this.file.sections;
    if (line === undefined) return;
    line.all();
    this.rows.reserve(line.length);
    for (const unit of this.file.units) if (!unit.isTypeUnit) void this.unit(unit).sequences;
  }

  /**
   * Walks all units that were not yet. The section is read through a window and not kept: of vmlinux's 174 MB of
   * entries the functions are 30 MB.
   */
  walkAll(): void {
    const { info, abbrev, rnglists } = this.file.sections;
    abbrev.all();
    rnglists?.all();
    const window = new Uint8Array(info.isWhole ? 0 : Math.min(info.length, WINDOW_BYTES));
    let from = 0;
    let to = 0;
    for (const unit of this.file.units) {
      const full = unit.full();
      if (this.#walked.has(full) || unit.isTypeUnit) continue;
      const size = unit.end - unit.offset;
      if (full !== unit || info.isWhole || size > window.length) {
        this.walk(full);
        continue;
      }
      if (unit.end > to) {
        from = unit.offset;
        to = Math.min(info.length, from + window.length);
        info.readInto(from, to - from, window);
      }
      const store = this.storeOf(this.file);
      if (store.capacity === 0) store.growScopes(Math.floor(info.length / BYTES_PER_SCOPE));
      this.#walked.set(unit, walkUnit(unit, window, from, this.compiled(unit), store));
    }
  }

  /** Valid until the next call. Tables are shared by neighbouring units at times (dwz, Go): the last one is remembered. */
  compiled(unit: Unit): CompiledAbbreviations {
    const { file } = unit;
    const isC = unit.language === 'c';
    const offset = unit.abbreviations.offset;
    const last = this.#lastCompiled;
    if (
      last !== undefined &&
      last.file === file &&
      last.offset === offset &&
      last.isC === isC &&
      last.version === unit.version &&
      last.addressSize === unit.addressSize &&
      last.is64 === unit.is64
    )
      return last.compiled;
    const { version, addressSize, is64 } = unit;
    const shape = { version, addressSize, is64, isC };
    const compiled = this.#compiler.compile(file.sections.abbrev, offset, shape, file.path);
    this.#lastCompiled = { file, offset, compiled, ...shape };
    return compiled;
  }
}
