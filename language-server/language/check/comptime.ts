import type { Expression } from '../syntax/ast.ts';
import { constant } from './fold.ts';
import type { State } from './state.ts';

/** Reports what `comptime` cannot know. */
export function checkComptime(state: State, operand: Expression): void {
  if (isKnownLater(state, operand)) return;
  if (constant(state, operand) === undefined && state.final)
    state.report.error(operand, 'literal-required', 'This is not known when the script is compiled.', {
      hint: '`comptime` takes literals and what is computed from them and from types.',
    });
}

/** Values of the moment at which the probe fires. */
const onlyWhenRunning: ReadonlySet<string> = new Set(
  'pid tid comm nsecs cpu uid gid cgroup curtask rand elapsed kstack ustack retval ctx jiffies username ppid pcomm'.split(
    ' ',
  ),
);

/** Types, sizes and macros of the library are known to bpftrace though not to us. */
function isKnownLater(state: State, expression: Expression): boolean {
  switch (expression.kind) {
    case 'sizeof':
    case 'offsetof':
    case 'typeinfo':
    case 'call':
    case 'if':
    case 'block':
    case 'broken-expression':
    case 'positional':
    case 'parameter-count':
      return true;
    case 'identifier':
      return !onlyWhenRunning.has(expression.name);
    case 'field':
      return expression.object.kind !== 'cast' && isKnownLater(state, expression.object);
    case 'unary':
      return isKnownLater(state, expression.operand) || constant(state, expression) !== undefined;
    case 'cast':
      if (expression.type.kind === 'pointer-type') return false;
      return isKnownLater(state, expression.operand) || constant(state, expression.operand) !== undefined;
    case 'array-access':
      return isKnownLater(state, expression.object) || constant(state, expression.object) !== undefined;
    case 'binary': {
      const known = (side: Expression): boolean =>
        isKnownLater(state, side) || constant(state, side) !== undefined;
      return known(expression.left) && known(expression.right);
    }
    case 'tuple':
      return expression.elements.every(
        (item) => isKnownLater(state, item) || constant(state, item) !== undefined,
      );
    default:
      return false;
  }
}
