import type { BinaryOperator } from '../values/term.ts';

/** Character offsets in the text, end exclusive. */
export interface TextRange {
  readonly start: number;
  readonly end: number;
}

/** A type as a cast or sizeof spells it: its words without qualifiers, and how many `*` follow. */
export interface TypeName extends TextRange {
  readonly name: string;
  readonly pointers: number;
}

/** The binary operators as C spells them; signedness is decided by the operands' types. */
export type SourceOperator =
  Exclude<BinaryOperator, 'u/' | 'u%' | 'u>>' | 'u<' | 'u<='> | '>' | '>=' | '&&' | '||';

/** An expression in C spelling. */
export type Expression = TextRange &
  (
    | { readonly kind: 'number'; readonly value: bigint }
    /** Only for comparing with; `'a'` is a number. */
    | { readonly kind: 'string'; readonly value: string }
    /** `name` or `ns::name`; `$pid`, `$tid`, `$comm`, `$time` are builtin. */
    | { readonly kind: 'name'; readonly name: string }
    | {
        readonly kind: 'member';
        readonly object: Expression;
        readonly arrow: boolean;
        readonly member: string;
        readonly memberRange: TextRange;
      }
    | { readonly kind: 'index'; readonly object: Expression; readonly index: Expression }
    /** `object[from..to]`, `to` exclusive. */
    | {
        readonly kind: 'slice';
        readonly object: Expression;
        readonly from: Expression;
        readonly to: Expression;
      }
    | {
        readonly kind: 'unary';
        readonly operator: '*' | '&' | '-' | '+' | '!' | '~';
        readonly operand: Expression;
      }
    | {
        readonly kind: 'binary';
        readonly operator: SourceOperator;
        readonly left: Expression;
        readonly right: Expression;
      }
    | { readonly kind: 'cast'; readonly type: TypeName; readonly operand: Expression }
    | { readonly kind: 'sizeof'; readonly operand: Expression | TypeName }
  );

export function isTypeName(operand: Expression | TypeName): operand is TypeName {
  return !('kind' in operand);
}

/** Prints an expression with full parentheses; parsing the result gives the same tree but for ranges. */
export function formatExpression(expression: Expression): string {
  switch (expression.kind) {
    case 'number':
      return String(expression.value);
    case 'string':
      return JSON.stringify(expression.value);
    case 'name':
      return expression.name;
    case 'member':
      return `${formatExpression(expression.object)}${expression.arrow ? '->' : '.'}${expression.member}`;
    case 'index':
      return `${formatExpression(expression.object)}[${formatExpression(expression.index)}]`;
    case 'slice':
      return `${formatExpression(expression.object)}[${formatExpression(expression.from)}..${formatExpression(expression.to)}]`;
    case 'unary':
      return `(${expression.operator} ${formatExpression(expression.operand)})`;
    case 'binary':
      return `(${formatExpression(expression.left)} ${expression.operator} ${formatExpression(expression.right)})`;
    case 'cast':
      return `((${formatTypeName(expression.type)}) ${formatExpression(expression.operand)})`;
    case 'sizeof':
      return isTypeName(expression.operand)
        ? `sizeof(${formatTypeName(expression.operand)})`
        : `sizeof(${formatExpression(expression.operand)})`;
  }
}

export function formatTypeName(type: TypeName): string {
  return `${type.name}${'*'.repeat(type.pointers)}`;
}
