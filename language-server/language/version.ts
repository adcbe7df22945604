/**
 * A bpftrace release as the minor number of `0.MINOR`: 17 … 27. Patch releases never changed the language,
 * so that they do not matter here.
 */
export type Version = number;

export const oldestVersion: Version = 17;
export const newestVersion: Version = 27;

/** `0.17.0`, `v0.23.2`, `bpftrace v0.27.1-rc1`, `0.21`: the minor number, or undefined when none is in it. */
export function parseVersion(text: string): Version | undefined {
  const match = /(?:^|[^\d.])v?(\d+)\.(\d+)/.exec(text);
  if (match === null) return undefined;
  const [, major, minor] = match;
  // A future 1.x is treated as newer than all known releases.
  return major === '0' ? Number(minor) : Number(major) * 1000 + Number(minor);
}

/** `0.17` for 17. */
export function formatVersion(version: Version): string {
  return version >= 1000 ? `${Math.floor(version / 1000)}.${version % 1000}` : `0.${version}`;
}
