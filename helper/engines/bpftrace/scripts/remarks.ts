import type { VerdictRemark } from '../../../../protocol/verdict.ts';
import { parseRemarks } from '../verdict.ts';

/** Said on standard error by releases that work all the same. */
const harmless =
  /RLIMIT_MEMLOCK|available_filter_functions|BPFTRACE_MAP_KEYS_MAX is deprecated|Addrspace is not set|Total lost event count/;

export function isHarmless(line: string): boolean {
  return line.trim() === '' || harmless.test(line);
}

/** Words of bpftrace's own that say that it failed; those about commands that a script ran do not. */
export function saysError(stderr: string): boolean {
  return stderr
    .split('\n')
    .some(
      (line) =>
        !isHarmless(line) &&
        /\bERROR: |\berror: |^terminate called|Aborted/.test(line) &&
        !/command exited/.test(line),
    );
}

/**
 * bpftrace's remarks with their places in the script. What it says about an attach point without a place (each release has
 * its own sentence for a probe that cannot be attached) is put on that attach point's text.
 */
export function scriptRemarks(stderr: string, script: string, failed: boolean): VerdictRemark[] {
  const lines = script.split('\n');
  const heard = stderr
    .split('\n')
    .filter((line) => !isHarmless(line) && !/command exited with code/.test(line))
    .join('\n');
  return parseRemarks(heard, script, failed).map((remark) => {
    const first = lines[0] ?? '';
    const isUnplaced = remark.line === 0 && remark.character === 0 && remark.endCharacter === first.length;
    return isUnplaced ? onAttachPoint(remark, lines) : remark;
  });
}

function onAttachPoint(remark: VerdictRemark, lines: readonly string[]): VerdictRemark {
  const words = [...remark.message.matchAll(/[^\s'",;()]*[:/][^\s'",;()]+/g)]
    .map(([word]) => word.replace(/[.:]+$/, ''))
    .filter((word) => word.length > 2)
    .sort((a, b) => b.length - a.length);
  for (const word of words)
    for (const [line, text] of lines.entries()) {
      const at = text.indexOf(word);
      if (at < 0) continue;
      // the message may leave out the probe's type, which stands before
      const start = /\S*$/.exec(text.slice(0, at))?.index ?? at;
      return { ...remark, line, character: start, endLine: line, endCharacter: at + word.length };
    }
  return remark;
}

/** True when a remark is about the probes that we put after the script. */
export function isBeyond(remarks: readonly VerdictRemark[], stderr: string, script: string): boolean {
  const last = script.split('\n').length;
  return (
    remarks.some(({ severity }) => severity === 'error') &&
    [...stderr.matchAll(/^stdin:(\d+)[:-]/gm)].some((match) => Number(match[1]) > last)
  );
}

/** Where in the script a sentence of bpftrace's points by naming an attach point; nothing when it names none. */
export function placeIn(
  script: string,
  said: string,
): { readonly line?: number; readonly character?: number } {
  const [remark] = scriptRemarks(said, script, true);
  const text = script.split('\n')[remark?.line ?? 0] ?? '';
  if (remark === undefined || (remark.line === 0 && remark.endCharacter - remark.character === text.length))
    return {};
  return { line: remark.line, character: remark.character };
}
