import { atLeast } from '../version.ts';

/** From here on bpftrace ends by itself when a script has nothing but BEGIN and END (measured: 0.23.2 waits, 0.27 ends). */
const ENDS_WITH_BEGIN = '0.24';

/**
 * The user's script, with probes of ours after it, so that its lines keep their numbers: an engine that runs as root
 * obeys the `off` order of a user who may not signal it, and one that nobody reads any more ends by SIGPIPE.
 */
export function withControl(script: string, off: string, version: string): string {
  const ends = onlyBeginsAndEnds(script) && atLeast(version, ENDS_WITH_BEGIN);
  return [
    script,
    `interval:ms:400 { printf("${heartbeat(off)}"); }`,
    `tracepoint:task:task_rename /args->newcomm == "${off}"/ { exit(); }`,
    ...(ends ? ['interval:ms:50 { exit(); }'] : []),
    '',
  ].join('\n');
}

/** Attach points that {@link withControl} adds. */
export function controlPoints(script: string, version: string): number {
  return onlyBeginsAndEnds(script) && atLeast(version, ENDS_WITH_BEGIN) ? 3 : 2;
}

/** What the heartbeat prints, a message of its own: the secret word, which no line of the script's can be taken for. */
export function heartbeat(off: string): string {
  return `alive ${off}`;
}

/** True when no attach point of the script has a colon: what stands outside braces, strings and comments tells. */
export function onlyBeginsAndEnds(script: string): boolean {
  let depth = 0;
  const piece = /\/\/[^\n]*|\/\*[^]*?(?:\*\/|$)|"(?:[^"\\]|\\[^])*"?|[{}:]/g;
  for (const [token] of script.matchAll(piece)) {
    if (token === '{') depth++;
    else if (token === '}') depth = Math.max(0, depth - 1);
    else if (token === ':' && depth === 0) return false;
  }
  return true;
}
