import { parsePrototype } from '../../../protocol/catalog.ts';
import type { AttachPoint } from '../syntax/ast.ts';
import { probeWordByName } from '../tables/probes.ts';
import type { StructField } from './c-types.ts';
import type { State } from './state.ts';
import { wildcardPattern } from './attach-points.ts';
import type { Type } from './types.ts';

export interface ArgumentMembers {
  /** As messages name it: `tracepoint:sched:sched_switch`. */
  readonly owner: string;
  readonly fields: ReadonlyMap<string, StructField>;
}

/**
 * The named arguments of each attach point of the probe, from the catalog; undefined when one of them is not known.
 * A field has to exist for all of them.
 */
export function argumentMembers(state: State): readonly ArgumentMembers[] | undefined {
  if (state.catalog === undefined || state.probe === undefined) return undefined;
  const all: ArgumentMembers[] = [];
  for (const point of state.probe.node.attachPoints) {
    if (point.provider.text === '') continue;
    const members = membersOf(state, point);
    if (members === undefined) return undefined;
    all.push(...members);
  }
  return all;
}

function membersOf(state: State, point: AttachPoint): ArgumentMembers[] | undefined {
  const type = probeWordByName.get(point.provider.text)?.type;
  const texts = point.parts.map((part) => part.text);
  if (type === 'tracepoint') return tracepointMembers(state, texts);
  if (type !== 'fentry' && type !== 'fexit') return undefined;
  const name = texts.at(-1) ?? '';
  const text = state.catalog?.functions.get(name);
  const prototype = text === undefined ? undefined : parsePrototype(text);
  if (prototype === undefined) return undefined;
  const fields = new Map<string, StructField>();
  for (const parameter of prototype.parameters)
    fields.set(parameter.name, { name: parameter.name, type: state.c.parseDeclared(parameter.type) });
  return [{ owner: name, fields }];
}

function tracepointMembers(state: State, texts: readonly string[]): ArgumentMembers[] | undefined {
  const [category = '', event = ''] = texts;
  const found: ArgumentMembers[] = [];
  const categories = wildcardPattern(category);
  const events = wildcardPattern(event);
  for (const [name, group] of Object.entries(state.catalog?.tracepoints ?? {})) {
    if (!categories.test(name)) continue;
    for (const [member, text] of Object.entries(group))
      if (events.test(member))
        found.push({ owner: `tracepoint:${name}:${member}`, fields: state.c.membersOf(text).fields });
  }
  return found.length === 0 ? undefined : found;
}

/** What a kernel function returns, for `retval` of fentry and fexit; undefined when it is not known. */
export function returnType(state: State): Type | undefined {
  const point = state.probe?.node.attachPoints[0];
  const name = point?.parts.at(-1)?.text ?? '';
  const text = state.catalog?.functions.get(name);
  const prototype = text === undefined ? undefined : parsePrototype(text);
  return prototype === undefined ? undefined : state.c.parseDeclared(prototype.returnType);
}
