import type { LogpointPlace, LogpointProblem } from '../../protocol/logpoint.ts';
import type { RefusedSite, Site } from '../../protocol/probe.ts';
import type { SourcePlace } from '../../protocol/source.ts';
import { asProblem } from '../../protocol/errors.ts';
import type { DebugInfo } from '../symbols/debug-info.ts';
import type { LineSites } from '../symbols/model.ts';
import { sourceVersion, type SourceVersion } from '../symbols/source-version.ts';
import { parseExpression } from '../symbols/expression/parser.ts';
import { ExpressionError } from '../symbols/expression/problem.ts';
import { parseTemplate } from '../symbols/expression/template.ts';
import { planSite, type PlannedPlace, type LogpointText, type SitePlan } from './site-plan.ts';
import { scopeAt } from './scope.ts';

/** A logpoint compiled for every place of its line. */
export interface LogpointPlan {
  readonly place: SourcePlace;
  readonly moved: boolean;
  readonly stale: boolean;
  readonly mixed: boolean;
  readonly plans: readonly SitePlan[];
  readonly sites: readonly Site[];
  readonly refused: readonly RefusedSite[];
  /** Empty when at least one site can be attached. */
  readonly problems: readonly LogpointProblem[];
}

/** What is planned: the place and the texts. */
export interface LogpointRequest extends LogpointPlace {
  readonly template: string;
  readonly condition?: string;
}

/** Finds the line's sites and compiles template and condition for each. Throws only for the place; the rest are problems. */
export function planLogpoint(debug: DebugInfo, request: LogpointRequest): LogpointPlan {
  const lines = debug.lineSites(request.file, request.line, request.column);
  const common = {
    place: { file: lines.file, line: lines.line },
    moved: lines.moved,
    ...versionOf(debug, lines),
  };
  const first = lines.sites[0];
  const knowsType = (name: string): boolean =>
    first !== undefined && scopeAt(debug, first.address).type(name) !== undefined;
  const problems: LogpointProblem[] = [];
  const parsed = parse(request, knowsType, problems);
  if (parsed === undefined) return { ...common, plans: [], sites: [], refused: [], problems };
  return { ...common, ...compileSites(debug, lines, request, parsed) };
}

function parse(
  request: LogpointRequest,
  knowsType: (name: string) => boolean,
  problems: LogpointProblem[],
): LogpointText | undefined {
  const attempt = <T>(field: 'template' | 'condition', run: () => T): T | undefined => {
    try {
      return run();
    } catch (error) {
      problems.push(locate(error, field, request[field]?.length ?? 0));
      return undefined;
    }
  };
  const parts = attempt('template', () => parseTemplate(request.template, knowsType));
  const text = request.condition?.trim() ?? '';
  const condition =
    text === '' ? undefined : attempt('condition', () => parseExpression(request.condition ?? '', knowsType));
  if (parts === undefined || problems.length > 0) return undefined;
  return { parts, ...(condition === undefined ? {} : { condition }) };
}

function compileSites(debug: DebugInfo, lines: LineSites, request: LogpointRequest, text: LogpointText) {
  const plans: SitePlan[] = [];
  const sites: Site[] = [];
  const refused: RefusedSite[] = [];
  const problems: LogpointProblem[] = [];
  for (const site of lines.sites) {
    const { address, place, inlinedFunction } = site;
    const kind = inlinedFunction === undefined ? 'entry' : 'inlined';
    try {
      const plan = planSite(debug, site, text);
      plans.push(plan);
      sites.push({ kind, vaddr: address, fileOffsetBytes: plan.fileOffsetBytes, place });
    } catch (error) {
      const field = fieldOf(debug, site, text, error);
      problems.push(locate(error, field, request[field]?.length ?? 0));
      refused.push({ kind, place, reason: asProblem(error).message });
    }
  }
  return { plans, sites, refused, problems: plans.length > 0 ? [] : problems };
}

/** Which of the two texts an error belongs to: without the condition it goes away or it does not. */
function fieldOf(
  debug: DebugInfo,
  site: PlannedPlace,
  text: LogpointText,
  error: unknown,
): 'template' | 'condition' {
  if (text.condition === undefined || !(error instanceof ExpressionError)) return 'template';
  try {
    planSite(debug, site, { parts: text.parts });
    return 'condition';
  } catch {
    return 'template';
  }
}

function locate(error: unknown, field: 'template' | 'condition', length: number): LogpointProblem {
  const range = error instanceof ExpressionError ? error.range : { start: 0, end: length };
  return {
    ...asProblem(error),
    field,
    start: Math.min(range.start, length),
    end: Math.min(range.end, length),
  };
}

/** Whether the source on this machine is the one that the binary was compiled from. */
export function versionOf(debug: DebugInfo, { file, md5s }: LineSites): SourceVersion {
  return sourceVersion(file, debug.elf.path, md5s);
}
