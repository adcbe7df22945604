import type { ElfFile } from './elf.ts';
import { STT_FUNC, SHN_UNDEF } from './elf/symbol-table.ts';
import type { AddressRange } from './dwarf/lists.ts';

/**
 * Whether an exception may pass through a function. Where it does, a return probe ends the program: the kernel puts the
 * address of its trampoline in the place of the return address, the unwinder finds no frame for it, and C++ calls
 * std::terminate (measured: a caught exception aborts the program as soon as a function between throw and catch has a
 * uretprobe).
 *
 *   throws     the function's own calls lead to a throw, and nothing between catches it
 *   possible   the program uses exceptions; calls through pointers or into libraries may throw
 *   none       nothing in the program throws
 */
export type Unwinding = 'throws' | 'possible' | 'none';

const throwers =
  /^(__cxa_throw|__cxa_rethrow|_Unwind_RaiseException|_Unwind_Resume_or_Rethrow|_ZSt17rethrow_exception.*|rust_panic|_ZN3std9panicking.*)$/;
const CATCH = '__cxa_begin_catch';
const usesExceptions =
  /^(__cxa_throw|__cxa_begin_catch|_Unwind_RaiseException|rust_eh_personality|__gxx_personality_v0)$/;
/** A program's call graph is searched this far; what lies deeper counts as possible. */
const MOST_FUNCTIONS = 5_000;

interface Code {
  readonly low: number;
  readonly high: number;
}

export class UnwindingAnalysis {
  readonly #elf: ElfFile;
  readonly #starts: readonly Code[];
  readonly #names: ReadonlyMap<number, string>;
  readonly #slots: ReadonlyMap<number, string>;
  readonly #calls = new Map<number, { targets: readonly number[]; names: ReadonlySet<string> }>();
  readonly #relevant: boolean;

  constructor(elf: ElfFile) {
    this.#elf = elf;
    const names = new Map<number, string>();
    const starts: Code[] = [];
    let relevant = false;
    for (const table of [elf.symbols(), elf.dynamicSymbols()])
      for (const symbol of table ?? []) {
        relevant ||= usesExceptions.test(symbol.name.replace(/@.*$/, ''));
        if (symbol.type !== STT_FUNC || symbol.section === SHN_UNDEF) continue;
        names.set(symbol.value, symbol.name);
        starts.push({ low: symbol.value, high: symbol.value + symbol.sizeBytes });
      }
    this.#names = names;
    this.#starts = starts.sort((a, b) => a.low - b.low);
    this.#relevant = relevant;
    this.#slots = relevant ? importSlots(elf) : new Map<number, string>();
  }

  /** What may happen to the function whose code is `ranges`. Only x86-64 code is read; elsewhere it stays `possible`. */
  of(ranges: readonly AddressRange[]): Unwinding {
    if (!this.#relevant) return 'none';
    if (this.#elf.header.machine !== 'x86-64') return 'possible';
    const seen = new Set<number>();
    const queue: Code[] = [...ranges];
    for (let code = queue.pop(); code !== undefined && seen.size < MOST_FUNCTIONS; code = queue.pop()) {
      if (seen.has(code.low)) continue;
      seen.add(code.low);
      const { targets, names } = this.#callsOf(code);
      // rethrown exceptions leave a function that catches, others stay in it
      const catches = names.has(CATCH) && !names.has('__cxa_rethrow');
      if (catches) continue;
      if ([...names].some((name) => throwers.test(name))) return 'throws';
      for (const target of targets) {
        const callee = this.#functionAt(target);
        if (callee !== undefined) queue.push(callee, ...this.#coldPartOf(callee));
      }
    }
    return 'possible';
  }

  /** GCC moves the throwing half of a function to `name.cold`; it is reached by a jump, which counts as a call here. */
  #coldPartOf(code: Code): Code[] {
    const name = this.#names.get(code.low);
    const cold =
      name === undefined
        ? undefined
        : this.#starts.find(({ low }) => this.#names.get(low) === `${name}.cold`);
    return cold === undefined ? [] : [cold];
  }

  #functionAt(address: number): Code | undefined {
    let [low, high] = [0, this.#starts.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#starts[middle]!.low <= address) low = middle + 1;
      else high = middle;
    }
    const found = this.#starts[low - 1];
    return found !== undefined && address < Math.max(found.high, found.low + 1) ? found : undefined;
  }

  /**
   * Direct calls and jumps, found at every byte: what looks like one inside of another instruction adds a call that is
   * not there, but none is missed.
   */
  #callsOf(code: Code): { targets: readonly number[]; names: ReadonlySet<string> } {
    const known = this.#calls.get(code.low);
    if (known !== undefined) return known;
    const bytes = this.#elf.bytesAt(code.low, code.high - code.low);
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    const targets: number[] = [];
    const names = new Set<string>();
    for (let at = 0; at + 5 <= bytes.length; at++) {
      const opcode = bytes[at]!;
      if (opcode === 0xe8 || opcode === 0xe9)
        this.#addTarget(code.low + at + 5 + view.getInt32(at + 1, true), code, targets, names);
      else if (at + 6 > bytes.length) break;
      // jcc rel32 into the cold part
      else if (opcode === 0x0f && (bytes[at + 1]! & 0xf0) === 0x80)
        this.#addTarget(code.low + at + 6 + view.getInt32(at + 2, true), code, targets, names);
      // call or jmp through the global offset table
      else if (opcode === 0xff && (bytes[at + 1] === 0x15 || bytes[at + 1] === 0x25)) {
        const name = this.#slots.get(code.low + at + 6 + view.getInt32(at + 2, true));
        if (name !== undefined) names.add(name);
      }
    }
    const found = { targets, names };
    this.#calls.set(code.low, found);
    return found;
  }

  #addTarget(target: number, from: Code, targets: number[], names: Set<string>): void {
    if (target >= from.low && target < from.high) return;
    const name = this.#names.get(target);
    if (name !== undefined) {
      names.add(name.replace(/@.*$/, ''));
      targets.push(target);
      return;
    }
    const section = this.#elf.sectionAt(target);
    if (section?.name.startsWith('.plt')) {
      const imported = importAt(this.#elf, this.#slots, target);
      if (imported !== undefined) names.add(imported);
    } else if (section?.name === '.text') targets.push(target);
  }
}

/** The function that a stub of the procedure linkage table jumps to: `ff 25` and the place of its slot. */
export function importAt(elf: ElfFile, slots: ReadonlyMap<number, string>, stub: number): string | undefined {
  const bytes = elf.bytesAt(stub, 16);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  for (let at = 0; at + 6 <= bytes.length; at++)
    if (bytes[at] === 0xff && bytes[at + 1] === 0x25)
      return slots.get(stub + at + 6 + view.getInt32(at + 2, true));
  return undefined;
}

/** Slots of the global offset table with the names that are put into them (System V gABI, relocation sections). */
export function importSlots(elf: ElfFile): Map<number, string> {
  const slots = new Map<number, string>();
  const symbols = elf.dynamicSymbols();
  for (const name of ['.rela.plt', '.rela.dyn']) {
    const bytes = elf.sectionBytes(name)?.all();
    if (bytes === undefined || symbols === undefined) continue;
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    for (let at = 0; at + 24 <= bytes.length; at += 24) {
      const symbol = view.getUint32(at + 12, true);
      if (symbol > 0 && symbol < symbols.count)
        slots.set(Number(view.getBigUint64(at, true)), symbols.name(symbol).replace(/@.*$/, ''));
    }
  }
  return slots;
}
