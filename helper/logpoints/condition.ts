import type { FetchPlan, Evaluate } from '../engines/tracefs/fetch.ts';
import { Checker } from '../symbols/expression/check.ts';
import type { Expression } from '../symbols/expression/ast.ts';
import { ExpressionError } from '../symbols/expression/problem.ts';
import { readingOf } from '../symbols/expression/reading.ts';
import type { Scope } from '../symbols/expression/scope.ts';
import { compileShow, type HitFacts } from '../engines/tracefs/show.ts';
import { signed, type Term } from '../symbols/values/term.ts';
import type { Hit } from '../engines/tracefs/fetch.ts';

/** Whether a hit is wanted; undefined when what decides could not be read. */
export type Holds = (hit: Hit, facts: HitFacts) => boolean | undefined;

/** A condition, evaluated by us at each record; `filter` keeps most of the others out of the ring buffer already. */
export interface Condition {
  readonly holds: Holds;
  /** In the kernel's language with `$N` for arguments; undefined when the kernel cannot decide it. */
  readonly filter?: string;
}

export function compileCondition(plan: FetchPlan, scope: Scope, expression: Expression): Condition {
  const checker = new Checker(scope);
  return compile(plan, checker, expression);
}

function compile(plan: FetchPlan, checker: Checker, expression: Expression): Condition {
  if (expression.kind === 'binary' && (expression.operator === '&&' || expression.operator === '||'))
    return combine(
      expression.operator,
      compile(plan, checker, expression.left),
      compile(plan, checker, expression.right),
    );
  if (expression.kind === 'binary' && (expression.operator === '==' || expression.operator === '!=')) {
    const text =
      textComparison(plan, checker, expression.left, expression.right) ??
      textComparison(plan, checker, expression.right, expression.left);
    if (text !== undefined) {
      const equal = expression.operator === '==';
      return {
        holds: (hit, facts) => {
          const same = text(hit, facts);
          return same === undefined ? undefined : same === equal;
        },
      };
    }
  }
  const { term } = checker.operand(expression);
  const value: Evaluate<bigint> = plan.number(term);
  const filter = filterOf(plan, term);
  return {
    holds: (hit) => {
      const result = value(hit);
      return result === undefined ? undefined : result !== 0n;
    },
    ...(filter === undefined ? {} : { filter }),
  };
}

function combine(operator: '&&' | '||', left: Condition, right: Condition): Condition {
  const decisive = operator === '||';
  const filter =
    left.filter !== undefined && right.filter !== undefined
      ? `(${left.filter}) ${operator} (${right.filter})`
      : undefined;
  // A conjunction may be filtered by the half that the kernel can decide.
  const half = operator === '&&' ? (left.filter ?? right.filter) : undefined;
  const either = filter ?? half;
  return {
    holds: (hit, facts) => {
      const first = left.holds(hit, facts);
      if (first === decisive) return decisive;
      const second = right.holds(hit, facts);
      if (second === decisive) return decisive;
      return first === undefined || second === undefined ? undefined : !decisive;
    },
    ...(either === undefined ? {} : { filter: either }),
  };
}

/** `name == "text"`: compared with what would be shown. */
function textComparison(
  plan: FetchPlan,
  checker: Checker,
  value: Expression,
  text: Expression,
): Holds | undefined {
  if (text.kind !== 'string') return undefined;
  const reading = readingOf(checker, checker.check(value), value);
  const shown = compileShow(plan, reading);
  if (
    !['text', 'counted-text', 'characters'].includes(reading.kind) &&
    !(reading.kind === 'builtin' && reading.name === '$comm')
  )
    throw new ExpressionError(value, 'Only texts can be compared with a text.');
  return (hit, facts) => {
    const { data } = shown(hit, facts);
    return typeof data === 'string' ? data === text.value : undefined;
  };
}

const kernelOperators: Readonly<Record<string, string>> = {
  '==': '==',
  '!=': '!=',
  '<': '<',
  '<=': '<=',
  'u<': '<',
  'u<=': '<=',
};
const exchanged: Readonly<Record<string, string>> = { '==': '==', '!=': '!=', '<': '>', '<=': '>=' };

/** A comparison of one recorded number with a constant (kernel: Documentation/trace/events.rst, "Event filtering"). */
function filterOf(plan: FetchPlan, term: Term): string | undefined {
  if (term.op !== 'binary') return undefined;
  const operator = kernelOperators[term.operator];
  if (operator === undefined) return undefined;
  const [variable, constant, symbol] =
    term.right.op === 'constant'
      ? [term.left, term.right, operator]
      : [term.right, term.left, exchanged[operator]];
  if (constant.op !== 'constant' || variable.op === 'constant' || symbol === undefined) return undefined;
  const isSigned = variable.op === 'extend' && variable.signed;
  // A comparison by sign needs a field that has one, and the other way round.
  if (
    term.operator.startsWith('u')
      ? isSigned
      : symbol.startsWith('<') || symbol.startsWith('>')
        ? !isSigned
        : false
  )
    return undefined;
  const argument = plan.argumentOf(variable);
  if (argument === undefined) return undefined;
  const value = isSigned ? signed(constant.value) : constant.value;
  return value >= 1n << 63n ? undefined : `$${argument} ${symbol} ${value}`;
}
