import { builtinByName } from '../tables/builtins.ts';
import { functionByName } from '../tables/functions.ts';
import type { Node } from '../syntax/ast.ts';
import { T } from '../syntax/codes.ts';
import { walk } from '../syntax/walk.ts';
import type { Analysis } from './analysis.ts';

/** In this order they are numbered for the client. */
export const tokenTypes = [
  'namespace',
  'type',
  'struct',
  'parameter',
  'variable',
  'property',
  'function',
  'macro',
  'keyword',
  'comment',
  'string',
  'number',
  'operator',
  'enumMember',
] as const;
export const tokenModifiers = ['declaration', 'readonly', 'defaultLibrary', 'deprecated'] as const;
type TokenType = (typeof tokenTypes)[number];

export interface SemanticToken {
  readonly start: number;
  readonly end: number;
  readonly type: TokenType;
  readonly modifiers: readonly (typeof tokenModifiers)[number][];
}

/** What each token is, in the order of the source; multi-line comments are left to the grammar. */
export function semanticTokens(analysis: Analysis): SemanticToken[] {
  const { tokens } = analysis.parsed;
  const known = meanings(analysis);
  const result: SemanticToken[] = [];
  for (let index = 0; index < tokens.count; index++) {
    const start = tokens.start(index);
    const end = tokens.end(index);
    const code = tokens.code(index);
    const meaning = known.get(start);
    if (meaning !== undefined && code >= T.word) result.push({ start, end, ...meaning });
    else {
      const type = simple(code);
      if (type !== undefined) result.push({ start, end, type, modifiers: [] });
    }
  }
  return result;
}

function simple(code: number): TokenType | undefined {
  if (code > T.word) return 'keyword';
  switch (code) {
    case T.variable:
      return 'variable';
    case T.map:
      return 'property';
    case T.positional:
    case T.parameterCount:
      return 'parameter';
    case T.integer:
      return 'number';
    case T.string:
      return 'string';
    case T.attachPoint:
      return 'namespace';
    default:
      return undefined;
  }
}

type Meaning = Pick<SemanticToken, 'type' | 'modifiers'>;

function meanings(analysis: Analysis): Map<number, Meaning> {
  const result = new Map<number, Meaning>();
  const macros = new Set<string>();
  const constants = new Set<string>();
  const note = (start: number, type: TokenType, ...modifiers: SemanticToken['modifiers']): void => {
    result.set(start, { type, modifiers });
  };
  for (const item of analysis.parsed.program.items) {
    if (item.kind === 'macro') macros.add(item.name.text);
    if (item.kind === 'preprocessor' && item.macro !== undefined) macros.add(item.macro.text);
    if (item.kind === 'c-definition') for (const constant of item.constants) constants.add(constant.text);
  }
  walk(analysis.parsed.program, (node: Node) => {
    switch (node.kind) {
      case 'call':
        if (macros.has(node.callee.text)) note(node.callee.start, 'macro');
        else if (functionByName.has(node.callee.text)) note(node.callee.start, 'function', 'defaultLibrary');
        else note(node.callee.start, 'function');
        break;
      case 'identifier':
        if (macros.has(node.name)) note(node.start, 'macro');
        else if (constants.has(node.name)) note(node.start, 'enumMember', 'readonly');
        else if (builtinByName.has(node.name)) note(node.start, 'variable', 'readonly', 'defaultLibrary');
        else note(node.start, 'enumMember', 'readonly');
        break;
      case 'field':
        note(node.field.start, 'property');
        break;
      case 'named-type':
        note(node.name.start, node.keyword === undefined ? 'type' : 'struct');
        break;
      case 'subprogram':
        note(node.name.start, 'function', 'declaration');
        break;
      case 'macro':
        note(node.name.start, 'macro', 'declaration');
        break;
      case 'config-entry':
      case 'record-field':
        note(node.name.start, 'property');
        break;
      case 'c-definition':
        if (node.name !== undefined) note(node.name.start, 'struct', 'declaration');
        break;
      default:
    }
  });
  return result;
}
