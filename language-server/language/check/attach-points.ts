import { exists } from '../tables/entry.ts';
import type { AttachPoint, Probe } from '../syntax/ast.ts';
import { probeWordByName, probeWords, type ProbeTypeName, type ProbeWord } from '../tables/probes.ts';
import type { Version } from '../version.ts';
import { checkAttachPointRules } from './attach-rules.ts';
import { checkKernelNames } from './catalog-names.ts';
import { notNow } from './names.ts';
import { nearest, replace } from './report.ts';
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

/** The way the attach point's type is written, where it is one word that the release knows. */
export function probeWordOf(point: AttachPoint, version: Version): ProbeWord | undefined {
  const word = probeWordByName.get(point.provider.text);
  return word !== undefined && exists(word, version) ? word : undefined;
}

/** Checks the attach points of a probe and tells what kinds of probes it is. */
export function probeContext(state: State, probe: Probe): ProbeContext {
  const words: ProbeWord[] = [];
  const types: ProbeTypeName[] = [];
  let isUnclear = false;
  for (const point of probe.attachPoints) {
    const word = checkAttachPoint(state, point, probe);
    if (word === undefined) {
      isUnclear ||= point.provider.text !== '';
      continue;
    }
    words.push(word);
    types.push(word.type);
  }
  if (probe.attachPoints.length > 0 && probe.attachPoints.every((point) => point.provider.text === ''))
    state.report.error(
      probe.attachPoints[0] ?? probe,
      'unknown-probe-type',
      'The probe has no attach point.',
    );
  // What could not be understood must not make errors further on
  return isUnclear ? { node: probe, words: [], types: [] } : { node: probe, words, types };
}

function checkAttachPoint(state: State, point: AttachPoint, probe: Probe): ProbeWord | undefined {
  const { provider } = point;
  if (provider.text === '' || provider.text.includes('$')) return undefined;
  if (provider.text.includes('*')) {
    checkWildcardType(state, point);
    return undefined;
  }
  const word = probeWordByName.get(provider.text);
  if (word === undefined) {
    unknownType(state, point);
    return undefined;
  }
  if (!exists(word, state.version)) {
    notNow(state, provider, `The probe type \`${provider.text}\``, word);
    const other = probeWords.find(
      (candidate) => candidate.type === word.type && exists(candidate, state.version),
    );
    if (other !== undefined) addRenameFix(state, point, other);
    return other;
  }
  checkAttachPointRules(state, point, word, probe);
  checkKernelNames(state, point, word);
  return word;
}

/** `begin` in 0.17 is written `BEGIN`, `fentry` is `kfunc`. */
function addRenameFix(state: State, point: AttachPoint, other: ProbeWord): void {
  const last = state.report.diagnostics.at(-1);
  if (last === undefined || last.start !== point.provider.start) return;
  state.report.diagnostics[state.report.diagnostics.length - 1] = {
    ...last,
    hint: `Write \`${other.name}\`.`,
    fixes: [replace(point.provider, other.name, `Replace \`${point.provider.text}\` by \`${other.name}\``)],
  };
}

function checkWildcardType(state: State, point: AttachPoint): void {
  const pattern = wildcardPattern(point.provider.text);
  const isKnown = probeWords.some((word) => exists(word, state.version) && pattern.test(word.name));
  if (!isKnown)
    state.report.error(
      point.provider,
      'unknown-probe-type',
      `No type of probe matches \`${point.provider.text}\`.`,
    );
}

function unknownType(state: State, point: AttachPoint): void {
  const { text } = point.provider;
  const names = probeWords.filter((word) => exists(word, state.version)).map((word) => word.name);
  const similar = names.find((name) => name.toLowerCase() === text.toLowerCase()) ?? nearest(text, names);
  state.report.error(point.provider, 'unknown-probe-type', `There is no probe type \`${text}\`.`, {
    ...(similar === undefined
      ? { hint: `Types are ${names.filter((name) => name.length > 4).join(', ')}.` }
      : {
          hint: `Did you mean \`${similar}\`?`,
          fixes: [replace(point.provider, similar, `Change to \`${similar}\``)],
        }),
  });
}
