/** `0.17.0` or `v0.23.2` → [0, 17, 0]; undefined when it is no version. */
export function parseVersion(text: string): readonly [number, number, number] | undefined {
  const match = /v?(\d+)\.(\d+)(?:\.(\d+))?/.exec(text);
  return match === null ? undefined : [Number(match[1]), Number(match[2]), Number(match[3] ?? 0)];
}

/** The oldest bpftrace the generated scripts run on. */
export const OLDEST_VERSION = '0.17';

export function atLeast(version: string, minimum: string): boolean {
  const [a, b] = [parseVersion(version), parseVersion(minimum)];
  if (a === undefined || b === undefined) return false;
  for (let part = 0; part < 3; part++) if (a[part] !== b[part]) return a[part]! > b[part]!;
  return true;
}
