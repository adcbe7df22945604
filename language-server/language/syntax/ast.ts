import type { Span } from '../diagnostic.ts';
import type {
  Expression,
  StringLiteral,
  Identifier,
  Variable,
  MapReference,
  RecordField,
  TypeNode,
} from './ast-expressions.ts';

export type * from './ast-expressions.ts';

/**
 * The syntax tree of a bpftrace script, one shape for 0.17 … 0.27. Each node spans exactly its own text, parentheses
 * around an expression excluded; comments and white space live in the token list. What a version does not know is
 * parsed all the same and reported, so that features work in half-right files.
 */

/** An identifier with its place. */
export interface Name extends Span {
  readonly kind: 'name';
  readonly text: string;
}

export interface Program extends Span {
  readonly kind: 'program';
  readonly items: readonly Item[];
}

export type Item =
  | Shebang
  | Preprocessor
  | CDefinition
  | ConfigBlock
  | Import
  | MapDeclaration
  | Macro
  | Subprogram
  | Probe
  | BrokenItem;

/** `#!/usr/bin/env bpftrace`, first line only. */
export interface Shebang extends Span {
  readonly kind: 'shebang';
  readonly text: string;
}

/** A `#include`, `#define`, `#if` … line, continuation lines included. */
export interface Preprocessor extends Span {
  readonly kind: 'preprocessor';
  /** `include`, `define`, …; empty when the line has none. */
  readonly directive: string;
  readonly text: string;
  /** What `#include` names, without its quotes or angle brackets, and where that stands. */
  readonly include?: Name & { readonly system: boolean };
  /** The macro that `#define` or `#undef` names. */
  readonly macro?: Name;
}

/** `struct x { … };`, `union`, `enum` in C. */
export interface CDefinition extends Span {
  readonly kind: 'c-definition';
  readonly keyword: 'struct' | 'union' | 'enum';
  readonly name?: Name;
  readonly fields: readonly CField[];
  /** Constants of an enum. */
  readonly constants: readonly (Name & { readonly value?: bigint })[];
}

/** A field of a C struct; what C allows beyond these shapes has `declaration` only. */
export interface CField extends Span {
  readonly name?: Name;
  /** The type as written, without name and array bounds: `unsigned int`, `struct page *`. */
  readonly typeText: string;
  readonly pointers: number;
  readonly arraySizes: readonly (number | undefined)[];
  readonly bits?: number;
  /** Fields of an anonymous or nested struct or union that is defined in place. */
  readonly nested?: readonly CField[];
}

/** `config = { name = value; … }` */
export interface ConfigBlock extends Span {
  readonly kind: 'config';
  readonly entries: readonly ConfigEntry[];
}
export interface ConfigEntry extends Span {
  readonly kind: 'config-entry';
  readonly name: Name;
  readonly value: Expression;
}

/** `import "stdlib/x";` at the top or inside a block. */
export interface Import extends Span {
  readonly kind: 'import';
  readonly path: StringLiteral;
}

/** `let @name = hash(100);` at the top. */
export interface MapDeclaration extends Span {
  readonly kind: 'map-declaration';
  /** With its `@`. */
  readonly name: Name;
  readonly mapType: Name;
  readonly maxEntries: Expression;
}

/** `macro name($x, @y, z) { … }` */
export interface Macro extends Span {
  readonly kind: 'macro';
  readonly name: Name;
  readonly parameters: readonly (Variable | MapReference | Identifier)[];
  readonly body: Block;
}

/** `fn name($x : int64) : void { … }` */
export interface Subprogram extends Span {
  readonly kind: 'subprogram';
  readonly name: Name;
  readonly parameters: readonly SubprogramParameter[];
  readonly returnType: TypeNode;
  readonly body: Block;
}
export interface SubprogramParameter extends Span {
  readonly kind: 'parameter';
  readonly variable: Variable;
  readonly type: TypeNode;
}

export interface Probe extends Span {
  readonly kind: 'probe';
  readonly attachPoints: readonly AttachPoint[];
  readonly predicate?: Expression | undefined;
  readonly body: Block;
}

/** `uprobe:/bin/sh:main`: its text split at the colons that are not inside quotes. */
export interface AttachPoint extends Span {
  readonly kind: 'attach-point';
  /** As written, comments and white space between its tokens left out. */
  readonly text: string;
  /** The name before a `=` of a named probe, where the version has these. */
  readonly label?: Name;
  /** The first part, aliases (`k`, `t`, …) not resolved; empty for a leading colon. */
  readonly provider: Name;
  /** The parts after the provider; quotes removed from `text`, kept in the span. */
  readonly parts: readonly AttachPart[];
}
export interface AttachPart extends Span {
  readonly kind: 'attach-part';
  readonly text: string;
  readonly quoted: boolean;
  /** Has an unquoted or quoted `*`. */
  readonly wildcard: boolean;
}

/** Something at the top level that could not be understood; its span was skipped. */
export interface BrokenItem extends Span {
  readonly kind: 'broken-item';
}

// ---------------------------------------------------------------- statements

export type Statement =
  | ExpressionStatement
  | Assignment
  | VariableDeclaration
  | Discard
  | Jump
  | While
  | Unroll
  | For
  | If
  | Block
  | Import
  | BrokenStatement;

/**
 * `{ … }`, a statement or (0.24+) an expression whose value is `result`. As a body of a probe or a loop the last
 * expression without `;` stands in `result` too: bodies ignore it.
 */
export interface Block extends Span {
  readonly kind: 'block';
  readonly statements: readonly Statement[];
  readonly result?: Expression;
}

export interface ExpressionStatement extends Span {
  readonly kind: 'expression-statement';
  readonly expression: Expression;
}

export type AssignmentOperator = '=' | '+=' | '-=' | '*=' | '/=' | '%=' | '&=' | '|=' | '^=' | '<<=' | '>>=';

/** The target is a variable or a map in all valid programs. */
export interface Assignment extends Span {
  readonly kind: 'assignment';
  readonly target: Expression;
  readonly operator: AssignmentOperator;
  readonly value: Expression;
}

/** `let $x`, `let $x : int64 = 1` */
export interface VariableDeclaration extends Span {
  readonly kind: 'variable-declaration';
  readonly variable: Variable;
  readonly type?: TypeNode;
  readonly value?: Expression;
}

/** `_ = f()` */
export interface Discard extends Span {
  readonly kind: 'discard';
  readonly value: Expression;
}

export interface Jump extends Span {
  readonly kind: 'jump';
  readonly keyword: 'break' | 'continue' | 'return';
  readonly value?: Expression;
}

export interface While extends Span {
  readonly kind: 'while';
  readonly condition: Expression;
  readonly body: Block;
}

export interface Unroll extends Span {
  readonly kind: 'unroll';
  readonly count: Expression;
  readonly body: Block;
}

/** `for ($kv : @map)`, `for $i : 0..10` */
export interface For extends Span {
  readonly kind: 'for';
  readonly variable: Variable;
  readonly iterable: Expression | RangeNode;
  readonly body: Block;
}
export interface RangeNode extends Span {
  readonly kind: 'range';
  readonly from: Expression;
  readonly to: Expression;
}

/** A statement, and from 0.24 an expression. */
export interface If extends Span {
  readonly kind: 'if';
  readonly condition: Expression;
  readonly then: Block;
  readonly else?: Block | If;
}

export interface BrokenStatement extends Span {
  readonly kind: 'broken-statement';
}

/** Any node of the tree. */
export type Node =
  | Program
  | Item
  | Statement
  | Expression
  | TypeNode
  | Name
  | ConfigEntry
  | AttachPoint
  | AttachPart
  | SubprogramParameter
  | RangeNode
  | RecordField;
