import type { Catalog } from '../../../protocol/catalog.ts';
import type { Diagnostic, Span } from '../diagnostic.ts';
import { LineIndex } from '../lines.ts';
import type { Expression, Node, Probe } from '../syntax/ast.ts';
import { parse, type ParseResult } from '../syntax/parser.ts';
import { pathTo } from '../syntax/walk.ts';
import type { Version } from '../version.ts';

export interface AnalysisOptions {
  readonly version: Version;
  readonly catalog?: Catalog | undefined;
  readonly unsafe?: boolean | undefined;
}

/** A script with all that is known about it. Made anew for each version of the text; cheap enough for every key. */
export interface Analysis {
  readonly source: string;
  readonly version: Version;
  readonly lines: LineIndex;
  readonly parsed: ParseResult;
  readonly catalog: Catalog | undefined;
  /** Of parser and checker, sorted by place. */
  readonly diagnostics: readonly Diagnostic[];
  /** `struct x` that an expression is or points to, where the checker knows. */
  structOf(node: Expression): string | undefined;
  /** The type of what stands at a place, as a user reads it, where the checker knows. */
  typeText(span: Span): string | undefined;
}

export function analyse(source: string, options: AnalysisOptions): Analysis {
  const parsed = parse(source, { version: options.version });
  return {
    source,
    version: options.version,
    lines: new LineIndex(source),
    parsed,
    catalog: options.catalog,
    diagnostics: parsed.diagnostics,
    structOf: () => undefined,
    typeText: () => undefined,
  };
}

/** The nodes around a place, outermost first. */
export function nodesAt(analysis: Analysis, offset: number): Node[] {
  return pathTo(analysis.parsed.program, offset);
}

export function probeAt(analysis: Analysis, offset: number): Probe | undefined {
  return nodesAt(analysis, offset).find((node) => node.kind === 'probe');
}
