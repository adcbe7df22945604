import type { Span } from '../diagnostic.ts';
import type { Block, If, Name } from './ast.ts';

/** Expressions and types of the syntax tree; `ast.ts` has the rest and says what holds for all nodes. */

// ---------------------------------------------------------------- expressions

export type Expression =
  | IntegerLiteral
  | StringLiteral
  | BooleanLiteral
  | Identifier
  | Variable
  | MapReference
  | PositionalParameter
  | ParameterCount
  | Call
  | Unary
  | Update
  | AddressOf
  | Binary
  | Ternary
  | FieldAccess
  | TupleAccess
  | ArrayAccess
  | Cast
  | Sizeof
  | Offsetof
  | Typeinfo
  | Comptime
  | Tuple
  | RecordNode
  | If
  | Block
  | TypeofType
  | BrokenExpression;

export interface IntegerLiteral extends Span {
  readonly kind: 'integer';
  readonly text: string;
  /** What it means: `1e3` is 1000n, `2ms` is 2000000n; 0n when it is out of range. */
  readonly value: bigint;
  /** `u`, `ull`, `ms`, … as written. */
  readonly suffix?: string;
}

export interface StringLiteral extends Span {
  readonly kind: 'string';
  /** Escapes decoded; bytes from `\x` and octal escapes stand for themselves as U+0000 … U+00FF. */
  readonly value: string;
}

export interface BooleanLiteral extends Span {
  readonly kind: 'boolean';
  readonly value: boolean;
}

/** A bare word: a builtin (`pid`), an enum constant, a stack mode, a macro's name … the checker tells. */
export interface Identifier extends Span {
  readonly kind: 'identifier';
  readonly name: string;
}

export interface Variable extends Span {
  readonly kind: 'variable';
  /** With its `$`. */
  readonly name: string;
}

/** `@`, `@x`, `@x[k, l]` */
export interface MapReference extends Span {
  readonly kind: 'map';
  /** With its `@`. */
  readonly name: string;
  /** Where the name alone ends. */
  readonly nameEnd: number;
  /** The expressions in brackets; a parenthesised tuple inside is one element. */
  readonly keys?: readonly Expression[];
}

/** `$1` */
export interface PositionalParameter extends Span {
  readonly kind: 'positional';
  readonly index: number;
}

/** `$#` */
export interface ParameterCount extends Span {
  readonly kind: 'parameter-count';
}

export interface Call extends Span {
  readonly kind: 'call';
  readonly callee: Name;
  readonly args: readonly Expression[];
}

/** `!x`, `~x`, `-x`, `*x` */
export interface Unary extends Span {
  readonly kind: 'unary';
  readonly operator: '!' | '~' | '-' | '*' | '+';
  readonly operand: Expression;
}

/** `++x`, `x--` */
export interface Update extends Span {
  readonly kind: 'update';
  readonly operator: '++' | '--';
  readonly prefix: boolean;
  readonly operand: Expression;
}

/** `&$x`, `&@m` */
export interface AddressOf extends Span {
  readonly kind: 'address-of';
  readonly operand: Expression;
}

export type BinaryOperator =
  | '||'
  | '&&'
  | '|'
  | '^'
  | '&'
  | '=='
  | '!='
  | '<'
  | '<='
  | '>'
  | '>='
  | '<<'
  | '>>'
  | '+'
  | '-'
  | '*'
  | '/'
  | '%';

export interface Binary extends Span {
  readonly kind: 'binary';
  readonly operator: BinaryOperator;
  readonly operatorSpan: Span;
  readonly left: Expression;
  readonly right: Expression;
}

/** `c ? a : b`, and `c ?: b` without `whenTrue`. */
export interface Ternary extends Span {
  readonly kind: 'ternary';
  readonly condition: Expression;
  readonly whenTrue?: Expression;
  readonly whenFalse: Expression;
}

/** `x.field`, `x->field` */
export interface FieldAccess extends Span {
  readonly kind: 'field';
  readonly object: Expression;
  readonly arrow: boolean;
  /** Place of the `.` or `->`. */
  readonly operatorSpan: Span;
  readonly field: Name;
}

/** `x.1` */
export interface TupleAccess extends Span {
  readonly kind: 'tuple-access';
  readonly object: Expression;
  readonly index: number;
}

/** `x[1]` on anything but a map. */
export interface ArrayAccess extends Span {
  readonly kind: 'array-access';
  readonly object: Expression;
  readonly index: Expression;
}

export interface Cast extends Span {
  readonly kind: 'cast';
  readonly type: TypeNode;
  readonly operand: Expression;
}

/** `sizeof(struct x)`, `sizeof($x)`; a bare word is an expression until the checker finds a type of that name. */
export interface Sizeof extends Span {
  readonly kind: 'sizeof';
  readonly argument: Expression | TypeNode;
}

/** `offsetof(struct x, a.b)` */
export interface Offsetof extends Span {
  readonly kind: 'offsetof';
  readonly subject: Expression | TypeNode;
  readonly path: readonly Name[];
}

export interface Typeinfo extends Span {
  readonly kind: 'typeinfo';
  readonly argument: Expression | TypeNode;
}

export interface Comptime extends Span {
  readonly kind: 'comptime';
  readonly operand: Expression;
}

export interface Tuple extends Span {
  readonly kind: 'tuple';
  readonly elements: readonly Expression[];
}

/** `(a = 1, b = 2)` */
export interface RecordNode extends Span {
  readonly kind: 'record';
  readonly fields: readonly RecordField[];
}
export interface RecordField extends Span {
  readonly kind: 'record-field';
  readonly name: Name;
  readonly value: Expression;
}

/** An expression was expected here and none could be read; a diagnostic says so. */
export interface BrokenExpression extends Span {
  readonly kind: 'broken-expression';
}

// ---------------------------------------------------------------- types

export type TypeNode = NamedType | PointerType | ArrayType | TypeofType;

/** `uint64`, `string`, `struct task_struct`, `pid_t` */
export interface NamedType extends Span {
  readonly kind: 'named-type';
  readonly keyword?: 'struct' | 'union' | 'enum';
  readonly name: Name;
}
export interface PointerType extends Span {
  readonly kind: 'pointer-type';
  readonly target: TypeNode;
}
/** `int32[4]`, `string[64]` (a string of 64 bytes), `uint8[]` without size. */
export interface ArrayType extends Span {
  readonly kind: 'array-type';
  readonly element: TypeNode;
  readonly size?: number;
}
/** `typeof(expression or type)`; also an argument of a call, for a macro's parameter that stands for a type. */
export interface TypeofType extends Span {
  readonly kind: 'typeof-type';
  readonly argument: Expression | TypeNode;
}
