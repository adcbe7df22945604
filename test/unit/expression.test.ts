import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  formatExpression,
  type Expression,
  type SourceOperator,
} from '../../helper/symbols/expression/ast.ts';
import { parseExpression } from '../../helper/symbols/expression/parser.ts';
import { ExpressionError } from '../../helper/symbols/expression/problem.ts';
import { parseTemplate } from '../../helper/symbols/expression/template.ts';

const shape = (text: string): string => formatExpression(parseExpression(text));

function rangeOf(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    if (error instanceof ExpressionError) return `${error.range.start}-${error.range.end}`;
    throw error;
  }
  return 'no error';
}

describe('expressions', () => {
  it.each([
    ['req->header.len', 'req->header.len'],
    ['v.items[2]', 'v.items[2]'],
    ['*p', '(* p)'],
    ['*p->q[1]', '(* p->q[1])'],
    ['arr[0..8]', 'arr[0..8]'],
    ['a + b * c == d && e', '(((a + (b * c)) == d) && e)'],
    ['a - b - c', '((a - b) - c)'],
    ['(unsigned char)x', '((unsigned char) x)'],
    ['(struct foo *)p', '((struct foo*) p)'],
    ['(const char *)p->name', '((char*) p->name)'],
    ['(ns::T *)p', '((ns::T*) p)'],
    ['(a)*b', '(a * b)'],
    ['(a) & b', '(a & b)'],
    ['(a * b)', '(a * b)'],
    ['sizeof(int) + sizeof x', '(sizeof(int) + sizeof(x))'],
    ['c == \'a\' || s == "x\\n"', '((c == 97) || (s == "x\\n"))'],
    ['ns::counter', 'ns::counter'],
    ['t.0', 't.__0'],
    ['v.size() > p->name.length()', '(v.size > p->name.length)'],
    ['s.len() + len(t.name)', '(s.len + t.name.len)'],
    ['0x10 + 010 + 0b11 + 7ul', '(((16 + 8) + 3) + 7)'],
    ['!~-+x', '(! (~ (- (+ x))))'],
  ])('%s', (text, expected) => expect(shape(text)).toBe(expected));

  it('are casts to a name when it is known as a type', () => {
    expect(formatExpression(parseExpression('(request)x', (name) => name === 'request'))).toBe(
      '((request) x)',
    );
  });

  it.each([
    ['a +', '3-3'],
    ['a b', '2-3'],
    ['a.', '2-2'],
    ['f(1)', '0-2'],
    ['v.size(1)', '0-7'],
    ['v.at()', '0-5'],
    ['len()', '0-4'],
    ['a[1', '3-3'],
    ['a @ b', '2-3'],
    ['09', '0-2'],
    ["'ab'", '0-4'],
    ['"abc', '0-4'],
    ['99999999999999999999', '0-20'],
    ['('.repeat(1000), '200-201'],
  ])('say where %s is wrong', (text, range) => expect(rangeOf(() => parseExpression(text))).toBe(range));

  const expression: fc.Arbitrary<Expression> = fc.letrec<{ e: Expression }>((tie) => ({
    e: fc.oneof(
      { maxDepth: 5 },
      fc.record({
        kind: fc.constant('name' as const),
        name: fc.constantFrom('a', 'b', 'ns::c', '$pid'),
        start: fc.constant(0),
        end: fc.constant(0),
      }),
      fc.record({
        kind: fc.constant('number' as const),
        value: fc.bigInt({ min: 0n, max: (1n << 64n) - 1n }),
        start: fc.constant(0),
        end: fc.constant(0),
      }),
      fc.record({
        kind: fc.constant('binary' as const),
        operator: fc.constantFrom<SourceOperator>(
          '+',
          '-',
          '*',
          '/',
          '%',
          '&',
          '|',
          '^',
          '<<',
          '>>',
          '==',
          '!=',
          '<',
          '<=',
          '>',
          '>=',
          '&&',
          '||',
        ),
        left: tie('e'),
        right: tie('e'),
        start: fc.constant(0),
        end: fc.constant(0),
      }),
      fc.record({
        kind: fc.constant('unary' as const),
        operator: fc.constantFrom('*' as const, '&' as const, '-' as const, '!' as const, '~' as const),
        operand: tie('e'),
        start: fc.constant(0),
        end: fc.constant(0),
      }),
      fc.record({
        kind: fc.constant('index' as const),
        object: fc.constantFrom<Expression>({ kind: 'name', name: 'v', start: 0, end: 0 }),
        index: tie('e'),
        start: fc.constant(0),
        end: fc.constant(0),
      }),
      fc.record({
        kind: fc.constant('cast' as const),
        type: fc.constant({ name: 'struct s', pointers: 1, start: 0, end: 0 }),
        operand: tie('e'),
        start: fc.constant(0),
        end: fc.constant(0),
      }),
    ),
  })).e;

  it('are the same after printing and parsing', () => {
    fc.assert(
      fc.property(expression, (tree) => {
        expect(shape(formatExpression(tree))).toBe(formatExpression(tree));
      }),
    );
  });

  it('are read or refused with a range inside the text, whatever the text', () => {
    const pieces = fc.array(
      fc.oneof(
        fc.constantFrom(
          'a',
          '->',
          '.',
          '[',
          ']',
          '(',
          ')',
          '*',
          '..',
          '1',
          'int',
          '::',
          '"',
          "'",
          '{',
          '}',
          ':x',
        ),
        fc.string(),
      ),
      { maxLength: 12 },
    );
    fc.assert(
      fc.property(pieces, (words) => {
        for (const parse of [parseExpression, parseTemplate])
          try {
            parse(words.join(''));
          } catch (error) {
            expect(error).toBeInstanceOf(ExpressionError);
            const { start, end } = (error as ExpressionError).range;
            expect(start).toBeGreaterThanOrEqual(0);
            expect(end).toBeLessThanOrEqual(words.join('').length + 2);
          }
      }),
    );
  });
});

describe('templates', () => {
  it('are text and values with formats', () => {
    const parts = parseTemplate('id {req->id} flags {{{flags:x}}} {ns::a:d}');
    expect(parts.map((part) => (part.kind === 'text' ? part.text : [part.source, part.format]))).toEqual([
      'id ',
      ['req->id', ''],
      ' flags {',
      ['flags', 'x'],
      '} ',
      ['ns::a', 'd'],
    ]);
  });
  it.each([
    ['a {', '2-3'],
    ['a }', '2-3'],
    ['{}', '0-2'],
    ['x {a +} y', '6-6'],
    ['{a:q}', '3-4'],
  ])('say where %s is wrong', (text, range) => expect(rangeOf(() => parseTemplate(text))).toBe(range));
});
