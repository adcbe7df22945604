import type { Span } from '../diagnostic.ts';
import type {
  Assignment,
  Block,
  Expression,
  For,
  If,
  Jump,
  Statement,
  VariableDeclaration,
} from '../syntax/ast.ts';
import { aggregations, type AggregationName } from '../tables/aggregations.ts';
import { keywordByName } from '../tables/words.ts';
import { typeNodeType } from './casts.ts';
import { checkCall, type CheckedCall } from './calls.ts';
import { checkCondition, typeOf } from './expressions.ts';
import { leavesEarly } from './flow.ts';
import { constant, constantInteger, isLiteral, isTrue, knownCondition } from './fold.ts';
import { aggregate, assignMap, countMap, mapType, resolveMap, undefinedMap, useKeys } from './maps.ts';
import { warnDeprecated } from './names.ts';
import { combine } from './operators.ts';
import type { State } from './state.ts';
import {
  int64,
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
import { assignVariable, declare, findVariable, popScope, pushScope, variableType } from './variables.ts';

const aggregationNames: ReadonlySet<string> = new Set(aggregations.map((word) => word.name));

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
      if (state.version >= 26 && !state.features.has('unstable_import_statement'))
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
  const type =
    expression.kind === 'call' ? checkCall(state, expression, 'statement').type : typeOf(state, expression);
  const isAction = ['call', 'update', 'if', 'block', 'ternary', 'broken-expression', 'comptime'].includes(
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

/** What `sizeof`, `offsetof` and `typeof` look at never runs; from 0.25 on they refuse to set a map. */
function refuseUnevaluated(state: State, statement: Assignment): void {
  if (state.unevaluated > 0 && state.version >= 25 && statement.target.kind === 'map')
    state.report.error(
      statement,
      'unevaluated-assignment',
      `${statement.target.name} would never be set: only the type of this is looked at.`,
      { hint: 'Assign outside of `sizeof`, `offsetof` and `typeof`.' },
    );
}

function checkAssignment(state: State, statement: Assignment): void {
  const { target, value } = statement;
  if (statement.operator !== '=') {
    checkCompound(state, statement);
    return;
  }
  if (target.kind === 'map') {
    const map = resolveMap(state, target);
    if (map !== undefined && state.version < 24) useKeys(state, map, target);
    const isAggregation =
      value.kind === 'call' &&
      aggregationNames.has(value.callee.text) &&
      !state.macros.has(value.callee.text);
    if (isAggregation)
      assignAggregation(
        state,
        statement,
        target,
        checkCall(state, value, 'map-assignment'),
        value.callee.text as AggregationName,
      );
    else {
      refuseUnevaluated(state, statement);
      const type = typeOf(state, value);
      assignMap(state, target, type, statement, value);
    }
    if (map !== undefined && state.version >= 24) useKeys(state, map, target);
    return;
  }
  const type = typeOf(state, value);
  if (target.kind === 'variable') assignVariable(state, target, type, statement, value);
  else if (target.kind !== 'broken-expression') typeOf(state, target);
}

function assignAggregation(
  state: State,
  statement: Assignment,
  target: Assignment['target'] & { kind: 'map' },
  call: CheckedCall,
  name: AggregationName,
): void {
  if (call.word === undefined) return;
  aggregate(state, target, name, call.arguments[0], statement);
  const map = resolveMap(state, target);
  if (
    map === undefined ||
    statement.value.kind !== 'call' ||
    (name !== 'lhist' && name !== 'hist' && name !== 'tseries')
  )
    return;
  const bounds = statement.value.args
    .slice(1)
    .map((argument) => String(constantInteger(state, argument) ?? '?'))
    .join(', ');
  if (map.boundsPass !== state.pass || map.bounds === undefined) {
    map.bounds = bounds;
    map.boundsPass = state.pass;
  } else if (
    map.bounds.replace(/^$/, '0') !== bounds.replace(/^$/, '0') &&
    !bounds.includes('?') &&
    !map.bounds.includes('?')
  )
    state.report.error(
      statement.value,
      'argument-value',
      `All \`${name}()\` of one map have the same bounds; ${map.name} has (${map.bounds}) elsewhere.`,
    );
}

/** `x += y` is `x = x + y`; a map that was never assigned counts from 0. */
function checkCompound(state: State, statement: Assignment): void {
  const { target, value } = statement;
  const operator = statement.operator.slice(0, -1) as Parameters<typeof combine>[1]['operator'];
  if (target.kind === 'map') {
    refuseUnevaluated(state, statement);
    const map = resolveMap(state, target);
    const right = typeOf(state, value);
    if (
      map !== undefined &&
      map.value.kind === 'none' &&
      (right.kind === 'integer' || isOpen(right)) &&
      !isOpen(right)
    )
      countMap(state, map, target);
    const left = mapType(state, target);
    const type = combine(
      state,
      { operator, left: target, right: value, start: statement.start, end: statement.end },
      left,
      right,
    );
    assignMap(state, target, isOpen(left) ? int64 : type, statement, undefined);
    return;
  }
  const left = target.kind === 'variable' ? variableType(state, target) : typeOf(state, target);
  const right = typeOf(state, value);
  const type = combine(
    state,
    { operator, left: target, right: value, start: statement.start, end: statement.end },
    left,
    right,
  );
  if (target.kind === 'variable' && findVariable(state, target.name) !== undefined)
    assignVariable(state, target, type, statement, undefined);
}

function checkDeclaration(state: State, statement: VariableDeclaration): void {
  const { variable } = statement;
  const valueType = statement.value === undefined ? undefined : typeOf(state, statement.value);
  const declared = statement.type === undefined ? undefined : typeNodeType(state, statement.type);
  const earlier = findVariable(state, variable.name);
  if (state.frame?.variables.has(variable.name) === true) {
    state.report.error(variable, 'shadowing', `${variable.name} is a parameter of the macro already.`);
    return;
  }
  if (earlier !== undefined) {
    const isDeclared = earlier.byLet;
    state.report.error(
      variable,
      isDeclared ? 'shadowing' : 'declaration-order',
      isDeclared
        ? `${variable.name} is declared already; a variable cannot hide another one.`
        : `${variable.name} is used before it is declared here.`,
      {
        related: [
          {
            start: earlier.declaredAt.start,
            end: earlier.declaredAt.end,
            message: isDeclared ? 'It is declared here.' : 'It is first used here.',
          },
        ],
      },
    );
    return;
  }
  if (declared !== undefined && (declared.kind === 'aggregation' || declared.kind === 'void'))
    state.report.error(
      statement.type ?? variable,
      'map-function-only',
      `A variable cannot have the type ${typeName(declared)}.`,
    );
  const isSized =
    declared !== undefined &&
    !isOpen(declared) &&
    !((declared.kind === 'string' || declared.kind === 'buffer') && declared.size === 0);
  declare(state, variable.name, variable, declared ?? { kind: 'none' }, { byLet: true, fixed: isSized });
  if (valueType !== undefined) assignVariable(state, variable, valueType, statement, statement.value);
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
    !(state.version >= 25 && map.firstAssigned !== undefined) &&
    !(state.version >= 26 && map.accessed)
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
