import type { Diagnostic, Fix } from '../diagnostic.ts';
import type { Node } from '../syntax/ast.ts';
import { nodesAt, type Analysis } from './analysis.ts';

export interface Action {
  readonly fix: Fix;
  /** What the fix makes go away; undefined for another way to write what is right already. */
  readonly diagnostic: Diagnostic | undefined;
}

/** The fixes of all diagnostics that touch a stretch of the script, and the other spelling of the word at its beginning. */
export function codeActions(analysis: Analysis, start: number, end: number): Action[] {
  const fixes = analysis.diagnostics
    .filter((diagnostic) => diagnostic.start <= end && start <= diagnostic.end)
    .flatMap((diagnostic) => (diagnostic.fixes ?? []).map((fix) => ({ fix, diagnostic })));
  const titles = new Set(fixes.map(({ fix }) => fix.title));
  const rewrites = nodesAt(analysis, start)
    .flatMap((node) => otherSpelling(analysis, node) ?? [])
    .filter((fix) => !titles.has(fix.title));
  return [...fixes, ...rewrites.map((fix) => ({ fix, diagnostic: undefined }))];
}

/** Words that newer releases write in another way, both of which they read: `BEGIN` and `begin`, `args->x` and `args.x`. */
function otherSpelling({ version }: Analysis, node: Node): Fix | undefined {
  if (node.kind === 'attach-point' && version >= 24) {
    const { start, end, text } = node.provider;
    const newText = otherCase[text];
    return newText === undefined
      ? undefined
      : { title: `Write \`${newText}\``, edits: [{ start, end, newText }] };
  }
  if (
    node.kind === 'field' &&
    version >= 19 &&
    node.object.kind === 'identifier' &&
    node.object.name === 'args'
  ) {
    const newText = node.arrow ? '.' : '->';
    const { start, end } = node.operatorSpan;
    return { title: `Write \`args${newText}${node.field.text}\``, edits: [{ start, end, newText }] };
  }
  return undefined;
}

const otherCase: Readonly<Record<string, string | undefined>> = {
  BEGIN: 'begin',
  END: 'end',
  begin: 'BEGIN',
  end: 'END',
};
