/**
 * The filter language: `bytes > 64k && comm == "fio" && !(flags & O_DIRECT)`.
 *
 *   filter  = or ; or = and { "||" and } ; and = unary { "&&" unary }
 *   unary   = "!" unary | "(" or ")" | FIELD [ OP value ]          OP: == != < <= > >= & ~ !~
 *   value   = [ "-" ] atom { "|" atom } | "(" value ")"
 *   atom    = NUMBER [ UNIT ] | "text" | 'text' | NAME | MAJOR ":" MINOR
 *
 * `&` is true when any of the bits is set; `~` matches a text with `*` and `?`. Units: k, M, G, T are powers of 1024;
 * ns, us, ms, s are for fields that hold durations. A field alone is true when it is not zero.
 */
export interface Range {
  /** UTF-16 offsets into the filter's text, end exclusive. */
  readonly start: number;
  readonly end: number;
}

export const operators = ['==', '!=', '<', '<=', '>', '>=', '&', '~', '!~'] as const;
export type Operator = (typeof operators)[number];

export type Atom = Range &
  (
    | { readonly kind: 'number'; readonly value: bigint; readonly unit?: string }
    | { readonly kind: 'text'; readonly value: string }
    | { readonly kind: 'name'; readonly name: string }
    | { readonly kind: 'device'; readonly major: number; readonly minor: number }
  );

export interface Value extends Range {
  readonly negative: boolean;
  /** Joined by `|`. */
  readonly atoms: readonly Atom[];
}

export type FilterNode = Range &
  (
    | { readonly kind: 'and' | 'or'; readonly left: FilterNode; readonly right: FilterNode }
    | { readonly kind: 'not'; readonly operand: FilterNode }
    | {
        readonly kind: 'compare';
        readonly field: string;
        readonly fieldRange: Range;
        /** Absent: true when not zero. */
        readonly operator?: Operator;
        readonly value?: Value;
      }
  );

export interface FilterProblem extends Range {
  readonly message: string;
  /** What to write instead of the range, when that is known. */
  readonly suggestion?: string;
}

interface Token extends Range {
  readonly kind: 'name' | 'number' | 'device' | 'text' | 'punct' | 'bad' | 'end';
  readonly text: string;
}

const TOKEN =
  /(?<name>[A-Za-z_]\w*)|(?<device>\d+:\d+)|(?<number>0[xX][\da-fA-F]+|\d+[A-Za-z\u00b5]*)|(?<text>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')|(?<punct>&&|\|\||[=!<>]=|!~|[<>()!&|~-])/y;

function tokenize(source: string): Token[] {
  const tokens: Token[] = [];
  let at = 0;
  while (at < source.length) {
    if (/\s/.test(source[at] ?? '')) {
      at++;
      continue;
    }
    TOKEN.lastIndex = at;
    const groups = TOKEN.exec(source)?.groups;
    const found = Object.entries(groups ?? {}).find(([, text]) => text !== undefined);
    const text = found?.[1] ?? source.slice(at, at + 1);
    tokens.push({ kind: (found?.[0] ?? 'bad') as Token['kind'], text, start: at, end: at + text.length });
    at += text.length;
  }
  tokens.push({ kind: 'end', text: '', start: source.length, end: source.length });
  return tokens;
}

export interface ParsedFilter {
  /** Absent for an empty filter, and when nothing could be understood. */
  readonly node?: FilterNode;
  readonly problems: readonly FilterProblem[];
}

/** Thrown inside the parser only: the first syntax error ends it. */
class SyntaxProblem extends Error {
  readonly problem: FilterProblem;
  constructor(problem: FilterProblem) {
    super(problem.message);
    this.problem = problem;
  }
}

/** Nested deeper than any filter a person writes; keeps hostile input from exhausting the stack. */
const MAX_DEPTH = 200;

/** Parses a filter; never throws. */
export function parseFilter(source: string): ParsedFilter {
  const tokens = tokenize(source);
  if (tokens.length === 1) return { problems: [] };
  try {
    const parser = new Parser(tokens);
    const node = parser.or(0);
    parser.expectEnd();
    return { node, problems: [] };
  } catch (thrown) {
    if (thrown instanceof SyntaxProblem) return { problems: [thrown.problem] };
    throw thrown;
  }
}

class Parser {
  private readonly tokens: readonly Token[];
  private at = 0;

  constructor(tokens: readonly Token[]) {
    this.tokens = tokens;
  }

  private get token(): Token {
    return this.tokens[this.at] ?? { kind: 'end', text: '', start: 0, end: 0 };
  }

  private fail(message: string, token = this.token, suggestion?: string): never {
    const { start } = token;
    const end = Math.max(token.end, start + 1);
    throw new SyntaxProblem(
      suggestion === undefined ? { message, start, end } : { message, start, end, suggestion },
    );
  }

  private take(text: string): boolean {
    if (this.token.kind !== 'punct' || this.token.text !== text) return false;
    this.at++;
    return true;
  }

  expectEnd(): void {
    const { kind, text } = this.token;
    if (kind === 'end') return;
    if (text === '=') this.fail('Comparison is written ==.', this.token, '==');
    if (kind === 'name' && /^(?:and|or)$/i.test(text))
      this.fail(
        `“${text}” is written ${text.toLowerCase() === 'and' ? '&&' : '||'}.`,
        this.token,
        text.toLowerCase() === 'and' ? '&&' : '||',
      );
    this.fail(`“${text}” is not expected here: && or || joins two conditions.`);
  }

  or(depth: number): FilterNode {
    let left = this.and(depth);
    while (this.take('||')) {
      const right = this.and(depth);
      left = { kind: 'or', left, right, start: left.start, end: right.end };
    }
    return left;
  }

  private and(depth: number): FilterNode {
    let left = this.unary(depth);
    while (this.take('&&')) {
      const right = this.unary(depth);
      left = { kind: 'and', left, right, start: left.start, end: right.end };
    }
    return left;
  }

  private unary(depth: number): FilterNode {
    if (depth > MAX_DEPTH) this.fail(`Conditions are nested deeper than ${MAX_DEPTH}.`);
    const { start } = this.token;
    if (this.take('!')) {
      const operand = this.unary(depth + 1);
      return { kind: 'not', operand, start, end: operand.end };
    }
    if (this.take('(')) {
      const inner = this.or(depth + 1);
      const { end } = this.token;
      if (!this.take(')')) this.fail('A closing ) is missing.');
      return { ...inner, start, end };
    }
    return this.comparison();
  }

  private comparison(): FilterNode {
    const field = this.token;
    if (field.kind !== 'name')
      this.fail(
        field.kind === 'end'
          ? 'A condition is missing here.'
          : `A field's name is expected, not “${field.text}”.`,
      );
    this.at++;
    const next = this.token;
    const operator = operators.find((op) => next.kind === 'punct' && op === next.text);
    const base = { kind: 'compare' as const, field: field.text, fieldRange: field, start: field.start };
    if (operator === undefined) {
      if (next.text === '=') this.fail('Comparison is written ==.', next, '==');
      return { ...base, fieldRange: { start: field.start, end: field.end }, end: field.end };
    }
    this.at++;
    const value = this.value(0);
    return { ...base, fieldRange: { start: field.start, end: field.end }, operator, value, end: value.end };
  }

  private value(depth: number): Value {
    const { start } = this.token;
    if (depth > MAX_DEPTH) this.fail(`Values are nested deeper than ${MAX_DEPTH}.`);
    if (this.take('(')) {
      const inner = this.value(depth + 1);
      const { end } = this.token;
      if (!this.take(')')) this.fail('A closing ) is missing.');
      return { ...inner, start, end };
    }
    const negative = this.take('-');
    const atoms = [this.atom()];
    while (this.take('|')) atoms.push(this.atom());
    return { negative, atoms, start, end: atoms.at(-1)?.end ?? start };
  }

  private atom(): Atom {
    const token = this.token;
    const { start, end, text } = token;
    this.at++;
    switch (token.kind) {
      case 'name':
        return { kind: 'name', name: text, start, end };
      case 'text':
        return { kind: 'text', value: text.slice(1, -1).replace(/\\(.)/g, '$1'), start, end };
      case 'device': {
        const [major = 0, minor = 0] = text.split(':').map(Number);
        return { kind: 'device', major, minor, start, end };
      }
      case 'number': {
        const match = /^(0[xX][\da-fA-F]+|\d+)([A-Za-z\u00b5]*)$/.exec(text);
        const unit = match?.[2] ?? '';
        const value = BigInt(match?.[1] ?? 0);
        return unit === ''
          ? { kind: 'number', value, start, end }
          : { kind: 'number', value, unit, start, end };
      }
      default:
        this.at--;
        return this.fail(
          token.kind === 'end' ? 'A value is missing here.' : `A value is expected, not “${text}”.`,
          token,
        );
    }
  }
}
