import type { ExpressionCompletion, ScopeVariable } from '../../protocol/logpoint.ts';
import { asProblem } from '../../protocol/errors.ts';
import type { Type } from '../symbols/dwarf/types.ts';
import { stripped } from '../symbols/dwarf/types.ts';
import { Checker, typeOfValue } from '../symbols/expression/check.ts';
import { containerOf } from '../symbols/expression/containers.ts';
import { parseExpression } from '../symbols/expression/parser.ts';
import { readingOf } from '../symbols/expression/reading.ts';
import type { Scope } from '../symbols/expression/scope.ts';
import { builtins, findMember, isPointer, memberNames } from '../symbols/expression/value.ts';

/** The variables of a scope, inner ones hiding outer ones of the same name, with the reason where one cannot be read. */
export function variablesOf(scope: Scope): ScopeVariable[] {
  const seen = new Set<string>();
  const found: ScopeVariable[] = [];
  for (const { name, kind, type } of scope.variables) {
    if (name === '' || seen.has(name)) continue;
    seen.add(name);
    const unavailable = whyUnavailable(scope, name);
    found.push({ name, kind, type: type().name, ...(unavailable === undefined ? {} : { unavailable }) });
  }
  return found;
}

function whyUnavailable(scope: Scope, name: string): ScopeVariable['unavailable'] {
  try {
    const expression = parseExpression(name);
    const checker = new Checker(scope);
    readingOf(checker, checker.check(expression), expression);
    return undefined;
  } catch (error) {
    return asProblem(error);
  }
}

/**
 * What may stand at `offset` of `text`: inside braces of a template, anywhere in a condition. Behind `.` and `->` the
 * members of what stands before.
 */
export function completionsAt(
  scope: Scope,
  text: string,
  offset: number,
  field: 'template' | 'condition',
): ExpressionCompletion[] {
  const start = field === 'condition' ? 0 : expressionStart(text, offset);
  if (start === undefined) return [];
  const before = text.slice(start, offset);
  const [, object, word = ''] = /^(.*?)(?:\.|->)\s*(\w*)$/s.exec(before) ?? [
    undefined,
    undefined,
    /[\w$]*$/.exec(before)?.[0],
  ];
  const from = offset - word.length;
  const to = offset + (/^\w*/.exec(text.slice(offset))?.[0].length ?? 0);
  if (object !== undefined) return members(scope, lastOperand(object), from, to);
  return [
    ...variablesOf(scope)
      .filter(({ unavailable }) => unavailable === undefined)
      .map(({ name, type }): ExpressionCompletion => ({
        label: name,
        detail: type,
        kind: 'variable',
        from,
        to,
      })),
    ...builtins.map((name): ExpressionCompletion => ({
      label: name,
      detail: builtinDetail[name],
      kind: 'builtin',
      from,
      to,
    })),
  ];
}

const builtinDetail: Readonly<Record<(typeof builtins)[number], string>> = {
  $pid: 'process',
  $tid: 'thread',
  $cpu: 'processor',
  $comm: "the thread's name",
  $time: 'nanoseconds since boot (CLOCK_MONOTONIC)',
};

/** Offset behind the brace that is open at `offset`; undefined in the text between. */
function expressionStart(text: string, offset: number): number | undefined {
  let open: number | undefined;
  for (let at = 0; at < offset; at++) {
    const two = text.slice(at, at + 2);
    if (open === undefined && (two === '{{' || two === '}}')) at++;
    else if (text[at] === '{') open = at + 1;
    else if (text[at] === '}') open = undefined;
  }
  return open;
}

/** The operand at the end: `req->header` of `n + req->header`. */
function lastOperand(text: string): string {
  let depth = 0;
  let at = text.length;
  while (at > 0) {
    const character = text[at - 1] ?? '';
    if (character === ')' || character === ']') depth++;
    else if (character === '(' || character === '[') {
      if (depth === 0) break;
      depth--;
    } else if (depth === 0 && !/[\w.:$\s>-]/.test(character)) break;
    else if (depth === 0 && character === '-' && text[at] !== '>') break;
    else if (depth === 0 && character === '>' && text[at - 2] !== '-') break;
    at--;
  }
  return text.slice(at).trim();
}

function members(scope: Scope, object: string, from: number, to: number): ExpressionCompletion[] {
  let type: Type | undefined;
  try {
    type = typeOfValue(new Checker(scope).check(parseExpression(object)));
  } catch {
    return [];
  }
  if (type === undefined) return [];
  const plain = stripped(type);
  const target = isPointer(plain) ? plain.target() : type;
  const found = memberNames(target).map((name): ExpressionCompletion => ({
    label: name,
    detail: findMember(target, name)?.member.type().name ?? '',
    kind: 'member',
    from,
    to,
  }));
  return containerOf(target) === undefined
    ? found
    : [{ label: 'size', detail: 'number of elements', kind: 'member', from, to }, ...found];
}
