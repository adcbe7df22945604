import { T } from '../syntax/codes.ts';
import { exists } from '../tables/entry.ts';
import { functionByName } from '../tables/functions.ts';
import type { Analysis } from './analysis.ts';

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
  const call = callAround(analysis, offset);
  if (call === undefined) return undefined;
  const { name, active } = call;
  const own = ownSignature(analysis, name);
  if (own !== undefined) return { signatures: [own], activeSignature: 0, activeParameter: active };
  const word = functionByName.get(name);
  if (word === undefined) return undefined;
  const usable = word.signatures.filter((signature) => exists(signature, analysis.version));
  const known = usable.length > 0 ? usable : word.signatures;
  const signatures = known.map(({ label }) => ({ label, parameters: parameterSpans(label), doc: word.doc }));
  const activeSignature = Math.max(
    0,
    known.findIndex((signature) => active < Math.max(1, signature.max)),
  );
  const count = signatures[activeSignature]?.parameters.length ?? 0;
  // The last parameter of functions such as printf stands for all that follow.
  return { signatures, activeSignature, activeParameter: Math.min(active, Math.max(0, count - 1)) };
}

/** The innermost call whose parenthesis is open at the place; by tokens, because calls are mostly unfinished here. */
function callAround(
  { source, parsed: { tokens } }: Analysis,
  offset: number,
): { readonly name: string; readonly active: number } | undefined {
  let depth = 0;
  let active = 0;
  let index = tokens.indexAt(offset);
  while (index > 0 && (index >= tokens.count || tokens.start(index) >= offset)) index--;
  if (index < tokens.count && tokens.end(index) > offset) index--;
  for (; index > 0; index--) {
    const code = tokens.code(index);
    if (code === T.rightParen || code === T.rightBracket) depth++;
    else if (code === T.leftBracket) depth--;
    else if (code === T.comma && depth === 0) active++;
    else if (code === T.semicolon || code === T.leftBrace || code === T.rightBrace) return undefined;
    else if (code === T.leftParen && --depth < 0) {
      if (tokens.code(index - 1) >= T.word)
        return { name: source.slice(tokens.start(index - 1), tokens.end(index - 1)), active };
      // Parentheses of a tuple or a grouping: what stands before them counts again.
      depth = 0;
      active = 0;
    }
  }
  return undefined;
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
