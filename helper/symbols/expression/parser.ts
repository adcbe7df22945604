import type { Expression, SourceOperator, TextRange, TypeName } from './ast.ts';
import { tokenize, type Token } from './lexer.ts';
import { ExpressionError } from './problem.ts';

/** Deeper nesting than this would exhaust the stack before it meant anything. */
const DEEPEST = 200;

const levels: readonly (readonly SourceOperator[])[] = [
  ['||'],
  ['&&'],
  ['|'],
  ['^'],
  ['&'],
  ['==', '!='],
  ['<', '<=', '>', '>='],
  ['<<', '>>'],
  ['+', '-'],
  ['*', '/', '%'],
];

const typeWords = new Set([
  ...[
    'struct',
    'union',
    'enum',
    'class',
    'const',
    'volatile',
    'unsigned',
    'signed',
    'int',
    'char',
    'short',
    'long',
  ],
  ...['float', 'double', 'bool', '_Bool', 'void', 'size_t', 'ssize_t', 'uintptr_t', 'intptr_t', 'ptrdiff_t'],
  ...[8, 16, 32, 64].flatMap((bits) => [`int${bits}_t`, `uint${bits}_t`]),
  ...['i8', 'i16', 'i32', 'i64', 'isize', 'u8', 'u16', 'u32', 'u64', 'usize'],
]);
const qualifiers = new Set(['const', 'volatile']);

/** Functions of containers that only read how many elements there are. */
const lengths: ReadonlySet<string> = new Set(['size', 'length', 'len']);

/** Whether a name that no keyword gives away stands for a type: `(request)x` is a cast only if it does. */
export type KnowsType = (name: string) => boolean;

/**
 * Parses a whole expression: C's operators and precedence without assignments, calls (but for `v.size()` and the like) and `?:`, and `a[from..to]`.
 * Throws {@link ExpressionError} with the range of what is wrong.
 */
export function parseExpression(text: string, knowsType: KnowsType = () => false): Expression {
  const parser = new Parser(tokenize(text), knowsType);
  const expression = parser.expression();
  parser.expectEnd();
  return expression;
}

class Parser {
  readonly #tokens: readonly Token[];
  readonly #knowsType: KnowsType;
  #at = 0;
  #depth = 0;

  constructor(tokens: readonly Token[], knowsType: KnowsType) {
    this.#tokens = tokens;
    this.#knowsType = knowsType;
  }

  get #token(): Token {
    return this.#tokens[Math.min(this.#at, this.#tokens.length - 1)]!;
  }

  expectEnd(): void {
    const token = this.#token;
    if (token.kind !== 'end') throw new ExpressionError(token, 'The expression should end here.');
  }

  expression(): Expression {
    return this.#nested(() => this.#binary(0));
  }

  #nested<T>(parse: () => T): T {
    if (++this.#depth > DEEPEST)
      throw new ExpressionError(this.#token, 'The expression is nested too deeply.');
    const result = parse();
    this.#depth--;
    return result;
  }

  #binary(level: number): Expression {
    const operators = levels[level];
    if (operators === undefined) return this.#unary();
    let left = this.#binary(level + 1);
    for (;;) {
      const operator = operators.find((candidate) => this.#isSymbol(candidate));
      if (operator === undefined) return left;
      this.#at++;
      const right = this.#binary(level + 1);
      left = { kind: 'binary', operator, left, right, start: left.start, end: right.end };
    }
  }

  #unary(): Expression {
    const token = this.#token;
    if (token.kind === 'name' && token.text === 'sizeof') return this.#sizeof();
    if (token.kind === 'symbol') {
      const { text } = token;
      if (text === '*' || text === '&' || text === '-' || text === '+' || text === '!' || text === '~') {
        this.#at++;
        const operand = this.#nested(() => this.#unary());
        return { kind: 'unary', operator: text, operand, start: token.start, end: operand.end };
      }
      if (text === '(') {
        const type = this.#parenthesisedType();
        if (type !== undefined) {
          const operand = this.#nested(() => this.#unary());
          return { kind: 'cast', type, operand, start: token.start, end: operand.end };
        }
      }
    }
    return this.#postfix(this.#primary());
  }

  #sizeof(): Expression {
    const { start } = this.#token;
    this.#at++;
    const operand = this.#parenthesisedType() ?? this.#nested(() => this.#unary());
    return { kind: 'sizeof', operand, start, end: this.#tokens[this.#at - 1]?.end ?? operand.end };
  }

  #postfix(object: Expression): Expression {
    let result = object;
    for (;;) {
      const token = this.#token;
      if (token.kind !== 'symbol') return result;
      if (token.text === '.' || token.text === '->') {
        this.#at++;
        const member = this.#token;
        // Tuples of Rust have members 0, 1, …, which debug information calls __0, __1.
        if (member.kind !== 'name' && member.kind !== 'number')
          throw new ExpressionError(member, `The name of a member should follow ${token.text}.`);
        this.#at++;
        const name = member.kind === 'name' ? member.text : `__${member.value}`;
        result = {
          kind: 'member',
          object: result,
          arrow: token.text === '->',
          member: name,
          memberRange: { start: member.start, end: member.end },
          start: result.start,
          end: member.end,
        };
      } else if (token.text === '[') result = this.#indexed(result);
      else if (token.text === '(') result = this.#length(result, token);
      else return result;
    }
  }

  /** `v.size()`, `s.len()`, `len(s)`: what is read as `v.size`. No other function can be called. */
  #length(callee: Expression, { end }: TextRange): Expression {
    this.#at++;
    if (callee.kind === 'member' && lengths.has(callee.member) && this.#isSymbol(')'))
      return { ...callee, end: this.#close(')') };
    if (callee.kind === 'name' && callee.name === 'len' && !this.#isSymbol(')')) {
      const object = this.expression();
      const memberRange = { start: callee.start, end: callee.end };
      return {
        ...{ kind: 'member', object, arrow: false, member: 'len', memberRange },
        start: callee.start,
        end: this.#close(')'),
      };
    }
    throw new ExpressionError(
      { start: callee.start, end },
      'Functions cannot be called in a running program.',
      'What can be read is the size of a container: v.size(), s.len(), len(s).',
    );
  }

  #indexed(object: Expression): Expression {
    this.#at++;
    const from = this.expression();
    if (this.#isSymbol('..')) {
      this.#at++;
      const to = this.expression();
      return { kind: 'slice', object, from, to, start: object.start, end: this.#close(']') };
    }
    return { kind: 'index', object, index: from, start: object.start, end: this.#close(']') };
  }

  #primary(): Expression {
    const token = this.#token;
    switch (token.kind) {
      case 'number':
        this.#at++;
        return { kind: 'number', value: token.value, start: token.start, end: token.end };
      case 'string':
        this.#at++;
        return { kind: 'string', value: token.text, start: token.start, end: token.end };
      case 'name':
        return this.#name();
      case 'end':
        throw new ExpressionError(token, 'Something is missing at the end.');
      case 'symbol': {
        if (token.text !== '(')
          throw new ExpressionError(token, `A value should stand here, not ${token.text}.`);
        this.#at++;
        const inner = this.expression();
        const end = this.#close(')');
        return { ...inner, start: token.start, end };
      }
    }
  }

  /** `name`, `ns::name`, `::name`. */
  #name(): Expression {
    const { start } = this.#token;
    let name = '';
    let end = start;
    for (;;) {
      const token = this.#token;
      if (token.kind !== 'name') throw new ExpressionError(token, 'A name should follow ::.');
      name += token.text;
      end = token.end;
      this.#at++;
      if (!this.#isSymbol('::')) return { kind: 'name', name, start, end };
      name += '::';
      this.#at++;
    }
  }

  /** A type in parentheses, or undefined with nothing consumed. */
  #parenthesisedType(): TypeName | undefined {
    const before = this.#at;
    if (!this.#isSymbol('(')) return undefined;
    this.#at++;
    const start = this.#token;
    const type = this.#typeWords(start);
    if (type !== undefined && this.#isSymbol(')')) {
      this.#at++;
      return type;
    }
    this.#at = before;
    return undefined;
  }

  #typeWords(start: TextRange): TypeName | undefined {
    const words: string[] = [];
    let certain = false;
    let joined = false;
    let pointers = 0;
    let { end } = start;
    for (;;) {
      const token = this.#token;
      if (token.kind === 'name' && (pointers === 0 || qualifiers.has(token.text))) {
        if (typeWords.has(token.text)) certain = true;
        if (joined) words.push(`${words.pop() ?? ''}::${token.text}`);
        else if (!qualifiers.has(token.text)) words.push(token.text);
        joined = false;
      } else if (this.#isSymbol('::') && words.length > 0 && pointers === 0) joined = true;
      else if (this.#isSymbol('*') && words.length > 0) pointers++;
      else break;
      end = token.end;
      this.#at++;
    }
    const name = words.join(' ');
    // `(a * b)` ends with a name, `(T *)` with the star.
    if (words.length === 0 || joined) return undefined;
    if (!certain && pointers === 0 && !this.#knowsType(name)) return undefined;
    return { name, pointers, start: start.start, end };
  }

  #isSymbol(text: string): boolean {
    const token = this.#token;
    return token.kind === 'symbol' && token.text === text;
  }

  #close(text: string): number {
    const token = this.#token;
    if (!this.#isSymbol(text)) throw new ExpressionError(token, `A ${text} is missing here.`);
    this.#at++;
    return token.end;
  }
}
