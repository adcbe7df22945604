import type { Span } from '../diagnostic.ts';
import { newestVersion, oldestVersion, parseVersion, type Version } from '../version.ts';

export interface VersionComment extends Span {
  /** The oldest release that the comment allows. */
  readonly least: Version;
  /** `=` pins it; `>=` is a lower bound. */
  readonly operator: '>=' | '=';
}

/** `// probescope: bpftrace>=0.21` (or `=0.21`) anywhere in the file; the first one counts. */
export function versionComment(source: string): VersionComment | undefined {
  const match = /(?:\/\/|\/\*)[ \t]*probescope:[ \t]*bpftrace[ \t]*(>=|==?)[ \t]*(v?\d+\.\d+(?:\.\d+)?)/.exec(
    source,
  );
  if (match === null) return undefined;
  const least = parseVersion(match[2] ?? '');
  if (least === undefined) return undefined;
  return {
    start: match.index,
    end: match.index + match[0].length,
    least,
    operator: match[1] === '>=' ? '>=' : '=',
  };
}

/**
 * The release that a script is checked for: what the caller says (`--bpftrace`, the setting), else the file's own
 * comment, else the target's release, else the newest one known. A comment `>=V` next to a target that is newer than V
 * leaves the target's.
 */
export function chooseVersion(
  source: string,
  choice: { readonly option?: Version | undefined; readonly target?: Version | undefined },
): Version {
  const clamp = (version: Version): Version => Math.min(Math.max(version, oldestVersion), newestVersion);
  if (choice.option !== undefined) return clamp(choice.option);
  const comment = versionComment(source);
  if (comment === undefined) return clamp(choice.target ?? newestVersion);
  if (comment.operator === '>=' && choice.target !== undefined && choice.target >= comment.least)
    return clamp(choice.target);
  return clamp(comment.least);
}
