/** The Probes view: each probe with its state and figures; below it where it is attached and what was lost. */
import {
  EventEmitter,
  MarkdownString,
  ThemeColor,
  ThemeIcon,
  TreeItem,
  TreeItemCollapsibleState,
  window,
  type Disposable,
  type TreeDataProvider,
  type TreeView,
} from 'vscode';
import { costLabel } from '../../protocol/cost.ts';
import { formatCount } from '../../protocol/format.ts';
import { notes } from '../editor/hover.ts';
import { figuresText, latencyRows, totalLost } from '../editor/labels.ts';
import type { ProbeSource, ProbeView } from '../probes/probe-view.ts';

/** A row below a probe: one fact. */
interface FactRow {
  readonly kind: 'fact';
  readonly probe: string;
  readonly label: string;
  readonly value: string;
  readonly icon?: string;
}
/** A probe's row, by key: the picture is read when the row is drawn. */
export interface ProbeRow {
  readonly kind: 'probe';
  readonly key: string;
}
type Row = ProbeRow | FactRow;

/** Figures in rows are drawn anew this often: a click is lost when its button is replaced between press and release. */
const REFRESH_MS = 2000;

export class ProbesView implements TreeDataProvider<Row>, Disposable {
  readonly #probes: ProbeSource;
  readonly #changed = new EventEmitter<Row | undefined>();
  readonly onDidChangeTreeData = this.#changed.event;
  readonly #rows = new Map<string, ProbeRow>();
  readonly #view: TreeView<Row>;
  readonly #listener: Disposable;
  #timer: NodeJS.Timeout | undefined;
  #present = '';
  #states = '';

  constructor(probes: ProbeSource) {
    this.#probes = probes;
    this.#view = window.createTreeView<Row>('probescope.probes', { treeDataProvider: this });
    this.#listener = probes.onDidChange(() => {
      const present = probes.probes.map(({ key }) => key).join('\n');
      const states = probes.probes.map(({ state, stale }) => `${state} ${stale}`).join('\n');
      // probes that come, go or change their state are seen at once
      if (present !== this.#present) this.#changed.fire(undefined);
      else if (states !== this.#states) this.#redraw();
      else if (this.#view.visible) this.#timer ??= setTimeout(() => this.#redraw(), REFRESH_MS);
      this.#present = present;
      this.#states = states;
    });
    this.#view.onDidChangeVisibility(({ visible }) => {
      if (visible) this.#redraw();
    });
  }

  getTreeItem(row: Row): TreeItem {
    if (row.kind === 'fact') return factItem(row);
    const probe = this.#probes.find(row.key);
    return probe === undefined ? new TreeItem('') : probeItem(probe);
  }

  getChildren(row?: Row): Row[] {
    if (row === undefined) return this.#probes.probes.map(({ key }) => this.#rowOf(key));
    const probe = row.kind === 'probe' ? this.#probes.find(row.key) : undefined;
    return probe === undefined ? [] : factRows(probe);
  }

  getParent(row: Row): Row | undefined {
    return row.kind === 'fact' ? this.#rowOf(row.probe) : undefined;
  }

  async reveal(key: string): Promise<void> {
    await this.#view.reveal(this.#rowOf(key), { select: true, focus: true, expand: true });
  }

  dispose(): void {
    clearTimeout(this.#timer);
    this.#listener.dispose();
    this.#view.dispose();
    this.#changed.dispose();
  }

  #rowOf(key: string): ProbeRow {
    const row = this.#rows.get(key) ?? { kind: 'probe', key };
    this.#rows.set(key, row);
    return row;
  }

  /**
   * Row by row: drawing the whole tree anew forgets its rows for a moment, and a button that is pressed in it would come
   * without its probe.
   */
  #redraw(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    for (const { key } of this.#probes.probes) this.#changed.fire(this.#rowOf(key));
  }
}

function probeItem(probe: ProbeView): TreeItem {
  const { key, title, state, figures, place, measures } = probe;
  const item = new TreeItem(title, TreeItemCollapsibleState.Collapsed);
  item.id = key;
  item.description = description(probe);
  item.iconPath = stateIcon(probe);
  item.contextValue = [
    'probe',
    state === 'starting' || state === 'running' ? 'running' : 'paused',
    ...measures,
    ...(place === undefined ? [] : ['place']),
    ...(probe.pinned ? ['pinned'] : []),
  ].join(' ');
  const tooltip = new MarkdownString('', true);
  tooltip.appendText(`${title}: ${measures.join(', ')}`);
  for (const note of notes(probe)) tooltip.appendMarkdown('\n\n$(warning) ').appendText(note);
  item.tooltip = tooltip;
  item.accessibilityInformation = {
    label: `${title}, ${state}, ${figures === undefined ? 'no figures yet' : figuresText(figures)}`,
  };
  if (place !== undefined)
    item.command = { command: 'probescope.revealProbe', title: 'Go to Source', arguments: [key] };
  return item;
}

function description({ state, figures, stale, origin, moment }: ProbeView): string {
  const measured = figures !== undefined && figures.count > 0;
  switch (state) {
    case 'starting':
      return 'attaching…';
    case 'running':
      return `${measured ? figuresText(figures) : 'no call yet'}${stale ? ' · stale' : ''}`;
    case 'paused':
      if (!measured) return origin ?? 'paused';
      return origin === undefined
        ? `paused · ${figuresText(figures, false)}`
        : `${figuresText(figures, false)} · ${moment === undefined ? '' : `${moment}, `}${origin}`;
    case 'ended':
      return 'stopped';
  }
}

function stateIcon({ state, stale }: ProbeView): ThemeIcon {
  switch (state) {
    case 'starting':
      return new ThemeIcon('loading~spin');
    case 'running':
      return stale
        ? new ThemeIcon('warning', new ThemeColor('list.warningForeground'))
        : new ThemeIcon('pulse', new ThemeColor('charts.green'));
    case 'paused':
      return new ThemeIcon('debug-pause');
    case 'ended':
      return new ThemeIcon('error', new ThemeColor('list.errorForeground'));
  }
}

function factRows(probe: ProbeView): FactRow[] {
  const { key, figures, binary, pid, sites, refused, place, state, hitNs, lastRateHz } = probe;
  const fact = (label: string, value: string, icon?: string): FactRow => ({
    kind: 'fact',
    probe: key,
    label,
    value,
    ...(icon === undefined ? {} : { icon }),
  });
  const rows: FactRow[] = [];
  if (figures?.latency !== undefined && figures.count > 0)
    rows.push(...latencyRows(figures.latency, figures.count).map(([label, value]) => fact(label, value)));
  if (figures !== undefined) {
    rows.push(fact('calls', formatCount(figures.count)));
    if (figures.stacks !== undefined) rows.push(fact('stacks', formatCount(figures.stacks)));
    const lost = totalLost(figures.lost);
    rows.push(fact('lost', lost === 0 ? 'nothing' : formatCount(lost), lost === 0 ? undefined : 'warning'));
  }
  rows.push(fact(pid === undefined ? 'binary' : `process ${pid}`, binary));
  if (state === 'running')
    rows.push(
      fact(
        'attached',
        `${sites} of ${sites + refused.length} ${refused.length + sites === 1 ? 'site' : 'sites'}`,
      ),
    );
  if (hitNs !== undefined) rows.push(fact('cost', costLabel(hitNs, lastRateHz)));
  if (place !== undefined) rows.push(fact('source', `${place.file}:${place.line}`));
  for (const note of notes(probe)) rows.push(fact('note', note, 'warning'));
  return rows;
}

function factItem({ label, value, icon, probe }: FactRow): TreeItem {
  const item = new TreeItem(label);
  item.id = `${probe}\u0000${label}\u0000${label === 'note' ? value : ''}`;
  item.description = value;
  item.tooltip = `${label}: ${value}`;
  item.contextValue = 'fact';
  if (icon !== undefined) item.iconPath = new ThemeIcon(icon, new ThemeColor('list.warningForeground'));
  return item;
}
