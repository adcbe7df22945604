import { DwarfReader } from '../dwarf/reader.ts';
import type { ElfFile } from '../elf.ts';

/** How the canonical frame address is found at a program counter (DWARF 5 section 6.4). */
export type FrameRule =
  | { readonly kind: 'register'; readonly register: number; readonly offset: number }
  | { readonly kind: 'expression'; readonly expression: Uint8Array };

/** What the entries of one function share. */
interface CommonEntry {
  readonly codeAlignment: number;
  readonly dataAlignment: number;
  readonly instructions: Uint8Array;
  /** DW_EH_PE_… of the addresses in its entries; 0 (absolute) in `.debug_frame`. */
  readonly encoding: number;
  readonly augmented: boolean;
}

interface Table {
  readonly bytes: Uint8Array;
  readonly address: number;
  readonly name: string;
  readonly isEh: boolean;
}

/**
 * The rule for the CFA at `pc`, from `.eh_frame` (Linux Standard Base Core 5.0, section 10.6) or `.debug_frame` (DWARF 5
 * section 6.4.1). Undefined when neither describes the address. `elf` is the program itself: debug files keep no
 * `.eh_frame`; `debug` is the file with `.debug_frame` when it is another.
 */
export function frameRuleAt(elf: ElfFile, pc: number, debug: ElfFile = elf): FrameRule | undefined {
  for (const [file, name] of [
    [elf, '.eh_frame'],
    [debug, '.debug_frame'],
  ] as const) {
    const section = file.section(name);
    const bytes = section === undefined ? undefined : file.sectionBytes(section);
    if (section === undefined || bytes === undefined) continue;
    const table = { bytes: bytes.all(), address: section.address, name, isEh: name === '.eh_frame' };
    const rule = new FrameTable(table, file).ruleAt(pc);
    if (rule !== undefined) return rule;
  }
  return undefined;
}

const ENCODING_OMITTED = 0xff;

class FrameTable {
  readonly #table: Table;
  readonly #path: string;
  readonly #addressSize: number;

  constructor(table: Table, elf: ElfFile) {
    this.#table = table;
    this.#path = elf.path;
    this.#addressSize = elf.header.is64 ? 8 : 4;
  }

  #reader(at: number, end = this.#table.bytes.length): DwarfReader {
    return new DwarfReader(this.#table.bytes, at, end, this.#path, this.#table.name);
  }

  ruleAt(pc: number): FrameRule | undefined {
    const { bytes, isEh } = this.#table;
    const common = new Map<number, CommonEntry>();
    for (let at = 0; at + 4 <= bytes.length;) {
      const reader = this.#reader(at);
      const { length, is64 } = reader.initialLength();
      const body = reader.at;
      const end = body + length;
      // A terminator of 0 ends `.eh_frame`, but linkers leave some between objects.
      if (length === 0) {
        at = body;
        continue;
      }
      const id = reader.offset(is64);
      const isCommon = isEh ? id === 0 : id === (is64 ? 2 ** 64 : 0xffffffff);
      if (!isCommon) {
        const commonAt = isEh ? body - id : id;
        let entry = common.get(commonAt);
        if (entry === undefined) common.set(commonAt, (entry = this.#readCommon(commonAt)));
        const rule = this.#entryRule(reader, end, entry, pc);
        if (rule !== undefined) return rule;
      }
      at = end;
    }
    return undefined;
  }

  #readCommon(at: number): CommonEntry {
    const reader = this.#reader(at);
    const { length, is64 } = reader.initialLength();
    const end = reader.at + length;
    reader.offset(is64);
    const version = reader.u8();
    const augmentation = reader.string();
    if (version >= 4) reader.skip(2);
    const codeAlignment = reader.uleb();
    const dataAlignment = reader.sleb();
    if (version === 1) reader.u8();
    else reader.uleb();
    let encoding = 0;
    if (augmentation.startsWith('z')) {
      const dataEnd = reader.uleb() + reader.at;
      for (const letter of augmentation.slice(1)) {
        if (letter === 'R') encoding = reader.u8();
        else if (letter === 'P') this.#pointer(reader, reader.u8());
        else if (letter === 'L') reader.u8();
      }
      reader.at = dataEnd;
    }
    return {
      codeAlignment,
      dataAlignment,
      encoding,
      augmented: augmentation.startsWith('z'),
      instructions: this.#table.bytes.subarray(reader.at, end),
    };
  }

  #entryRule(reader: DwarfReader, end: number, common: CommonEntry, pc: number): FrameRule | undefined {
    const start = this.#pointer(reader, common.encoding);
    // The length has the encoding's size, but is no address.
    const length = this.#pointer(reader, common.encoding & 0x0f);
    if (pc < start || pc >= start + length) return undefined;
    if (common.augmented) reader.skip(reader.uleb());
    const program = new FrameProgram(common, start, this.#path, this.#table.name);
    program.run(common.instructions, pc);
    program.remember();
    program.run(this.#table.bytes.subarray(reader.at, end), pc);
    return program.rule;
  }

  /** An encoded pointer (LSB Core 5.0, section 10.5). */
  #pointer(reader: DwarfReader, encoding: number): number {
    if (encoding === ENCODING_OMITTED) return 0;
    const place = this.#table.address + reader.at;
    const value = this.#plainPointer(reader, encoding & 0x0f);
    return (encoding & 0x70) === 0x10 ? place + value : value;
  }

  #plainPointer(reader: DwarfReader, format: number): number {
    switch (format) {
      case 0x01:
        return reader.uleb();
      case 0x02:
        return reader.u16();
      case 0x03:
        return reader.u32();
      case 0x04:
      case 0x0c:
        return reader.i64();
      case 0x09:
        return reader.sleb();
      case 0x0a:
        return (reader.u16() << 16) >> 16;
      case 0x0b:
        return reader.u32() | 0;
      default:
        return reader.address(this.#addressSize);
    }
  }
}

/** DW_CFA_… (DWARF 5 section 7.24), as far as they move the location or the CFA; the others are passed over. */
class FrameProgram {
  rule: FrameRule | undefined;
  readonly #common: CommonEntry;
  readonly #path: string;
  readonly #section: string;
  #pc: number;
  #initial: FrameRule | undefined;
  readonly #saved: (FrameRule | undefined)[] = [];

  constructor(common: CommonEntry, start: number, path: string, section: string) {
    this.#common = common;
    this.#pc = start;
    this.#path = path;
    this.#section = section;
  }

  /** The rules of the common entry are what DW_CFA_restore goes back to. */
  remember(): void {
    this.#initial = this.rule;
  }

  /** Runs until the location passes `pc`. */
  run(instructions: Uint8Array, pc: number): void {
    const reader = new DwarfReader(instructions, 0, instructions.length, this.#path, this.#section);
    while (reader.at < reader.end && this.#pc <= pc) {
      const op = reader.u8();
      const high = op & 0xc0;
      if (high === 0x40) this.#advance((op & 0x3f) * this.#common.codeAlignment, pc, reader);
      else if (high === 0x80) reader.uleb();
      else if (high === 0) this.#step(op, reader, pc);
    }
  }

  #advance(by: number, pc: number, reader: DwarfReader): void {
    this.#pc += by;
    if (this.#pc > pc) reader.at = reader.end;
  }

  #step(op: number, reader: DwarfReader, pc: number): void {
    const { codeAlignment, dataAlignment } = this.#common;
    switch (op) {
      case 0x01:
        this.#pc = reader.i64();
        if (this.#pc > pc) reader.at = reader.end;
        return;
      case 0x02:
        return this.#advance(reader.u8() * codeAlignment, pc, reader);
      case 0x03:
        return this.#advance(reader.u16() * codeAlignment, pc, reader);
      case 0x04:
        return this.#advance(reader.u32() * codeAlignment, pc, reader);
      case 0x0a:
        this.#saved.push(this.rule);
        return;
      case 0x0b:
        this.rule = this.#saved.pop() ?? this.#initial;
        return;
      case 0x0c:
        this.rule = { kind: 'register', register: reader.uleb(), offset: reader.uleb() };
        return;
      case 0x0d:
        return this.#changeRegister(reader.uleb());
      case 0x0e:
        return this.#changeOffset(reader.uleb());
      case 0x0f:
        this.rule = { kind: 'expression', expression: reader.block(reader.uleb()) };
        return;
      case 0x12:
        this.rule = { kind: 'register', register: reader.uleb(), offset: reader.sleb() * dataAlignment };
        return;
      case 0x13:
        return this.#changeOffset(reader.sleb() * dataAlignment);
      default:
        return skipOperands(op, reader);
    }
  }

  #changeRegister(register: number): void {
    this.rule = { kind: 'register', register, offset: this.rule?.kind === 'register' ? this.rule.offset : 0 };
  }

  #changeOffset(offset: number): void {
    if (this.rule?.kind === 'register') this.rule = { ...this.rule, offset };
  }
}

/** Operands of the operations that say where other registers were saved. */
function skipOperands(op: number, reader: DwarfReader): void {
  switch (op) {
    case 0x05:
    case 0x09:
    case 0x14:
      reader.uleb();
      reader.uleb();
      return;
    case 0x11:
    case 0x15:
      reader.uleb();
      reader.sleb();
      return;
    case 0x06:
    case 0x07:
    case 0x08:
    case 0x2e:
      reader.uleb();
      return;
    case 0x10:
    case 0x16:
      reader.uleb();
      reader.skip(reader.uleb());
      return;
    default:
      return;
  }
}
