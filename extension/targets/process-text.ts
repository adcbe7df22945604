/** What the Targets view writes about processes and containers. Pure: data in, strings out. */
import { formatShare } from '../../protocol/format.ts';
import type { ProcessInfo } from '../../protocol/target.ts';

/** Processes of containers by container, and those of none; the busiest first in each. */
export function byContainer(processes: readonly ProcessInfo[]): {
  readonly containers: ReadonlyMap<string, readonly ProcessInfo[]>;
  readonly others: readonly ProcessInfo[];
} {
  const containers = new Map<string, ProcessInfo[]>();
  const others: ProcessInfo[] = [];
  const sorted = [...processes].sort((a, b) => (b.shareOfCore ?? 0) - (a.shareOfCore ?? 0) || a.pid - b.pid);
  for (const process of sorted) {
    if (process.container === undefined) others.push(process);
    else containers.set(process.container, [...(containers.get(process.container) ?? []), process]);
  }
  return { containers: new Map([...containers].sort(([a], [b]) => a.localeCompare(b))), others };
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

/** The program's name; threads that name themselves (Node's is MainThread) hide what runs there. */
export function processTitle({ command, executable }: ProcessInfo): string {
  const file = executable?.slice(executable.lastIndexOf('/') + 1);
  return command === 'MainThread' && file !== undefined && file !== 'exe' ? file : command;
}

/** `4711 · www · 12 % · Go · debug info`. */
export function processSummary({ pid, user, shareOfCore, language, debugInfo }: ProcessInfo): string {
  return [
    String(pid),
    user,
    shareOfCore === undefined || shareOfCore < 0.001 ? undefined : formatShare(shareOfCore),
    language,
    debugInfo === true ? 'debug info' : undefined,
  ]
    .filter((part) => part !== undefined)
    .join(' · ');
}

/** The same in full sentences, for the tooltip and for screen readers. */
export function processDetails(process: ProcessInfo): string {
  const { pid, user, executable, shareOfCore, language, debugInfo, container, containerName } = process;
  const parts = [
    `Process ${pid} of ${user}${executable === undefined ? ', whose program may not be read' : `: ${executable}`}.`,
    ...(shareOfCore === undefined ? [] : [`${formatShare(shareOfCore)} of a core.`]),
    ...(language === undefined ? [] : [`Written in ${language}, as it seems.`]),
    ...(debugInfo === undefined
      ? []
      : [
          debugInfo
            ? 'Its program file has debug information.'
            : 'Its program file has no debug information of its own; a separate file may.',
        ]),
    ...(container === undefined ? [] : [`In ${containerName ?? container}.`]),
  ];
  return parts.join(' ');
}
