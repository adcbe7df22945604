import type { ByteSource } from './bytes.ts';
import { FileSource, LazyBytes, MemorySource } from './bytes.ts';
import type { ElfHeader, Section, Segment } from './elf/header.ts';
import {
  ET_REL,
  layOutRelocatable,
  PT_LOAD,
  PT_NOTE,
  readTables,
  SHF_ALLOC,
  SHF_COMPRESSED,
  SHT_DYNSYM,
  SHT_NOBITS,
  SHT_NOTE,
  SHT_REL,
  SHT_RELA,
  SHT_SYMTAB,
} from './elf/header.ts';
import { inflateOldSection, inflateSection } from './elf/inflate.ts';
import type { Note } from './elf/notes.ts';
import { NT_GNU_BUILD_ID, parseNotes } from './elf/notes.ts';
import { relocate } from './elf/relocate.ts';
import { SymbolTable } from './elf/symbol-table.ts';
import { malformed } from './problems.ts';

/** A note together with the section or segment it was found in. */
export interface PlacedNote extends Note {
  readonly section: string;
}

/**
 * An ELF file, read piece by piece (System V gABI). Little-endian, 32 or 64 bits; big-endian is refused by name.
 * Everything is read when asked for, and checked against the file's size before memory is taken for it.
 */
export class ElfFile {
  readonly path: string;
  readonly header: ElfHeader;
  readonly sections: readonly Section[];
  readonly segments: readonly Segment[];
  readonly source: ByteSource;
  readonly #byName = new Map<string, Section>();
  readonly #bytes = new Map<number, LazyBytes>();
  #symbols: SymbolTable | undefined;
  #dynamicSymbols: SymbolTable | undefined;
  #notes: PlacedNote[] | undefined;

  constructor(source: ByteSource) {
    this.path = source.path;
    this.source = source;
    const { header, sections, segments } = readTables(source);
    this.header = header;
    this.sections = header.type === ET_REL ? layOutRelocatable(sections) : sections;
    this.segments = segments;
    for (const section of this.sections)
      if (!this.#byName.has(section.name)) this.#byName.set(section.name, section);
  }

  /** Opens a file. Throws ProbeError: file-not-found, file-unreadable, not-an-elf-file, malformed-file, unsupported-file. */
  static open(path: string): ElfFile {
    const source = new FileSource(path);
    try {
      return new ElfFile(source);
    } catch (thrown) {
      source.close();
      throw thrown;
    }
  }

  static fromBytes(path: string, bytes: Uint8Array): ElfFile {
    return new ElfFile(new MemorySource(path, bytes));
  }

  close(): void {
    this.source.close();
  }

  /** Memory that what was read of it takes, in bytes. */
  get heldBytes(): number {
    let held = (this.#symbols?.heldBytes ?? 0) + (this.#dynamicSymbols?.heldBytes ?? 0);
    for (const bytes of this.#bytes.values()) held += bytes.heldBytes;
    return held;
  }

  get isRelocatable(): boolean {
    return this.header.type === ET_REL;
  }

  /** A section by name; a debug section also under its older compressed name `.zdebug_…`. */
  section(name: string): Section | undefined {
    return (
      this.#byName.get(name) ??
      (name.startsWith('.debug_') ? this.#byName.get(`.z${name.slice(1)}`) : undefined)
    );
  }

  /**
   * A section's contents, inflated, and relocated where the file is ET_REL. Undefined when there is no such section or it
   * has no bytes in this file (debug files keep the headers of what they left out).
   */
  sectionBytes(which: string | Section): LazyBytes | undefined {
    const section = typeof which === 'string' ? this.section(which) : which;
    if (section === undefined || section.type === SHT_NOBITS) return undefined;
    const known = this.#bytes.get(section.index);
    if (known !== undefined) return known;
    const bytes = this.#load(section);
    this.#bytes.set(section.index, bytes);
    return bytes;
  }

  #load(section: Section): LazyBytes {
    const { name, offset, sizeBytes } = section;
    if (!(offset + sizeBytes <= this.source.sizeBytes))
      throw malformed(this.path, name, offset, `section ${name} ends outside the file`);
    // Memory that may be shared is not counted as garbage to be: 300 MB of it that nobody touched set off two collections.
    const room = new Uint8Array(new SharedArrayBuffer(sizeBytes));
    const raw = new LazyBytes(name, this.source, offset, room);
    const { is64 } = this.header;
    const inflated =
      (section.flags & SHF_COMPRESSED) !== 0
        ? inflateSection(this.path, name, raw.all(), is64)
        : name.startsWith('.zdebug_')
          ? inflateOldSection(this.path, name, raw.all())
          : undefined;
    if (!this.isRelocatable || (section.flags & SHF_ALLOC) !== 0)
      return inflated === undefined ? raw : new LazyBytes(name, undefined, 0, inflated);
    const bytes = inflated ?? raw.all();
    this.#relocate(section, bytes);
    return new LazyBytes(name, undefined, 0, bytes);
  }

  #relocate(section: Section, bytes: Uint8Array): void {
    for (const candidate of this.sections) {
      if (candidate.info !== section.index) continue;
      if (candidate.type !== SHT_RELA && candidate.type !== SHT_REL) continue;
      const symbols = this.symbols();
      const relocations = this.sectionBytes({ ...candidate, flags: candidate.flags | SHF_ALLOC });
      if (symbols !== undefined && relocations !== undefined)
        relocate(bytes, relocations.all(), candidate, symbols, this.header.machine, this.header.is64);
    }
  }

  /** There is a `.symtab` with more than the empty symbol in it; nothing of it is read. */
  get hasSymbols(): boolean {
    const section = this.sections.find(({ type }) => type === SHT_SYMTAB);
    return section !== undefined && section.sizeBytes >= 2 * (this.header.is64 ? 24 : 16);
  }

  /** `.symtab`, or undefined in a stripped file. */
  symbols(): SymbolTable | undefined {
    return (this.#symbols ??= this.#symbolTable(SHT_SYMTAB));
  }

  /** `.dynsym`: what survives stripping. */
  dynamicSymbols(): SymbolTable | undefined {
    return (this.#dynamicSymbols ??= this.#symbolTable(SHT_DYNSYM));
  }

  #symbolTable(type: number): SymbolTable | undefined {
    const section = this.sections.find((candidate) => candidate.type === type);
    if (section === undefined) return undefined;
    const bytes = this.sectionBytes({ ...section, flags: section.flags | SHF_ALLOC });
    const strings = this.sections[section.link];
    const names = strings && this.sectionBytes({ ...strings, flags: strings.flags | SHF_ALLOC });
    if (bytes === undefined) return undefined;
    return new SymbolTable(bytes, this.header.is64, names, this.isRelocatable ? this.sections : undefined);
  }

  /** All notes, from sections, or from segments where the section headers are gone. */
  notes(): readonly PlacedNote[] {
    if (this.#notes !== undefined) return this.#notes;
    const notes: PlacedNote[] = [];
    for (const section of this.sections) {
      if (section.type !== SHT_NOTE) continue;
      const bytes = this.sectionBytes(section);
      if (bytes !== undefined)
        for (const note of parseNotes(bytes.all(), section.alignment))
          notes.push({ ...note, section: section.name });
    }
    if (this.sections.length === 0)
      for (const segment of this.segments) {
        if (segment.type !== PT_NOTE || segment.offset + segment.fileSizeBytes > this.source.sizeBytes)
          continue;
        const bytes = new Uint8Array(segment.fileSizeBytes);
        this.source.read(segment.offset, bytes.length, bytes, 0);
        for (const note of parseNotes(bytes, 4)) notes.push({ ...note, section: 'PT_NOTE' });
      }
    return (this.#notes = notes);
  }

  /** The GNU build id in lower-case hexadecimal. */
  get buildId(): string | undefined {
    const note = this.notes().find(({ owner, type }) => owner === 'GNU' && type === NT_GNU_BUILD_ID);
    return note === undefined ? undefined : Buffer.from(note.description).toString('hex');
  }

  /**
   * Where `vaddr` lies in the file: vaddr − p_vaddr + p_offset of the PT_LOAD that holds it, which is what uprobes are
   * keyed by. Undefined for addresses without bytes in the file.
   */
  fileOffsetOf(vaddr: number): number | undefined {
    if (this.isRelocatable) {
      const section = this.sectionAt(vaddr);
      return section === undefined || section.type === SHT_NOBITS
        ? undefined
        : vaddr - section.address + section.offset;
    }
    for (const { type, vaddr: start, offset, fileSizeBytes } of this.segments)
      if (type === PT_LOAD && vaddr >= start && vaddr < start + fileSizeBytes) return vaddr - start + offset;
    return undefined;
  }

  /** The inverse of {@link fileOffsetOf}. */
  vaddrOf(fileOffset: number): number | undefined {
    if (this.isRelocatable) {
      const section = this.sections.find(
        (candidate) =>
          (candidate.flags & SHF_ALLOC) !== 0 &&
          candidate.type !== SHT_NOBITS &&
          fileOffset >= candidate.offset &&
          fileOffset < candidate.offset + candidate.sizeBytes,
      );
      return section === undefined ? undefined : fileOffset - section.offset + section.address;
    }
    for (const { type, vaddr, offset, fileSizeBytes } of this.segments)
      if (type === PT_LOAD && fileOffset >= offset && fileOffset < offset + fileSizeBytes)
        return fileOffset - offset + vaddr;
    return undefined;
  }

  /** The allocated section that holds `vaddr`. */
  sectionAt(vaddr: number): Section | undefined {
    return this.sections.find(
      ({ flags, address, sizeBytes }) =>
        (flags & SHF_ALLOC) !== 0 && vaddr >= address && vaddr < address + sizeBytes,
    );
  }

  /** Bytes of the image at `vaddr`, at most `length`, cut where the segment's bytes in the file end. */
  bytesAt(vaddr: number, length: number): Uint8Array {
    const section = this.isRelocatable ? this.sectionAt(vaddr) : undefined;
    const segment = this.segments.find(
      ({ type, vaddr: start, fileSizeBytes }) =>
        type === PT_LOAD && vaddr >= start && vaddr < start + fileSizeBytes,
    );
    const offset = this.fileOffsetOf(vaddr);
    if (offset === undefined) return new Uint8Array(0);
    const end = section
      ? section.offset + section.sizeBytes
      : segment
        ? segment.offset + segment.fileSizeBytes
        : offset;
    const bytes = new Uint8Array(Math.max(0, Math.min(length, end - offset, this.source.sizeBytes - offset)));
    this.source.read(offset, bytes.length, bytes, 0);
    return bytes;
  }
}
