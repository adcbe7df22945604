/** Counters and system calls of a process or the whole machine, from Targets, Event Sources and the palette. */
import { commands, Disposable, l10n, window } from 'vscode';
import type { CounterInterval } from '../../protocol/events.ts';
import type { SyscallSummary } from '../../protocol/syscalls.ts';
import type { ProcessInfo } from '../../protocol/target.ts';
import { CountingPanel, type CountingKind, type CountingServices } from '../events/counting-panel.ts';
import { processSummary, processTitle } from '../targets/process-text.ts';
import type { SourceNode } from '../views/event-sources.ts';
import type { TargetNode } from '../views/targets.ts';

const INTERVAL_MS = 1000;

interface Scope {
  readonly pid?: number;
  readonly name: string;
}

export function registerCountingCommands(services: CountingServices): Disposable[] {
  const panels = new Set<Disposable>();
  const open = <Figures>(kind: CountingKind<Figures>): void => {
    const panel = new CountingPanel(services, kind, () => panels.delete(panel));
    panels.add(panel);
  };
  const register = (
    name: string,
    run: (scope: Scope, nodes: readonly (SourceNode | TargetNode)[]) => void,
  ): Disposable =>
    commands.registerCommand(
      name,
      async (node?: SourceNode | TargetNode, all?: readonly (SourceNode | TargetNode)[]) => {
        try {
          const nodes = all !== undefined && all.length > 0 ? all : node === undefined ? [] : [node];
          const scope = await scopeOf(services, node);
          if (scope !== undefined) run(scope, nodes);
        } catch (thrown) {
          await services.show(thrown);
        }
      },
    );
  return [
    register('probescope.countEvents', (scope, nodes) => {
      open(counters(scope, eventsOf(nodes)));
    }),
    register('probescope.summariseSyscalls', (scope) => {
      open(syscalls(scope));
    }),
    new Disposable(() => {
      for (const panel of panels) panel.dispose();
    }),
  ];
}

/** The process of a row in Targets; the machine for a row of Event Sources; what the user picks otherwise. */
async function scopeOf(
  { connect }: CountingServices,
  node: SourceNode | TargetNode | undefined,
): Promise<Scope | undefined> {
  const machine: Scope = { name: l10n.t('the whole machine') };
  if (node?.kind === 'process') return processScope(node.process);
  if (node !== undefined) return machine;
  const { processes } = await (await connect()).call('processes', {});
  const busiest = [...processes].sort((a, b) => (b.shareOfCore ?? 0) - (a.shareOfCore ?? 0) || a.pid - b.pid);
  const picked = await window.showQuickPick(
    [
      { label: l10n.t('The Whole Machine'), scope: machine },
      ...busiest.map((process) => ({
        label: processTitle(process),
        description: processSummary(process),
        scope: processScope(process),
      })),
    ],
    { placeHolder: l10n.t('Count what?'), matchOnDescription: true },
  );
  return picked?.scope;
}

function processScope(process: ProcessInfo): Scope {
  return { pid: process.pid, name: `${processTitle(process)} (${process.pid})` };
}

/** Names of perf's counters: chosen ones, or all of a kind that count here; none means perf's usual set. */
function eventsOf(nodes: readonly (SourceNode | TargetNode)[]): string[] {
  return nodes.flatMap((node) => {
    if (node.kind === 'source') return [node.source.name];
    if (node.kind !== 'kind') return [];
    return node.listing.groups.filter(({ refused }) => refused === undefined).flatMap(({ names }) => names);
  });
}

function counters({ pid, name }: Scope, events: readonly string[]): CountingKind<CounterInterval> {
  return {
    viewType: 'probescope.counters',
    bundle: 'counters',
    title: l10n.t('Counters of {0}', name),
    start: async (connection, stream) => {
      const scope = pid === undefined ? {} : { pid };
      await connection.call('startStat', { stream, events, intervalMs: INTERVAL_MS, ...scope });
      return 'perf stat';
    },
    stop: (connection, stream) => connection.call('stopStat', { stream }),
    onFigures: (connection, listener) => connection.onStatInterval(listener),
  };
}

function syscalls({ pid, name }: Scope): CountingKind<SyscallSummary> {
  return {
    viewType: 'probescope.syscalls',
    bundle: 'syscalls',
    title: l10n.t('System calls of {0}', name),
    start: async (connection, stream) => {
      const scope = pid === undefined ? {} : { pid };
      return (await connection.call('startSyscalls', { stream, intervalMs: INTERVAL_MS, ...scope })).engine;
    },
    stop: (connection, stream) => connection.call('stopSyscalls', { stream }),
    onFigures: (connection, listener) => connection.onSyscallSummary(listener),
  };
}
