import type { Span } from '../diagnostic.ts';
import type { Block, Expression, For, If, Jump, Statement } from '../syntax/ast.ts';
import { keywordByName } from '../tables/words.ts';
import { checkAssignment, checkDeclaration } from './assignments.ts';
import { typeNodeType } from './casts.ts';
import { checkCall } from './calls.ts';
import { checkCondition, checkTernaryStatement, typeOf } from './expressions.ts';
import { leavesEarly } from './flow.ts';
import { constant, constantInteger, isLiteral, isTrue, knownCondition } from './fold.ts';
import { resolveMap, undefinedMap } from './maps.ts';
import { warnDeprecated } from './names.ts';
import type { State } from './state.ts';
import {
  isInteger,
  isMultiValue,
  isOpen,
  promoteRange,
  typeName,
  unknown,
  voidType,
  type IntegerType,
  type Type,
} from './types.ts';
import { declare, findVariable, popScope, pushScope } from './variables.ts';

/** Checks a block in a scope of its own (or the caller's); the type of its last expression, if it has one. */
export function checkBlock(state: State, block: Block, ownScope = true): Type | undefined {
  if (ownScope) pushScope(state, block);
  let ended: Jump | undefined;
  for (const statement of block.statements) {
    if (ended !== undefined) {
      warnUnreachable(state, ended, statement);
      ended = undefined;
    }
    checkStatement(state, statement);
    if (statement.kind === 'jump') ended = statement;
  }
  if (ended !== undefined && block.result !== undefined) warnUnreachable(state, ended, block.result);
  const result = block.result === undefined ? undefined : resultType(state, block.result);
  const type = state.version >= 25 && leavesEarly(block) ? undefined : result;
  if (ownScope) popScope(state);
  return type;
}

function resultType(state: State, result: Expression): Type {
  if (result.kind === 'call') return checkCall(state, result, 'statement').type;
  return typeOf(state, result);
}

function warnUnreachable(
  state: State,
  jump: Jump,
  next: { readonly start: number; readonly end: number },
): void {
  state.report.warning(next, 'unreachable', `Nothing after \`${jump.keyword}\` runs.`, {
    tags: ['unnecessary'],
  });
}

function checkStatement(state: State, statement: Statement): void {
  switch (statement.kind) {
    case 'expression-statement':
      checkExpressionStatement(state, statement.expression);
      return;
    case 'assignment':
      checkAssignment(state, statement);
      return;
    case 'variable-declaration':
      checkDeclaration(state, statement);
      return;
    case 'discard':
      typeOf(state, statement.value);
      return;
    case 'jump':
      checkJump(state, statement);
      return;
    case 'while':
      warnWhile(state, statement);
      typeOf(state, statement.condition);
      inLoop(state, 'while', () => checkBlock(state, statement.body));
      return;
    case 'unroll':
      checkUnroll(state, statement.count);
      inLoop(state, 'unroll', () => checkBlock(state, statement.body));
      return;
    case 'for':
      checkFor(state, statement);
      return;
    case 'if':
      checkIf(state, statement);
      return;
    case 'block':
      checkBlock(state, statement);
      return;
    case 'import':
      if (state.version >= 25 && !state.features.has('unstable_import_statement'))
        state.report.error(statement, 'not-in-version', '`import` stands outside of probes.', {
          hint: 'Move it to the top of the script.',
        });
      return;
    case 'broken-statement':
      return;
  }
}

function inLoop(state: State, loop: State['loops'][number], body: () => void): void {
  state.loops.push(loop);
  body();
  state.loops.pop();
}

function checkExpressionStatement(state: State, expression: Expression): void {
  if (expression.kind === 'ternary') {
    checkTernaryStatement(state, expression);
    return;
  }
  const type =
    expression.kind === 'call' ? checkCall(state, expression, 'statement').type : typeOf(state, expression);
  const isAction = ['call', 'update', 'if', 'block', 'broken-expression', 'comptime'].includes(
    expression.kind,
  );
  const isMacro = expression.kind === 'identifier' && (state.macros.has(expression.name) || isOpen(type));
  if (!isAction && !isMacro && type.kind !== 'void' && !isOpen(type))
    state.report.hint(expression, 'unused-value', 'This value is not used.', { tags: ['unnecessary'] });
}

function checkIf(state: State, statement: If): void {
  const { condition } = statement;
  const type = typeOf(state, condition);
  const known = knownCondition(state, condition);
  if (known === undefined) checkCondition(state, condition, type, 22);
  if (known === undefined || isTrue(known)) checkBlock(state, statement.then);
  if (statement.else === undefined || (known !== undefined && isTrue(known))) return;
  if (statement.else.kind === 'if') checkIf(state, statement.else);
  else checkBlock(state, statement.else);
}

/** Upstream deprecates `while` from 0.25 on; only the word is marked. */
function warnWhile(state: State, { start }: Span): void {
  const word = keywordByName.get('while');
  if (word !== undefined) warnDeprecated(state, { start, end: start + word.name.length }, '`while`', word);
}

function checkJump(state: State, statement: Jump): void {
  const value = statement.value === undefined ? undefined : typeOf(state, statement.value);
  if (statement.keyword === 'return') {
    checkReturn(state, statement, value);
    return;
  }
  // An `unroll` is none up to 0.23, and no longer one from 0.25 on (change 4587)
  const around = state.loops.filter((loop) => loop !== 'unroll' || state.version === 24);
  if (around.length === 0)
    state.report.error(statement, 'loop-only', `\`${statement.keyword}\` has to stand in a loop.`);
  else if (around.at(-1) === 'for' && state.version < 24) notInFor(state, statement);
}

function notInFor(state: State, statement: Jump): void {
  state.report.error(
    statement,
    'loop-only',
    `\`${statement.keyword}\` cannot leave a \`for\` loop before 0.24.`,
  );
}

function checkReturn(state: State, statement: Jump, value: Type | undefined): void {
  if (state.loops.includes('for') && state.version < 24) {
    notInFor(state, statement);
    return;
  }
  if (state.subprogram !== undefined) {
    const declared = typeNodeType(state, state.subprogram.returnType, 'quiet');
    const given = value ?? voidType;
    if (isOpen(declared) || isOpen(given)) return;
    if (!returnFits(state, declared, given, statement.value))
      state.report.error(
        statement,
        'return-value',
        `The function returns ${typeName(declared)}; this is ${typeName(given)}.`,
      );
    return;
  }
  if (value !== undefined && state.version >= 25 && !isOpen(value) && value.kind !== 'integer')
    state.report.error(
      statement.value ?? statement,
      'return-value',
      `A probe returns an integer; this is ${typeName(value)}.`,
    );
}

/** Up to 0.24 the two types have to be the same; from 0.25 on the value has to fit. */
function returnFits(state: State, declared: Type, given: Type, value: Expression | undefined): boolean {
  if (declared.kind === 'integer' && given.kind === 'integer') {
    if (state.version < 25) return declared.bits === given.bits && declared.signed === given.signed;
    const literal = value === undefined ? undefined : constantInteger(state, value);
    if (literal !== undefined) return literal === toBits(literal, declared);
    return given.signed === declared.signed
      ? given.bits <= declared.bits
      : declared.signed && given.bits < declared.bits;
  }
  if (declared.kind === 'string' && given.kind === 'string')
    return declared.size === given.size || (state.version >= 25 && declared.size > given.size);
  return declared.kind === given.kind;
}

/** What is left of a number in an integer of this width. */
const toBits = (value: bigint, { bits, signed }: IntegerType): bigint =>
  signed ? BigInt.asIntN(bits, value) : BigInt.asUintN(bits, value);

function checkUnroll(state: State, count: Expression): void {
  const type = typeOf(state, count);
  const value = constantInteger(state, count);
  if (value === undefined) {
    if (count.kind !== 'broken-expression' && !isLiteral(state, count) && !(type.kind === 'unknown'))
      state.report.error(
        count,
        'literal-required',
        'The number of an `unroll` has to be an integer literal.',
        { hint: 'Use `while` or `for` for a number that varies.' },
      );
    else if (constant(state, count) !== undefined)
      state.report.error(
        count,
        'literal-required',
        'The number of an `unroll` has to be an integer literal.',
      );
    return;
  }
  if (value < 1n || value > 100n)
    state.report.error(count, 'argument-value', `An \`unroll\` repeats 1 … 100 times; this says ${value}.`);
}

function checkFor(state: State, statement: For): void {
  const { variable, iterable } = statement;
  const earlier = findVariable(state, variable.name);
  if (earlier !== undefined)
    state.report.error(
      variable,
      'shadowing',
      `${variable.name} exists already; the loop's variable cannot hide it.`,
      {
        related: [
          {
            start: earlier.declaredAt.start,
            end: earlier.declaredAt.end,
            message: 'It is first assigned here.',
          },
        ],
      },
    );
  const type = iterable.kind === 'range' ? rangeType(state, iterable) : iterableType(state, iterable);
  pushScope(state, statement);
  declare(state, variable.name, variable, type, { assigned: true, fixed: false });
  inLoop(state, 'for', () => checkBlock(state, statement.body));
  popScope(state);
}

function rangeType(state: State, range: For['iterable'] & { kind: 'range' }): Type {
  const [from, to] = [typeOf(state, range.from), typeOf(state, range.to)];
  for (const [type, side] of [
    [from, range.from],
    [to, range.to],
  ] as const)
    if (!isOpen(type) && !isInteger(type))
      state.report.error(
        side,
        'loop-value',
        `The bounds of a range are integers; this is ${typeName(type)}.`,
      );
  return isInteger(from) && isInteger(to) ? promoteRange(from, to) : unknown;
}

function iterableType(state: State, iterable: Expression): Type {
  if (iterable.kind !== 'map') {
    typeOf(state, iterable);
    if (iterable.kind !== 'broken-expression')
      state.report.error(iterable, 'loop-value', '`for` goes over a map or a range.');
    return unknown;
  }
  const map = resolveMap(state, iterable);
  if (map === undefined) return unknown;
  if (iterable.keys !== undefined) {
    for (const key of iterable.keys) typeOf(state, key);
    state.report.error(iterable, 'loop-value', '`for` goes over a whole map, without a key.');
    return unknown;
  }
  if (map.shape === 'scalar') {
    state.report.error(iterable, 'loop-value', `${map.name} has no keys; there is nothing to go over.`);
    return unknown;
  }
  map.shape ??= state.version >= 24 ? 'keyed' : undefined;
  if (
    state.final &&
    map.value.kind === 'none' &&
    !(state.version >= 25 && (map.firstAssigned !== undefined || map.accessed))
  )
    undefinedMap(state, map, iterable);
  if (isMultiValue(map.value)) {
    state.report.error(
      iterable,
      'loop-value',
      `${map.name} holds ${typeName(map.value)}, which \`for\` cannot go over.`,
      { hint: 'Print the whole map.' },
    );
    return unknown;
  }
  if (isOpen(map.value) && isOpen(map.key)) return { kind: 'none' };
  return { kind: 'tuple', elements: [map.key, map.value] };
}
