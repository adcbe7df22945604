import { probeWordOf } from '../syntax/attach-point-rules.ts';
import type { AttachPoint, Probe } from '../syntax/ast.ts';
import type { ProbeTypeName, ProbeWord } from '../tables/probes.ts';
import { checkAttachPointRules } from './attach-rules.ts';
import { checkKernelNames } from './catalog-names.ts';
import type { ProbeContext, State } from './state.ts';

const patterns = new Map<string, RegExp>();

/** A pattern of attach points: `*` stands for any text, everything else for itself. */
export function wildcardPattern(text: string): RegExp {
  let pattern = patterns.get(text);
  if (pattern === undefined) {
    // Runs of stars would make the matcher try each split of the text
    const parts = text.split(/\*+/).map((part) => part.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&'));
    pattern = new RegExp(`^${parts.join('.*')}$`, 's');
    if (patterns.size > 1000) patterns.clear();
    patterns.set(text, pattern);
  }
  return pattern;
}

/**
 * Checks the attach points of a probe and tells what kinds of probes it is. What is wrong by grammar (unknown types,
 * the number of parts) the parser has said already.
 */
export function probeContext(state: State, probe: Probe): ProbeContext {
  const words: ProbeWord[] = [];
  const types: ProbeTypeName[] = [];
  let isUnclear = false;
  for (const point of probe.attachPoints) {
    if (point.provider.text === '') continue;
    const word = probeWordOf(point.provider.text, state.version);
    if (word === undefined) {
      isUnclear = true;
      continue;
    }
    words.push(word);
    types.push(word.type);
    if (hasSyntaxError(state, point)) continue;
    if (word.type === 'iter' && probe.attachPoints.length > 1)
      state.report.error(point, 'attach-point-value', 'A probe with an iterator has one attach point only.');
    checkAttachPointRules(state, point, word);
    checkKernelNames(state, point, word);
  }
  if (probe.attachPoints.length > 0 && probe.attachPoints.every((point) => point.provider.text === ''))
    state.report.error(
      probe.attachPoints[0] ?? probe,
      'attach-point-value',
      'The probe has no attach point.',
    );
  // What could not be understood must not make errors further on
  return isUnclear ? { node: probe, words: [], types: [] } : { node: probe, words, types };
}

function hasSyntaxError(state: State, point: AttachPoint): boolean {
  return state.syntaxErrors.some((error) => error.start >= point.start && error.start <= point.end);
}
