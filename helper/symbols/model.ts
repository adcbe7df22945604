import type { SourcePlace } from '../../protocol/source.ts';
import type { Die } from './dwarf/die.ts';
import type { AddressRange, LocationRange } from './dwarf/lists.ts';
import type { Type } from './dwarf/types.ts';
import type { Unit } from './dwarf/unit.ts';

/** One frame at an address. `??` and 0 stand for what is not known, as llvm-symbolizer prints them. */
export interface SymbolFrame {
  /** Demangled; `??` when neither debug information nor a symbol names the address. */
  readonly function: string;
  /** As the debug information spells it, with the compilation directory in front when it is relative. */
  readonly file: string;
  readonly line: number;
  readonly column: number;
  /** The frame is a copy inlined into the next one. */
  readonly inlined: boolean;
  /** The name before demangling. */
  readonly linkageName: string;
}

/** A copy of a function inlined into another. */
export interface InlinedCopy {
  readonly die: Die;
  /** Where it starts: DW_AT_entry_pc, else the lowest address of its ranges. */
  readonly entry: number;
  readonly ranges: readonly AddressRange[];
  readonly callSite: SourcePlace;
  /** The function it was inlined into, outermost: the one with code of its own. */
  readonly into: string;
}

/** An out-of-line body: the function itself, or one of its clones. */
export interface FunctionBody {
  readonly die: Die;
  readonly entry: number;
  readonly ranges: readonly AddressRange[];
  /** The symbol at the entry, with the suffixes of clones (`.part.0`, `.isra.0`, `.constprop.0`, `.llvm.123`). */
  readonly symbol: string | undefined;
}

/** One function of the source with all places where its code is. Overloads and template instances are functions of their own. */
export interface FunctionInfo {
  /** Qualified, with its parameters where the language overloads: `ns::Class::method(int)`. */
  readonly name: string;
  /** The bare name, `method`. */
  readonly shortName: string;
  readonly linkageName: string | undefined;
  readonly declared: SourcePlace | undefined;
  /** The DIE with the declaration's attributes: the abstract instance where there is one. */
  readonly die: Die;
  readonly unit: Unit;
  readonly bodies: readonly FunctionBody[];
  readonly inlined: readonly InlinedCopy[];
}

/** Code of a source line: the start of a run of statement rows, once per function or inlined copy (FACTS section 8). */
export interface LineSite {
  readonly address: number;
  readonly place: SourcePlace;
  /** The function whose body holds the address. */
  readonly function: string;
  /** The inlined function that the line belongs to, when it is one. */
  readonly inlinedFunction?: string;
  /** The address is the entry of the function or of the inlined copy. */
  readonly isEntry: boolean;
}

/** A source file that a binary was compiled from. */
export interface SourceFile {
  /** Normalised, as the debug information has it. */
  readonly path: string;
  /** Of the versions that its units were compiled from, in lower-case hexadecimal; clang's DWARF 5 has them, GCC's has not. */
  readonly md5s: readonly string[];
}

/** What a line or position leads to. */
export interface LineSites {
  /** The line that was taken: the one asked for, or the nearest below with code. */
  readonly line: number;
  /** The line asked for has no code; `line` is another one. */
  readonly moved: boolean;
  /** The file as the debug information spells it. */
  readonly file: string;
  /** Other files of the binary whose paths fit the question as well; empty when it names one of them only. */
  readonly alike: readonly string[];
  /** Content hashes of the versions that the units were compiled from: none where the compiler writes none. */
  readonly md5s: readonly string[];
  readonly sites: readonly LineSite[];
}

/** A parameter or local variable that is in scope at an address. */
export interface Variable {
  readonly name: string;
  readonly kind: 'parameter' | 'local' | 'global';
  readonly type: () => Type;
  /** With the abstract origin's attributes by `die.find`. */
  readonly die: Die;
  readonly declared: SourcePlace | undefined;
  /** Empty: optimised out. `low`/`high` are addresses in the binary. */
  readonly locations: () => readonly LocationRange[];
  /** DW_AT_const_value: the variable is that number everywhere. */
  readonly constant?: number | bigint;
}

/** The scopes around an address, innermost first. */
export interface ScopeAt {
  readonly kind: 'inlined' | 'function';
  readonly function: string;
  readonly die: Die;
  readonly variables: readonly Variable[];
}
