/** Containers, as the processes that run in them tell. */
import type { ProcessInfo } from '../../../protocol/target.ts';

/** The busiest first. */
export const byBusyness = (processes: readonly ProcessInfo[]): ProcessInfo[] =>
  [...processes].sort((a, b) => (b.shareOfCore ?? 0) - (a.shareOfCore ?? 0) || a.pid - b.pid);

/** Processes of containers by container, and those of none; the busiest first in each. */
export function byContainer(processes: readonly ProcessInfo[]): {
  readonly containers: ReadonlyMap<string, readonly ProcessInfo[]>;
  readonly others: readonly ProcessInfo[];
} {
  const containers = new Map<string, ProcessInfo[]>();
  const others: ProcessInfo[] = [];
  for (const process of byBusyness(processes)) {
    if (process.container === undefined) others.push(process);
    else containers.set(process.container, [...(containers.get(process.container) ?? []), process]);
  }
  return { containers: new Map([...containers].sort(([a], [b]) => a.localeCompare(b))), others };
}

/** The container that is called so: by its name, `RUNTIME:ID`, or the beginning of the id, as the tools take it. */
export function containersNamed(
  name: string,
  processes: readonly ProcessInfo[],
): ReadonlyMap<string, readonly ProcessInfo[]> {
  const { containers } = byContainer(processes);
  const exact = [...containers].filter(
    ([id, own]) => id === name || own.some(({ containerName }) => containerName === name),
  );
  const begins = (id: string): boolean => name !== '' && id.slice(id.indexOf(':') + 1).startsWith(name);
  return new Map(exact.length > 0 ? exact : [...containers].filter(([id]) => begins(id)));
}

/** `web (podman)` where it has a name, `podman 4f5a6b7c8d9e` otherwise; by its first program where only namespaces tell. */
export function containerTitle(id: string, processes: readonly ProcessInfo[]): string {
  const colon = id.indexOf(':');
  const [runtime, rest] = [id.slice(0, colon), id.slice(colon + 1)];
  const name = processes.find(({ containerName }) => containerName !== undefined)?.containerName;
  if (name !== undefined) return `${name} (${runtime})`;
  const first = [...processes].sort((a, b) => a.startedAtMs - b.startedAtMs)[0];
  return runtime === 'namespace' ? `${first?.command ?? ''} (own namespace)` : `${runtime} ${rest}`;
}
