import type { LazyBytes } from '../bytes.ts';
import type { DwarfFile } from './file.ts';
import { FunctionTable } from './function-table.ts';
import type { FileTables, LineHeader } from './line-header.ts';
import { readFileTables, readLineHeader } from './line-header.ts';
import { RowStore, runLineProgram, Sequences } from './line-rows.ts';
import { firstAbove } from './ascending.ts';
import { scopeOfDie, ScopeStore } from './scope-store.ts';
import type { UnitScopes } from './scope-store.ts';
import { readOrigins, walkUnit } from './scope-walk.ts';
import type { CompiledAbbreviations, UnitShape } from './skip-ops.ts';
import { AbbreviationCompiler } from './skip-ops.ts';
import type { Unit } from './unit.ts';

const WINDOW_BYTES = 8 << 20;
/** vmlinux has a function or inlined copy for every 200 bytes of entries; room that stays empty costs nothing. */
const BYTES_PER_SCOPE = 100;

/** Sections up to this size are read at once; a browser's strings are 500 MB. */
const MOST_AT_ONCE_BYTES = 16 << 20;

/** So many questions about a unit are answered by a pass each over its outermost entries; all of its functions take five times that. */
const FEW = 4;

const noSequences = new Sequences(new Float64Array(0));

/** What is known of one unit, read when asked for. Skeletons have their scopes in the split unit, their lines here. */
export class UnitIndex {
  readonly unit: Unit;
  readonly #index: DwarfIndex;
  #lineHeader: LineHeader | null | undefined;
  #sequences: Sequences | undefined;
  #files: FileTables | undefined;
  #scopes: UnitScopes | undefined;
  #functions: FunctionTable | undefined;
  readonly #parts: { readonly addresses: ReadonlySet<number>; readonly functions: FunctionTable }[] = [];
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
      const { line } = this.unit.file.sections;
      if (header !== undefined) line?.ensure(header.programOffset, header.end);
      this.#sequences =
        header === undefined || line === undefined
          ? noSequences
          : runLineProgram(line.bytes, header, this.#index.rows, this.unit.file.path);
    }
    return this.#sequences;
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

  /** The innermost scope around an address, an index of {@link store}; the first questions read the functions around it only. */
  scopeAt(address: number): number | undefined {
    return (this.#functions ?? this.#functionsAround(address)).scopeAt(address);
  }

  #functionsAround(address: number): FunctionTable {
    this.expect([address]);
    const part = this.#parts.find(({ addresses }) => addresses.has(address));
    return part?.functions ?? (this.#functions = new FunctionTable(this.store, this.scopes));
  }

  /** Reads the functions around addresses that will be asked for, in one pass over the unit. */
  expect(addresses: readonly number[]): void {
    const index = this.#index;
    if (this.#parts.length === FEW || index.walked(this.full) !== undefined) return;
    const unknown = addresses.filter((address) => !this.#parts.some((part) => part.addresses.has(address)));
    if (unknown.length === 0) return;
    const functions = new FunctionTable(this.store, index.walkAround(this.full, unknown));
    this.#parts.push({ addresses: new Set(unknown), functions });
  }

  /** The row that holds `address`, an index of {@link DwarfIndex.rows}; undefined when no sequence does. */
  rowAt(address: number): number | undefined {
    const { sequences } = this;
    let low = 0;
    let high = sequences.count;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (sequences.high(middle) <= address) low = middle + 1;
      else high = middle;
    }
    if (low >= sequences.count || address < sequences.low(low)) return undefined;
    // The last row only ends the sequence. Of several rows at one address the last one counts.
    return (
      firstAbove(
        this.#index.rows.addresses,
        sequences.first(low) + 1,
        sequences.last(low),
        address,
        sequences.low(low),
        sequences.high(low),
      ) - 1
    );
  }
}

/** Room for what is read from the file for one pass over it; each read is valid until the next. */
class Passed {
  #bytes = new Uint8Array(0);

  read(section: LazyBytes, from: number, to: number): Uint8Array {
    if (this.#bytes.length < to - from) this.#bytes = new Uint8Array(2 * (to - from));
    section.readInto(from, to - from, this.#bytes);
    return this.#bytes.subarray(0, to - from);
  }
}

/** A unit's line program, run. */
export interface ProgramRows {
  readonly index: UnitIndex;
  readonly rows: RowStore;
  readonly sequences: Sequences;
}

/** The indexes of all units of a linked file, and the stores they share. */
export class DwarfIndex {
  readonly file: DwarfFile;
  readonly rows: RowStore;
  readonly #units = new Map<number, UnitIndex>();
  readonly #stores = new Map<DwarfFile, ScopeStore>();
  readonly #passing = new RowStore(0);
  readonly #passed = new Passed();
  readonly #foreign = new Map<Unit, UnitIndex>();
  readonly #walked = new Map<Unit, UnitScopes>();
  /** Of units that were walked in part: functions by the offset of their entry. */
  readonly #origins = new Map<Unit, Map<number, number>>();
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
   * Runs the line program at `offset` for one look at its rows of the files `numbers`, and finds its unit by asking `unitAt` for
   * its addresses: the roots of all units would have to be read otherwise. Undefined when the program has no code. The rows are
   * valid until the next call: kept, those of a kernel's header would take 50 MB.
   */
  passOver(
    offset: number,
    numbers: readonly number[],
    unitAt: (address: number) => Unit | undefined,
  ): ProgramRows | undefined {
    const { line } = this.file.sections;
    if (line === undefined) return undefined;
    const header = readLineHeader(line, offset, 8, this.file.path);
    const { programOffset, end } = header;
    const bytes = this.#passed.read(line, programOffset, end);
    const rows = this.#passing;
    rows.count = 0;
    const wanted = new Uint8Array(numbers.reduce((most, number) => Math.max(most, number), 0) + 1);
    for (const number of numbers) wanted[number] = 1;
    const sequences = runLineProgram(bytes, header, rows, this.file.path, programOffset, wanted);
    for (let sequence = 0; sequence < sequences.count; sequence++) {
      const unit = unitAt(sequences.low(sequence));
      if (unit?.lineOffset === offset) return { index: this.unit(unit), rows, sequences };
    }
    return undefined;
  }

  /** Memory that rows and scopes take, in bytes. */
  get heldBytes(): number {
    let held = this.rows.heldBytes;
    for (const store of this.#stores.values()) held += store.heldBytes;
    return held;
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

  /** The scopes of those functions of a unit that hold any of the addresses. */
  walkAround(unit: Unit, addresses: readonly number[]): UnitScopes {
    const { section, offset } = unit;
    const compiled = this.compiled(unit);
    const store = this.storeOf(unit.file);
    const bias = section.isWhole ? 0 : offset;
    const bytes = section.isWhole ? section.bytes : this.#passed.read(section, offset, unit.end);
    const scopes = walkUnit(unit, bytes, bias, compiled, store, addresses);
    let origins = this.#origins.get(unit);
    if (origins === undefined) this.#origins.set(unit, (origins = new Map<number, number>()));
    readOrigins(unit, bytes, bias, compiled, store, scopes, origins);
    return scopes;
  }

  /** The function of a unit whose entry is at `offset`, an index of its store, when it was read. */
  functionAt(unit: Unit, offset: number): number | undefined {
    const scopes = this.#walked.get(unit);
    return scopes === undefined
      ? this.#origins.get(unit)?.get(offset)
      : scopeOfDie(this.storeOf(unit.file), scopes, offset);
  }

  /** Many units will be asked: reads in one go the sections of which each needs a few bytes here and there. */
  expectMany(): void {
    const { abbrev, rnglists, str } = this.file.sections;
    for (const section of [abbrev, rnglists, str])
      if (section !== undefined && section.length <= MOST_AT_ONCE_BYTES) section.all();
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
