import type { CallRule } from './call-rules.ts';
import { wrongType } from './calls.ts';
import { checkComptime } from './comptime.ts';
import { constant, isLiteral, isTrue } from './fold.ts';
import { isOpen } from './types.ts';

const textLiteral: CallRule = (state, call) => {
  const [argument] = call.args;
  if (argument === undefined || argument.kind === 'broken-expression') return;
  const known = constant(state, argument)?.kind;
  if (isLiteral(state, argument) && (known === undefined || known === 'string')) return;
  state.report.error(argument, 'literal-required', `\`${call.callee.text}()\` takes a string literal.`);
};

const task: CallRule = (state, call, types) => {
  const [type] = types;
  if (type === undefined || isOpen(type) || type.kind === 'pointer' || type.kind === 'struct') return;
  wrongType(state, call.args[0] ?? call, call.callee.text, 0, type, 'a pointer to a `task_struct`');
};

const truth: CallRule = (state, call, types) => {
  const [type] = types;
  const [argument] = call.args;
  if (type === undefined || argument === undefined || isOpen(type)) return;
  if (type.kind !== 'integer' && type.kind !== 'boolean' && type.kind !== 'pointer') {
    wrongType(state, argument, call.callee.text, 0, type, 'a condition');
    return;
  }
  if (call.callee.text !== 'static_assert') return;
  const known = constant(state, argument);
  if (known !== undefined && !isTrue(known))
    state.report.error(call, 'argument-value', 'This condition does not hold.');
  else if (known === undefined) checkComptime(state, argument);
};

/** What functions of the library, written in bpftrace itself, ask of their arguments. */
export const libraryRules: Readonly<Record<string, CallRule>> = {
  assert: truth,
  static_assert: truth,
  kfunc_exist: textLiteral,
  kfunc_allowed: textLiteral,
  ppid: task,
  pcomm: task,
  leader_tid: task,
  leader_comm: task,
};
