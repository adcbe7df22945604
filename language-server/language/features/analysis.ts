import type { KnownCatalog } from '../known-catalog.ts';
import { check, checkAgain, type CheckResult } from '../check/check.ts';
import { CheckMemory } from '../check/memory.ts';
import { typeName, type Type } from '../check/types.ts';
import type { Diagnostic, Span } from '../diagnostic.ts';
import { LineIndex } from '../lines.ts';
import type { Expression, Node, Probe } from '../syntax/ast.ts';
import { parseAgain, type ParseResult } from '../syntax/parser.ts';
import { pathTo } from '../syntax/walk.ts';
import type { Version } from '../version.ts';

export interface AnalysisOptions {
  readonly version: Version;
  readonly catalog?: KnownCatalog | undefined;
  readonly unsafe?: boolean | undefined;
}

/** A script with all that is known about it. Made anew for each version of the text; cheap enough for every key. */
export interface Analysis {
  readonly source: string;
  readonly version: Version;
  readonly lines: LineIndex;
  readonly parsed: ParseResult;
  readonly catalog: KnownCatalog | undefined;
  /** Of parser and checker, sorted by place. */
  readonly diagnostics: readonly Diagnostic[];
  /** `struct x` that an expression is or points to, where the checker knows. */
  structOf(node: Expression): string | undefined;
  /** The type of the variable or map that is defined at a place, as a user reads it, where the checker knows. */
  typeText(definition: Span & { readonly name: string }): string | undefined;
}

/** `memory`: of the same document's last analysis, so that a keystroke costs what it changes. */
export function analyse(
  source: string,
  options: AnalysisOptions,
  memory: CheckMemory = new CheckMemory(),
): Analysis {
  const { version, catalog, unsafe } = options;
  const parsed = parseAgain(source, { version }, memory.syntax);
  const checkOptions = {
    version,
    ...(catalog === undefined ? {} : { catalog }),
    ...(unsafe === undefined ? {} : { unsafe }),
  };
  const found = checkAgain(source, parsed, checkOptions, memory);
  const diagnostics =
    parsed.diagnostics.length === 0
      ? found
      : [...parsed.diagnostics, ...found].sort((a, b) => a.start - b.start || a.end - b.end);
  // Types are asked for by hovers and hints, after the diagnostics have been sent
  let checked: CheckResult | undefined;
  const types = (): CheckResult => (checked ??= check(source, parsed, checkOptions));
  return {
    source,
    version,
    lines: new LineIndex(source),
    parsed,
    catalog,
    diagnostics,
    structOf: (node) => structName(types().types.get(node)),
    typeText: (definition) => typeOfDefinition(types(), definition),
  };
}

function structName(type: Type | undefined): string | undefined {
  if (type?.kind === 'pointer') return type.to.kind === 'struct' ? type.to.name : undefined;
  return type?.kind === 'struct' ? type.name : undefined;
}

/** The type of a map, or of the variable that is declared at that place. */
function typeOfDefinition(
  { maps, variables }: CheckResult,
  definition: Span & { readonly name: string },
): string | undefined {
  if (definition.name.startsWith('@')) {
    const map = maps.get(definition.name);
    if (map === undefined || map.value.kind === 'none') return undefined;
    const value = typeName(map.value);
    return map.shape === 'keyed' && map.key.kind !== 'none' ? `[${typeName(map.key)}] → ${value}` : value;
  }
  for (const scope of variables.values()) {
    const variable = scope.get(definition.name);
    if (variable === undefined || variable.type.kind === 'none') continue;
    if (variable.declaredAt.start <= definition.start && definition.end <= variable.declaredAt.end)
      return typeName(variable.type);
  }
  return undefined;
}

/** The nodes around a place, outermost first. */
export function nodesAt(analysis: Analysis, offset: number): Node[] {
  return pathTo(analysis.parsed.program, offset);
}

export function probeAt(analysis: Analysis, offset: number): Probe | undefined {
  return nodesAt(analysis, offset).find((node) => node.kind === 'probe');
}
