import type { Block, If, Jump, Macro, Node, Statement } from '../syntax/ast.ts';
import type { State } from './state.ts';
import { walk } from './walk.ts';

type Leaves = (statement: Statement) => boolean;

const returns: Leaves = (statement) => statement.kind === 'jump' && statement.keyword === 'return';

/** From 0.25 on `exit()` is followed by a `return` that nobody wrote. */
const jumps: Leaves = (statement) =>
  statement.kind === 'jump' ||
  (statement.kind === 'expression-statement' &&
    statement.expression.kind === 'call' &&
    statement.expression.callee.text === 'exit');

/** Whether every way through a function's body ends in `return`. */
export const alwaysReturns = (block: Block): boolean => always(block, returns);

/** Whether the statements of a block leave it before its last expression is reached. */
export const leavesEarly = (block: Block): boolean =>
  block.statements.some((statement) => leaves(statement, jumps));

function always(block: Block, how: Leaves): boolean {
  return (
    block.statements.some((statement) => leaves(statement, how)) ||
    (block.result !== undefined && leavesAs(block.result, how))
  );
}

function leaves(statement: Statement, how: Leaves): boolean {
  if (how(statement)) return true;
  return leavesAs(statement.kind === 'expression-statement' ? statement.expression : statement, how);
}

function leavesAs(node: Node, how: Leaves): boolean {
  if (node.kind === 'block') return always(node, how);
  return node.kind === 'if' && bothLeave(node, how);
}

function bothLeave(statement: If, how: Leaves): boolean {
  const other = statement.else;
  if (other === undefined || !always(statement.then, how)) return false;
  return other.kind === 'if' ? bothLeave(other, how) : always(other, how);
}

/** From 0.25 on a macro contains no jump out of itself, whether it is called or not. */
export function checkMacroJumps(state: State, macro: Macro): void {
  if (state.version < 25) return;
  walk(macro.body, (node) => {
    if (node.kind === 'for' || node.kind === 'while') refuseReturns(state, node);
    else if (node.kind === 'jump') refuse(state, node);
    // Within loops only `return` leads out of the macro
    return node.kind !== 'for' && node.kind !== 'while';
  });
}

function refuseReturns(state: State, loop: Node): void {
  walk(loop, (node) => {
    if (node.kind === 'jump' && node.keyword === 'return') refuse(state, node);
    return undefined;
  });
}

function refuse(state: State, jump: Jump): void {
  state.report.error(jump, 'macro-definition', `\`${jump.keyword}\` cannot lead out of a macro.`, {
    hint: 'Let the macro have a value, and jump where it is called.',
  });
}
