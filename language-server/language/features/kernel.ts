import { parseMembers, parsePrototype, type Member, type Prototype } from '../../../protocol/catalog.ts';
import type { KnownCatalog } from '../known-catalog.ts';
import type { AttachPoint, Probe } from '../syntax/ast.ts';
import { probeWordOf } from '../syntax/attach-point-rules.ts';
import type { ProbeTypeName } from '../tables/probes.ts';
import type { Version } from '../version.ts';

/** What the probe's attach points are, aliases resolved. */
export function probeTypes(probe: Probe | undefined, version: Version): Set<ProbeTypeName> {
  const types = new Set<ProbeTypeName>();
  for (const point of probe?.attachPoints ?? []) {
    const word = probeWordOf(point.provider.text, version);
    if (word !== undefined) types.add(word.type);
  }
  return types;
}

/** The fields of a tracepoint as the target's kernel has them, the common ones left out; the first match of a wildcard. */
export function tracepointFields(
  point: AttachPoint,
  catalog: KnownCatalog | undefined,
): Member[] | undefined {
  const [category, event] = point.parts;
  if (catalog === undefined || category === undefined || event === undefined) return undefined;
  for (const [name, events] of matching(catalog.tracepoints, category.text))
    for (const [eventName, members] of matching(events, event.text))
      if (name !== '' && eventName !== '')
        return parseMembers(members).filter((member) => !member.name.startsWith('common_'));
  return undefined;
}

function matching<Value>(table: Readonly<Record<string, Value>>, pattern: string): [string, Value][] {
  if (!pattern.includes('*')) {
    const value = Object.hasOwn(table, pattern) ? table[pattern] : undefined;
    return value === undefined ? [] : [[pattern, value]];
  }
  const pieces = pattern.split('*').map((piece) => piece.replace(/[^A-Za-z0-9_]/g, '\\$&'));
  const regex = new RegExp(`^${pieces.join('.*')}$`);
  return Object.entries(table).filter(([name]) => regex.test(name));
}

/** The prototype of the kernel function that a probe names. */
export function kernelPrototype(
  point: AttachPoint,
  catalog: KnownCatalog | undefined,
): Prototype | undefined {
  const name = point.parts[point.parts.length - 1]?.text.split('+')[0] ?? '';
  const text = catalog?.functions.get(name);
  return text === undefined ? undefined : parsePrototype(text);
}

/** Members of `struct x` or `union x`. */
export function structMembers(name: string, catalog: KnownCatalog | undefined): Member[] | undefined {
  const text =
    catalog !== undefined && Object.hasOwn(catalog.structs, name) ? catalog.structs[name] : undefined;
  return text === undefined ? undefined : parseMembers(text.slice(text.indexOf(':') + 1));
}

/** `ssize_t vfs_read(struct file *file, char *buf)` */
export function prototypeText(name: string, prototype: Prototype): string {
  const parameters = prototype.parameters.map((parameter) => declaration(parameter.type, parameter.name));
  return `${declaration(prototype.returnType, name)}(${parameters.length === 0 ? 'void' : parameters.join(', ')})`;
}

/** `char name[16]`, `struct file *name`. */
export function declaration(type: string, name: string): string {
  const array = /^(.*?)\s*((?:\[[^\]]*\])+)$/.exec(type);
  if (array !== null) return `${array[1] ?? ''} ${name}${array[2] ?? ''}`;
  return type.endsWith('*') ? `${type}${name}` : `${type} ${name}`;
}

/** The fields of `args` in this probe: of its tracepoint, or the parameters of its function. */
export function argumentFields(
  probe: Probe | undefined,
  catalog: KnownCatalog | undefined,
  version: Version,
): readonly { readonly type: string; readonly name: string }[] {
  for (const point of probe?.attachPoints ?? []) {
    const type = probeWordOf(point.provider.text, version)?.type;
    if (type === 'tracepoint') return tracepointFields(point, catalog) ?? [];
    if (type === 'fentry' || type === 'fexit') return kernelPrototype(point, catalog)?.parameters ?? [];
  }
  return [];
}
