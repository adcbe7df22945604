import type { Span } from '../diagnostic.ts';
import type { AttachPoint, Node } from '../syntax/ast.ts';
import { probeWordOf } from '../syntax/attach-point-rules.ts';
import { builtinByName } from '../tables/builtins.ts';
import { configByName } from '../tables/config.ts';
import type { Lifetime } from '../tables/entry.ts';
import { functionByName } from '../tables/functions.ts';
import { keywordByName, stackModeByName, typeByName } from '../tables/words.ts';
import { formatVersion } from '../version.ts';
import { nodesAt, probeAt, type Analysis } from './analysis.ts';
import { argumentFields, declaration, kernelPrototype, prototypeText, tracepointFields } from './kernel.ts';
import { membersOf } from './members.ts';
import { definitionAt, referenceAt, referencesOf } from './symbols.ts';

export interface Hover extends Span {
  /** Markdown. */
  readonly text: string;
}

/** What is known about the word at a place. */
export function hover(analysis: Analysis, offset: number): Hover | undefined {
  const nodes = nodesAt(analysis, offset);
  const point = nodes.find((node) => node.kind === 'attach-point');
  if (point !== undefined) return hoverAttachPoint(analysis, point);
  const node = nodes[nodes.length - 1];
  if (node === undefined) return undefined;
  const parent = nodes[nodes.length - 2];
  return (
    hoverNode(analysis, node, parent, offset) ?? hoverKeyword(analysis, offset) ?? hoverOwn(analysis, offset)
  );
}

const code = (text: string): string => `\`\`\`bpftrace\n${text}\n\`\`\``;
const c = (text: string): string => `\`\`\`c\n${text}\n\`\`\``;

function hoverNode(
  analysis: Analysis,
  node: Node,
  parent: Node | undefined,
  offset: number,
): Hover | undefined {
  const span = { start: node.start, end: node.end };
  if (node.kind === 'identifier') return hoverWord(analysis, node.name, span, offset);
  if (node.kind !== 'name') return undefined;
  if (parent?.kind === 'call') return hoverFunction(node.text, span);
  if (parent?.kind === 'field') return hoverField(analysis, node.text, parent, span);
  if (parent?.kind === 'config-entry') {
    const option = configByName.get(node.text);
    return option === undefined
      ? undefined
      : { ...span, text: `${code(node.text)}\n${option.doc}${lifetime(option)}` };
  }
  if (parent?.kind === 'named-type') return hoverType(analysis, parent.keyword, node.text, span);
  return undefined;
}

function hoverWord(analysis: Analysis, name: string, span: Span, offset: number): Hover | undefined {
  if (name === 'args') return hoverArgs(analysis, span, offset);
  const builtin = builtinByName.get(name);
  if (builtin !== undefined) {
    const probes =
      builtin.probes === undefined
        ? ''
        : `\n\nIn ${builtin.probes.map((one) => `\`${one}\``).join(', ')} probes.`;
    return { ...span, text: `${code(name)}\n${builtin.doc}${probes}${lifetime(builtin)}` };
  }
  const mode = stackModeByName.get(name);
  if (mode !== undefined) return { ...span, text: `${code(name)}\n${mode.doc}${lifetime(mode)}` };
  const constant = enumConstant(analysis, name);
  return constant === undefined ? undefined : { ...span, text: c(`${name} = ${constant}`) };
}

function enumConstant({ catalog }: Analysis, name: string): string | undefined {
  for (const constants of Object.values(catalog?.enums ?? {}))
    if (Object.hasOwn(constants, name)) return constants[name];
  return undefined;
}

function hoverArgs(analysis: Analysis, span: Span, offset: number): Hover {
  const fields = argumentFields(probeAt(analysis, offset), analysis.catalog, analysis.version);
  const doc = builtinByName.get('args')?.doc ?? 'The arguments of the probe.';
  const list =
    fields.length === 0
      ? ''
      : `\n${c(fields.map((field) => `${declaration(field.type, field.name)};`).join('\n'))}`;
  return { ...span, text: `${code('args')}\n${doc}${list}` };
}

function hoverFunction(name: string, span: Span): Hover | undefined {
  const word = functionByName.get(name);
  if (word === undefined) return undefined;
  const labels = word.signatures.map(
    (signature) =>
      signature.label + (signature.since === undefined ? '' : `  // since ${formatVersion(signature.since)}`),
  );
  const unsafe = word.unsafe === true ? '\n\nNeeds `--unsafe`.' : '';
  const async =
    word.asynchronous === true ? '\n\nRuns when bpftrace reads the event, not when the probe fires.' : '';
  return { ...span, text: `${code(labels.join('\n'))}\n${word.doc}${unsafe}${async}${lifetime(word)}` };
}

function hoverField(
  analysis: Analysis,
  name: string,
  parent: Extract<Node, { kind: 'field' }>,
  span: Span,
): Hover | undefined {
  const isArgs = parent.object.kind === 'identifier' && parent.object.name === 'args';
  const members = isArgs
    ? argumentFields(probeAt(analysis, span.start), analysis.catalog, analysis.version)
    : membersOf(analysis, analysis.structOf(parent.object) ?? '');
  const member = members?.find((one) => one.name === name);
  return member === undefined ? undefined : { ...span, text: c(`${declaration(member.type, name)};`) };
}

function hoverType(
  analysis: Analysis,
  keyword: string | undefined,
  name: string,
  span: Span,
): Hover | undefined {
  if (keyword === undefined) {
    const word = typeByName.get(name);
    return word === undefined ? undefined : { ...span, text: `${code(name)}\n${word.doc}${lifetime(word)}` };
  }
  const members = membersOf(analysis, `${keyword} ${name}`);
  if (members === undefined) return undefined;
  const shown = members.slice(0, 40).map((member) => `  ${declaration(member.type, member.name)};`);
  const more = members.length > shown.length ? [`  /* and ${members.length - shown.length} more */`] : [];
  return { ...span, text: c([`${keyword} ${name} {`, ...shown, ...more, '};'].join('\n')) };
}

function hoverAttachPoint(analysis: Analysis, point: AttachPoint): Hover | undefined {
  const word = probeWordOf(point.provider.text, analysis.version);
  if (word === undefined) return undefined;
  const parts = [`${code(word.form)}\n${word.doc}${lifetime(word)}`];
  if (word.type === 'tracepoint') {
    const fields = tracepointFields(point, analysis.catalog);
    if (fields !== undefined)
      parts.push(c(fields.map((field) => `${declaration(field.type, field.name)};`).join('\n')));
  } else if (['kprobe', 'kretprobe', 'fentry', 'fexit'].includes(word.type)) {
    const prototype = kernelPrototype(point, analysis.catalog);
    const name = point.parts[point.parts.length - 1]?.text ?? '';
    if (prototype !== undefined) parts.push(c(prototypeText(name, prototype)));
  }
  return { start: point.start, end: point.end, text: parts.join('\n\n') };
}

function hoverKeyword({ source }: Analysis, offset: number): Hover | undefined {
  let start = offset;
  while (/\w/.test(source.charAt(start - 1))) start--;
  const name = /^[a-z]\w*/.exec(source.slice(start, start + 40))?.[0] ?? '';
  const word = keywordByName.get(name);
  if (word === undefined || /[$@.]/.test(source.charAt(start - 1))) return undefined;
  return { start, end: start + name.length, text: `${code(name)}\n${word.doc}${lifetime(word)}` };
}

/** Variables, maps and the script's own functions: their type, and how often they are used. */
function hoverOwn(analysis: Analysis, offset: number): Hover | undefined {
  const references = referencesOf(analysis);
  const reference = referenceAt(references, offset);
  if (reference === undefined) return undefined;
  const definition = definitionAt(analysis, offset);
  const type = analysis.typeText(definition ?? reference);
  const uses = references.filter((one) => one.symbol === reference.symbol);
  const writes = uses.filter((one) => one.write).length;
  const head = type === undefined ? reference.name : `${reference.name} : ${type}`;
  const line =
    definition === undefined ? '' : `, first on line ${analysis.lines.lineOf(definition.start) + 1}`;
  return {
    start: reference.start,
    end: reference.end,
    text: `${code(head)}\nWritten ${writes} ×, read ${uses.length - writes} ×${line}.`,
  };
}

/** `Since 0.21. Removed in 0.25: use …` */
function lifetime(entry: Lifetime): string {
  const parts: string[] = [];
  if (entry.since !== undefined) parts.push(`Since bpftrace ${formatVersion(entry.since)}.`);
  if (entry.removed !== undefined) parts.push(`Removed in ${formatVersion(entry.removed)}.`);
  else if (entry.deprecated !== undefined) parts.push(`Deprecated since ${formatVersion(entry.deprecated)}.`);
  if (entry.instead !== undefined) parts.push(`Use \`${entry.instead}\` instead.`);
  return parts.length === 0 ? '' : `\n\n*${parts.join(' ')}*`;
}
