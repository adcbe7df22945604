import type {
  AssignmentOperator,
  Block,
  Expression,
  If,
  Import,
  Statement,
  TypeNode,
  Variable,
} from './ast.ts';
import { parsePrimary } from './atoms.ts';
import { T } from './codes.ts';
import { continueExpression, expectColon, parseExpression, parsePostfix, parseUnary } from './expressions.ts';
import { parseString } from './literals.ts';
import { parseFor, parseLoop } from './loops.ts';
import { startsItem } from './recovery.ts';
import type { ParserState } from './state.ts';
import { parseTypeAnnotation } from './types.ts';

/** `{ … }`. Where the `{` is missing, an empty block comes back. */
export function parseBlock(p: ParserState, what: string): Block {
  const { start } = p;
  if (p.code !== T.leftBrace) {
    p.missing('{', `to begin ${what}`);
    return { kind: 'block', start: p.previousEnd, end: p.previousEnd, statements: [] };
  }
  if (!p.enter()) return { kind: 'block', start, end: start, statements: [] };
  const statements: Statement[] = [];
  p.next();
  let result: Expression | undefined;
  while (p.code !== T.rightBrace && p.code !== T.end && !startsItem(p)) {
    const before = p.start;
    result = parseStatement(p, statements);
    if (result !== undefined) break;
    if (p.start === before && p.code !== T.end) p.next();
  }
  closeBlock(p, start, what);
  p.leave();
  const block = { kind: 'block', start, end: p.endFrom(start), statements } as const;
  return result === undefined ? block : { ...block, result };
}

function closeBlock(p: ParserState, start: number, what: string): void {
  if (p.accept(T.rightBrace)) return;
  if (p.code === T.end)
    p.report({
      code: 'expected-token',
      severity: 'error',
      start: p.previousEnd,
      end: p.start,
      message: `The file ends before ${what} is closed`,
      hint: 'Add `}`.',
      related: [{ start, end: start + 1, message: 'It begins here' }],
    });
  else p.missing('}', `to close ${what}`);
}

/** Reads one statement into `statements`; an expression that ends its block without `;` comes back instead. */
function parseStatement(p: ParserState, statements: Statement[]): Expression | undefined {
  const { start, code } = p;
  switch (code) {
    case T.variable:
    case T.map:
      return parseTargetStatement(p, statements);
    case T.if:
      if (p.handWritten) break;
      return parseIfStatement(p, statements);
    case T.leftBrace:
      if (p.handWritten) break;
      return parseBlockStatement(p, statements);
    case T.while:
    case T.unroll:
      statements.push(parseLoop(p));
      return undefined;
    case T.for:
      p.requires(21, '`for` loops are known', start, p.end);
      statements.push(parseFor(p));
      return undefined;
    case T.break:
    case T.continue:
    case T.return:
      statements.push(parseJump(p));
      endStatement(p);
      return undefined;
    case T.let:
      if (p.version >= 22 || /^\s*[$@]/.test(p.source.slice(p.end, p.end + 40))) {
        statements.push(parseLet(p));
        return undefined;
      }
      break;
    case T.import:
      if (p.version >= 24 || /^\s*"/.test(p.source.slice(p.end, p.end + 40))) {
        p.requires(25, '`import` is allowed in blocks', start, p.end);
        statements.push(parseImport(p));
        return undefined;
      }
      break;
    case T.semicolon:
      emptyStatement(p);
      return undefined;
    default:
      if (code === T.word && p.text === '_' && isDiscard(p)) {
        statements.push(parseDiscard(p));
        endStatement(p);
        return undefined;
      }
  }
  return endExpression(p, start, parseExpression(p), statements);
}

function emptyStatement(p: ParserState): void {
  const { start, end } = p;
  p.report({
    code: 'unexpected-token',
    severity: 'error',
    start,
    end,
    message: 'This `;` ends no statement',
    hint: 'bpftrace has no empty statements, and none follows a `}`.',
    fixes: [{ title: 'Remove the `;`', edits: [{ start, end, newText: '' }], preferred: true }],
  });
  p.next();
}

/** `;`, or nothing before `}`. Else complains and skips to where the next statement can begin. */
function endStatement(p: ParserState): void {
  if (p.code === T.semicolon) p.next();
  else if (p.code !== T.rightBrace) missingSemicolon(p);
}

function missingSemicolon(p: ParserState): void {
  if (p.code !== T.end && !startsItem(p)) {
    p.missing(';', 'at the end of the statement');
    skipStatement(p);
  }
}

/** After an error: on to behind the next `;`, to the `}` that closes the block, or to a line that begins a statement. */
function skipStatement(p: ParserState): void {
  // A missing `;` at the end of a line: the next line is a statement of its own.
  if (p.source.slice(p.previousEnd, p.start).includes('\n')) return;
  let depth = 0;
  for (; p.code !== T.end; p.next()) {
    if (p.code === T.leftBrace || p.code === T.leftParen || p.code === T.leftBracket) depth++;
    else if (p.code === T.rightBrace || p.code === T.rightParen || p.code === T.rightBracket) {
      if (depth === 0 && p.code === T.rightBrace) return;
      depth = Math.max(0, depth - 1);
      if (depth === 0 && p.code === T.rightBrace) {
        p.next();
        return;
      }
    } else if (p.code === T.semicolon && depth === 0) {
      p.next();
      return;
    } else if (startsItem(p)) return;
  }
}

/** What stands after an expression in statement position decides whether it is one or the block's result. */
function endExpression(
  p: ParserState,
  start: number,
  expression: Expression,
  statements: Statement[],
): Expression | undefined {
  if (p.code === T.rightBrace) return expression;
  const assignment = assignmentOperator(p.code);
  if (assignment !== undefined) {
    refuseTarget(p, start, expression);
    p.next();
    const value = parseExpression(p);
    statements.push({
      kind: 'assignment',
      start,
      end: p.endFrom(start),
      target: expression,
      operator: assignment,
      value,
    });
    endStatement(p);
    return undefined;
  }
  const end = p.endFrom(start);
  if (p.code === T.semicolon) p.next();
  else if (!(p.handWritten && (expression.kind === 'if' || expression.kind === 'block'))) missingSemicolon(p);
  statements.push({ kind: 'expression-statement', start, end, expression });
  return undefined;
}

/** Marks the target and the operator, on which the current token stands. */
function refuseTarget(p: ParserState, start: number, target: Expression): void {
  const isField = target.kind === 'tuple-access' || (target.kind === 'field' && p.handWritten);
  if (isField)
    p.error(
      'invalid-target',
      start,
      p.end,
      'Tuples and records never change',
      'Make a new value and assign that.',
    );
  else p.error('invalid-target', start, p.end, 'Only variables and maps can be assigned to');
}

/** `$x = 1`, `@x[1] += 2`, `@x++`, or an expression that begins with a variable or a map. */
function parseTargetStatement(p: ParserState, statements: Statement[]): Expression | undefined {
  const { start } = p;
  const target = parsePrimary(p);
  const operator = assignmentOperator(p.code);
  if (operator !== undefined) {
    p.next();
    const value = parseExpression(p);
    statements.push({ kind: 'assignment', start, end: p.endFrom(start), target, operator, value });
    endStatement(p);
    return undefined;
  }
  if (p.handWritten && (p.code === T.increment || p.code === T.decrement)) {
    // The hand-written parser ends the statement here: `$x++ + 1;` is refused.
    const sign = p.code === T.increment ? '++' : '--';
    p.next();
    const update: Expression = {
      kind: 'update',
      start,
      end: p.endFrom(start),
      operator: sign,
      prefix: false,
      operand: target,
    };
    if (p.code === T.rightBrace) return update;
    statements.push({ kind: 'expression-statement', start, end: p.endFrom(start), expression: update });
    endStatement(p);
    return undefined;
  }
  return endExpression(p, start, continuePostfix(p, start, target), statements);
}

function continuePostfix(p: ParserState, start: number, target: Expression): Expression {
  return continueExpression(p, start, parsePostfix(p, start, target, false));
}

const assignments: ReadonlyMap<number, AssignmentOperator> = new Map([
  [T.assign, '='],
  [T.plusAssign, '+='],
  [T.minusAssign, '-='],
  [T.starAssign, '*='],
  [T.slashAssign, '/='],
  [T.percentAssign, '%='],
  [T.andAssign, '&='],
  [T.orAssign, '|='],
  [T.xorAssign, '^='],
  [T.shiftLeftAssign, '<<='],
  [T.shiftRightAssign, '>>='],
]);
function assignmentOperator(code: number): AssignmentOperator | undefined {
  return code >= T.assign && code <= T.shiftRightAssign ? assignments.get(code) : undefined;
}

/** `if (c) { … } else if (d) { … } else { … }`; parentheses are needed up to 0.23. */
export function parseIf(p: ParserState, use: 'statement' | 'expression'): If {
  const { start } = p;
  p.next();
  const condition = parseCondition(p, '`if`');
  const then = parseBlock(p, 'the block of `if`');
  if (p.code !== T.else) {
    if (use === 'expression' && !p.handWritten) p.unexpected('`else`');
    return { kind: 'if', start, end: p.endFrom(start), condition, then };
  }
  p.next();
  if (!p.enter()) return { kind: 'if', start, end: p.endFrom(start), condition, then };
  const otherwise = p.code === T.if ? parseIf(p, use) : parseBlock(p, 'the block of `else`');
  p.leave();
  return { kind: 'if', start, end: p.endFrom(start), condition, then, else: otherwise };
}

/** The condition of `if`, `while` and `unroll`: since 0.24 without parentheses when it is a single operand. */
export function parseCondition(p: ParserState, what: string): Expression {
  if (p.code !== T.leftParen) p.requires(24, `The condition of ${what} needs no parentheses`, p.start, p.end);
  const parenthesised = p.code === T.leftParen && (p.handWritten || p.version < 24);
  if (!parenthesised) return parseUnary(p);
  p.next();
  const condition = parseExpression(p);
  p.expect(T.rightParen, ')', 'after the condition');
  return condition;
}

/**
 * Up to 0.25. In 0.24 and 0.25 an `if` with an `else` whose first block ends without `;` is an expression, which can be
 * a statement only at the very end of a block.
 */
function parseIfStatement(p: ParserState, statements: Statement[]): Expression | undefined {
  const { start } = p;
  const node = parseIf(p, 'statement');
  const isExpression = p.version >= 24 && node.else !== undefined && node.then.result !== undefined;
  if (!isExpression || node.start === node.end) {
    statements.push(node);
    return undefined;
  }
  if (!endsInValue(node)) {
    p.error(
      'expected-token',
      node.end - 1,
      node.end,
      'Both blocks must end in an expression without `;`, or neither',
    );
    statements.push(node);
    return undefined;
  }
  if (p.code === T.rightBrace) return node;
  const expression = continueExpression(p, start, node);
  if (expression === node) {
    p.error(
      'expected-token',
      node.then.end - 1,
      node.then.end,
      'Up to bpftrace 0.25 the last statement of an `if` with an `else` needs a `;`',
      'Put `;` before the `}`.',
    );
    statements.push(node);
    return undefined;
  }
  return endExpression(p, start, expression, statements);
}

function endsInValue(node: If): boolean {
  if (node.then.result === undefined || node.else === undefined) return false;
  return node.else.kind === 'if' ? endsInValue(node.else) : node.else.result !== undefined;
}

/** Up to 0.25: `{ … }` as a statement, or as an expression when it ends in one. */
function parseBlockStatement(p: ParserState, statements: Statement[]): Expression | undefined {
  const { start } = p;
  p.requires(24, 'Blocks can stand alone', start, p.end);
  const block = parseBlock(p, 'the block');
  if (block.result === undefined || p.version < 24) {
    statements.push(block);
    return undefined;
  }
  return endExpression(p, start, continueExpression(p, start, block), statements);
}

function parseJump(p: ParserState): Statement {
  const { start } = p;
  const keyword = p.text as 'break' | 'continue' | 'return';
  p.next();
  if (keyword !== 'return' || p.code === T.semicolon || p.code === T.rightBrace || p.code === T.end)
    return { kind: 'jump', start, end: p.endFrom(start), keyword };
  p.requires(21, '`return` can have a value', p.start, p.end);
  const value = parseExpression(p);
  return { kind: 'jump', start, end: p.endFrom(start), keyword, value };
}

export function expectVariable(p: ParserState): Variable {
  const { start, end } = p;
  if (p.code !== T.variable) {
    p.unexpected('a variable such as `$x`');
    return { kind: 'variable', start: p.previousEnd, end: p.previousEnd, name: '' };
  }
  p.next();
  return { kind: 'variable', start, end, name: p.source.slice(start, end) };
}

function parseLet(p: ParserState): Statement {
  const { start, end } = p;
  p.requires(22, '`let` is known', start, end);
  p.next();
  const variable = expectVariable(p);
  let type: TypeNode | undefined;
  if (p.code === T.colon) {
    expectColon(p);
    type = parseTypeAnnotation(p);
  }
  let value: Expression | undefined;
  if (p.accept(T.assign)) value = parseExpression(p);
  const node: Statement = {
    kind: 'variable-declaration',
    start,
    end: p.endFrom(start),
    variable,
    ...(type === undefined ? {} : { type }),
    ...(value === undefined ? {} : { value }),
  };
  if (value === undefined && p.version < 24 && p.code === T.rightBrace)
    p.missing(';', 'at the end of the declaration');
  else endStatement(p);
  return node;
}

function isDiscard(p: ParserState): boolean {
  return /^\s*=(?!=)/.test(p.source.slice(p.end, p.end + 80));
}

function parseDiscard(p: ParserState): Statement {
  const { start, end } = p;
  p.requires(24, '`_ =` is known', start, end);
  p.next();
  p.expect(T.assign, '=', 'after `_`');
  const value = parseExpression(p);
  return { kind: 'discard', start, end: p.endFrom(start), value };
}

/** `import "path";` at the top or in a block. */
export function parseImport(p: ParserState): Import {
  const { start } = p;
  p.next();
  if (p.code !== T.string) {
    p.unexpected('the path of an import as a string');
    return {
      kind: 'import',
      start,
      end: p.endFrom(start),
      path: { kind: 'string', start: p.start, end: p.start, value: '' },
    };
  }
  const path = parseString(p);
  p.expect(T.semicolon, ';', 'after the import');
  return { kind: 'import', start, end: p.endFrom(start), path };
}
