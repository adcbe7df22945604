import {
  EventEmitter,
  l10n,
  MarkdownString,
  ThemeColor,
  ThemeIcon,
  TreeItem,
  TreeItemCollapsibleState,
  window,
  type Disposable,
  type TreeDataProvider,
} from 'vscode';
import { formatDuration } from '../../protocol/format.ts';
import type { Finding, ProcessInfo, TargetFacts } from '../../protocol/target.ts';
import type { Target } from '../core/targets/target.ts';
import type { ClockOffset } from '../core/keep-alive.ts';
import { findingsOf } from '../core/targets/findings.ts';
import { byContainer, containerTitle } from '../core/targets/containers.ts';
import { processDetails, processSummary, processTitle } from '../targets/process-text.ts';
import type { TargetChoice } from '../targets/target-choice.ts';

/** What the view asks of the target that is in use. */
export interface TargetLook {
  readonly state: 'off' | 'starting' | 'on' | 'lost' | 'failed';
  /** Round trip to the helper; undefined beside it. */
  readonly latencyNs: number | undefined;
  /** How far its clock is ahead of ours; undefined beside it. */
  readonly clockOffset: ClockOffset | undefined;
  readonly onDidChangeState: (listener: () => void) => Disposable;
  facts(refresh: boolean): Promise<TargetFacts>;
  processes(): Promise<readonly ProcessInfo[]>;
}

export type TargetNode =
  | { readonly kind: 'target'; readonly target: Target }
  | { readonly kind: 'capabilities' }
  | { readonly kind: 'finding'; readonly name: string; readonly finding: Finding }
  | { readonly kind: 'processes' }
  | { readonly kind: 'container'; readonly id: string; readonly processes: readonly ProcessInfo[] }
  | { readonly kind: 'process'; readonly process: ProcessInfo }
  | { readonly kind: 'problem'; readonly message: string };

/** Where tracing happens: targets, what works on the one in use, and its processes. */
export class TargetsView implements TreeDataProvider<TargetNode>, Disposable {
  readonly #choice: TargetChoice;
  readonly #look: TargetLook;
  readonly #changed = new EventEmitter<TargetNode | undefined>();
  readonly onDidChangeTreeData = this.#changed.event;
  readonly #owned: Disposable[];

  constructor(choice: TargetChoice, look: TargetLook) {
    this.#choice = choice;
    this.#look = look;
    this.#owned = [
      this.#changed,
      choice.onDidChange(() => this.refresh()),
      look.onDidChangeState(() => this.refresh()),
      window.createTreeView('probescope.targets', { treeDataProvider: this }),
    ];
  }

  refresh(): void {
    this.#changed.fire(undefined);
  }

  dispose(): void {
    for (const thing of this.#owned) thing.dispose();
  }

  async getChildren(node?: TargetNode): Promise<TargetNode[]> {
    try {
      return await this.#childrenOf(node);
    } catch (error) {
      return [{ kind: 'problem', message: error instanceof Error ? error.message : String(error) }];
    }
  }

  async #childrenOf(node: TargetNode | undefined): Promise<TargetNode[]> {
    switch (node?.kind) {
      case undefined: {
        const targets = await this.#choice.list();
        return targets.map((target) => ({ kind: 'target', target }));
      }
      case 'target':
        return this.#isCurrent(node.target) ? [{ kind: 'capabilities' }, { kind: 'processes' }] : [];
      case 'capabilities': {
        const facts = await this.#look.facts(false);
        return findingsOf(facts, this.#look.clockOffset).map(({ name, finding }) => ({
          kind: 'finding',
          name,
          finding,
        }));
      }
      case 'processes': {
        const processes = await this.#look.processes();
        const { containers, others } = byContainer(processes);
        return [
          ...[...containers].map(([id, own]): TargetNode => ({ kind: 'container', id, processes: own })),
          ...others.map((process): TargetNode => ({ kind: 'process', process })),
        ];
      }
      case 'container':
        return node.processes.map((process) => ({ kind: 'process', process }));
      case 'finding':
      case 'process':
      case 'problem':
        return [];
    }
  }

  getTreeItem(node: TargetNode): TreeItem {
    switch (node.kind) {
      case 'target':
        return this.#targetItem(node.target);
      case 'capabilities': {
        const item = new TreeItem(l10n.t('What Works Here'), TreeItemCollapsibleState.Collapsed);
        item.iconPath = new ThemeIcon('checklist');
        item.contextValue = 'capabilities';
        return item;
      }
      case 'finding':
        return findingItem(node.name, node.finding);
      case 'processes': {
        const item = new TreeItem(l10n.t('Processes'), TreeItemCollapsibleState.Collapsed);
        item.iconPath = new ThemeIcon('server-process');
        item.contextValue = 'processes';
        return item;
      }
      case 'container':
        return containerItem(node.id, node.processes);
      case 'process':
        return processItem(node.process);
      case 'problem': {
        const item = new TreeItem(node.message);
        item.iconPath = new ThemeIcon('error', new ThemeColor('problemsErrorIcon.foreground'));
        item.tooltip = node.message;
        return item;
      }
    }
  }

  #isCurrent(target: Target): boolean {
    return target.name === this.#choice.current.name;
  }

  #targetItem(target: Target): TreeItem {
    const current = this.#isCurrent(target);
    const label = target.kind === 'local' ? l10n.t('This Machine') : target.name;
    const item = new TreeItem(
      label,
      current ? TreeItemCollapsibleState.Expanded : TreeItemCollapsibleState.None,
    );
    // the id carries the state, so that a target that comes into use opens by itself
    item.id = `${target.name}${current ? ' in use' : ''}`;
    item.iconPath = new ThemeIcon(
      target.kind === 'local' ? 'device-desktop' : target.kind === 'ssh' ? 'remote' : 'terminal',
    );
    item.contextValue = current ? 'target current' : 'target other';
    if (current) item.description = stateText(this.#look.state, this.#look.latencyNs);
    else if (target.kind === 'command') item.description = target.template.join(' ');
    return item;
  }
}

function stateText(state: TargetLook['state'], latencyNs: number | undefined): string {
  switch (state) {
    case 'off':
      return l10n.t('in use · helper starts at the first need');
    case 'starting':
      return l10n.t('in use · connecting…');
    case 'on':
      return latencyNs === undefined
        ? l10n.t('in use · connected')
        : l10n.t('in use · connected · {0} away', formatDuration(latencyNs));
    case 'lost':
      return l10n.t('in use · link lost, trying again…');
    case 'failed':
      return l10n.t('in use · not connected');
  }
}

function findingItem(name: string, finding: Finding): TreeItem {
  const item = new TreeItem(name);
  item.description = finding.detail;
  item.iconPath = finding.works
    ? new ThemeIcon('pass', new ThemeColor('testing.iconPassed'))
    : new ThemeIcon('circle-slash', new ThemeColor('disabledForeground'));
  const tooltip = new MarkdownString().appendText(finding.detail);
  if (finding.remedy !== undefined) tooltip.appendMarkdown('\n\n').appendText(finding.remedy);
  item.tooltip = tooltip;
  item.contextValue = finding.remedy === undefined ? 'finding' : 'finding remedy';
  item.accessibilityInformation = {
    label: `${name}: ${finding.works ? l10n.t('works') : l10n.t('does not work')}. ${finding.detail} ${finding.remedy ?? ''}`,
  };
  return item;
}

function containerItem(id: string, processes: readonly ProcessInfo[]): TreeItem {
  const item = new TreeItem(containerTitle(id, processes), TreeItemCollapsibleState.Collapsed);
  item.id = `container ${id}`;
  item.description = processes.length === 1 ? l10n.t('1 process') : l10n.t('{0} processes', processes.length);
  item.tooltip = id;
  item.iconPath = new ThemeIcon('package');
  item.contextValue = 'container';
  return item;
}

function processItem(process: ProcessInfo): TreeItem {
  const item = new TreeItem(processTitle(process));
  item.id = `process ${process.pid}`;
  item.description = processSummary(process);
  item.tooltip = new MarkdownString()
    .appendCodeblock(process.commandLine || process.command, 'sh')
    .appendText(processDetails(process));
  item.iconPath =
    process.debugInfo === true
      ? new ThemeIcon('symbol-method', new ThemeColor('charts.green'))
      : new ThemeIcon('gear');
  item.contextValue = 'process';
  item.accessibilityInformation = { label: `${process.command}: ${processDetails(process)}` };
  return item;
}
