import { FetchPlan, type Evaluate, type Hit } from '../engines/tracefs/fetch.ts';
import { compileShow, type HitFacts, type Show, type ShownData } from '../engines/tracefs/show.ts';
import type { FetchArgument } from '../engines/tracefs/definition.ts';
import { asProblem, ProbeError } from '../../protocol/errors.ts';
import type { DebugInfo } from '../symbols/debug-info.ts';
import { Checker } from '../symbols/expression/check.ts';
import type { Expression } from '../symbols/expression/ast.ts';
import { ExpressionError } from '../symbols/expression/problem.ts';
import type { LineSite } from '../symbols/model.ts';
import { readingOf } from '../symbols/expression/reading.ts';
import { shifted, type TemplatePart } from '../symbols/expression/template.ts';
import { callFrameAddressAt } from '../symbols/values/frame-base.ts';
import { register } from '../symbols/values/term.ts';
import { compileCondition, type Condition } from './condition.ts';
import { scopeAt, type PlacedScope } from './scope.ts';

/** A template and a condition, parsed. */
export interface LogpointText {
  readonly parts: readonly TemplatePart[];
  readonly condition?: Expression;
}

/** What is recorded at one address, and how a record becomes text. */
export interface SitePlan {
  readonly vaddr: number;
  readonly fileOffsetBytes: number;
  readonly arguments: readonly FetchArgument[];
  readonly filter?: string;
  readonly condition?: Condition;
  readonly render: (
    hit: Hit,
    facts: HitFacts,
  ) => { readonly text: string; readonly values: Record<string, ShownData> };
  /** Needed when an expression refers to registers as they were at the function's entry. */
  readonly entry?: EntryPlan;
}

/** A second probe at the function's entry whose records belong to hits with the same frame address. */
export interface EntryPlan {
  readonly fileOffsetBytes: number;
  readonly arguments: readonly FetchArgument[];
  readonly registers: (values: Hit['values']) => ReadonlyMap<number, bigint>;
  readonly frameAtEntry: Evaluate<bigint>;
  readonly frameAtHit: Evaluate<bigint>;
}

/** An address, and whose line it is: see {@link scopeAt}. */
export type PlannedPlace = Pick<LineSite, 'address' | 'function' | 'inlinedFunction'>;

/** Compiles a logpoint for one address. Throws {@link ExpressionError} with ranges in template or condition. */
export function planSite(debug: DebugInfo, site: PlannedPlace, text: LogpointText): SitePlan {
  const vaddr = site.address;
  const fileOffsetBytes = placeInFile(debug, vaddr);
  const scope = scopeAt(debug, vaddr, site.inlinedFunction ?? site.function);
  const plan = new FetchPlan(
    debug.elf.header.machine,
    { vaddr, fileOffsetBytes },
    vaddr === scope.functionEntry,
  );
  const shows = text.parts.map((part) => (part.kind === 'text' ? part.text : showOf(plan, scope, part)));
  const condition = text.condition === undefined ? undefined : compileCondition(plan, scope, text.condition);
  const entry = plan.entryRegisters.size === 0 ? undefined : planEntry(debug, scope, plan);
  return {
    vaddr,
    fileOffsetBytes,
    arguments: plan.arguments,
    ...(condition === undefined ? {} : { condition }),
    ...(condition?.filter === undefined ? {} : { filter: condition.filter }),
    ...(entry === undefined ? {} : { entry }),
    render: (hit, facts) => render(shows, hit, facts),
  };
}

/** What the kernel cannot fetch is said of the whole expression. */
function located(error: unknown, expression: Expression): ExpressionError {
  if (error instanceof ExpressionError) return error;
  const { message, remedy, code } = asProblem(error);
  return new ExpressionError(expression, message, remedy, code);
}

type Part = string | { readonly source: string; readonly show: Show };

function showOf(plan: FetchPlan, scope: PlacedScope, part: Extract<TemplatePart, { kind: 'value' }>): Part {
  const checker = new Checker(scope);
  return shifted(part.start, () => {
    const { expression, source, format } = part;
    try {
      return {
        source,
        show: compileShow(plan, readingOf(checker, checker.check(expression), expression), format),
      };
    } catch (error) {
      throw located(error, expression);
    }
  });
}

function render(
  parts: readonly Part[],
  hit: Hit,
  facts: HitFacts,
): { text: string; values: Record<string, ShownData> } {
  let text = '';
  const values: Record<string, ShownData> = {};
  for (const part of parts) {
    if (typeof part === 'string') text += part;
    else {
      const shown = part.show(hit, facts);
      text += shown.text;
      values[part.source] = shown.data;
    }
  }
  return { text, values };
}

function planEntry(debug: DebugInfo, scope: PlacedScope, plan: FetchPlan): EntryPlan {
  const vaddr = scope.functionEntry;
  const fileOffsetBytes = placeInFile(debug, vaddr);
  const entry = new FetchPlan(debug.elf.header.machine, { vaddr, fileOffsetBytes }, true);
  const frameAtEntry = entry.number(callFrameAddressAt({ ...scope.address, pc: vaddr }));
  const registers = [...plan.entryRegisters].map((number) => ({
    number,
    value: entry.number(register(number)),
  }));
  const frameAtHit = plan.number(callFrameAddressAt(scope.address));
  return {
    fileOffsetBytes,
    arguments: entry.arguments,
    frameAtEntry,
    frameAtHit,
    registers: (values) => {
      const hit = { values, biasBytes: 0n, isMapped: () => undefined };
      return new Map(registers.map(({ number, value }) => [number, value(hit) ?? 0n]));
    },
  };
}

function placeInFile(debug: DebugInfo, vaddr: number): number {
  const offset = debug.elf.fileOffsetOf(vaddr);
  if (offset !== undefined) return offset;
  throw new ProbeError({
    code: 'probe-refused',
    message: `Address 0x${vaddr.toString(16)} has no bytes in ${debug.elf.path}.`,
    remedy: 'Give the program itself, not a file with debug information only.',
  });
}
