import type { Call } from '../syntax/ast.ts';
import { T } from '../syntax/codes.ts';
import { exists } from '../tables/entry.ts';
import { functionByName } from '../tables/functions.ts';
import { nodesAt, type Analysis } from './analysis.ts';

export interface SignatureHelp {
  readonly signatures: readonly {
    readonly label: string;
    readonly parameters: readonly (readonly [number, number])[];
    readonly doc: string;
  }[];
  readonly activeSignature: number;
  readonly activeParameter: number;
}

/** The ways to call the function around a place, and the argument that stands there. */
export function signatureHelp(analysis: Analysis, offset: number): SignatureHelp | undefined {
  const call = nodesAt(analysis, offset).findLast(
    (node): node is Call =>
      node.kind === 'call' &&
      offset > node.callee.end &&
      offset <= node.end &&
      !isBehind(analysis, node, offset),
  );
  if (call === undefined) return undefined;
  const active = argumentAt(analysis, call, offset);
  const own = ownSignature(analysis, call.callee.text);
  if (own !== undefined) return { signatures: [own], activeSignature: 0, activeParameter: active };
  const word = functionByName.get(call.callee.text);
  if (word === undefined) return undefined;
  const usable = word.signatures.filter((signature) => exists(signature, analysis.version));
  const known = usable.length > 0 ? usable : word.signatures;
  const signatures = known.map((signature) => ({
    label: signature.label,
    parameters: parameterSpans(signature.label),
    doc: word.doc,
  }));
  const fitting = known.findIndex((signature) => active < Math.max(1, signature.max));
  const activeSignature = Math.max(0, fitting);
  const count = signatures[activeSignature]?.parameters.length ?? 0;
  // The last parameter of functions such as printf stands for all that follow.
  return { signatures, activeSignature, activeParameter: Math.min(active, Math.max(0, count - 1)) };
}

function isBehind({ source }: Analysis, call: Call, offset: number): boolean {
  return offset === call.end && source.charAt(call.end - 1) === ')';
}

/** Commas between the call's parenthesis and the place, those of inner calls not counted. */
function argumentAt({ parsed: { tokens } }: Analysis, call: Call, offset: number): number {
  let depth = 0;
  let commas = 0;
  for (
    let index = tokens.indexAt(call.callee.end);
    index < tokens.count && tokens.start(index) < offset;
    index++
  ) {
    const code = tokens.code(index);
    if (code === T.leftParen || code === T.leftBracket) depth++;
    else if (code === T.rightParen || code === T.rightBracket) depth--;
    else if (code === T.comma && depth === 1) commas++;
  }
  return commas;
}

function ownSignature(analysis: Analysis, name: string): SignatureHelp['signatures'][number] | undefined {
  for (const item of analysis.parsed.program.items) {
    if ((item.kind !== 'macro' && item.kind !== 'subprogram') || item.name.text !== name) continue;
    const parameters = item.parameters.map((parameter) =>
      analysis.source.slice(parameter.start, parameter.end),
    );
    const label = `${name}(${parameters.join(', ')})`;
    return { label, parameters: parameterSpans(label), doc: '' };
  }
  return undefined;
}

/** Where the parameters stand in a label such as `hist(n, [bits])`. */
export function parameterSpans(label: string): [number, number][] {
  const open = label.indexOf('(');
  const close = label.lastIndexOf(')');
  if (open < 0 || close <= open + 1) return [];
  const spans: [number, number][] = [];
  let from = open + 1;
  for (let at = from; at <= close; at++) {
    if (at !== close && label.charAt(at) !== ',') continue;
    const text = label.slice(from, at);
    const start = from + (text.length - text.trimStart().length);
    spans.push([start, from + text.trimEnd().length]);
    from = at + 1;
  }
  return spans;
}
