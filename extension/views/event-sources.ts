/** What can be observed on the target: a lazy tree over up to 100,000 sources, with a filter and favourites. */
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
  type Memento,
  type TreeDataProvider,
} from 'vscode';
import {
  type EventField,
  type SourceDescription,
  type SourceKind,
  type SourceListing,
  sourceKinds,
} from '../../protocol/events.ts';
import type { Problem } from '../../protocol/errors.ts';
import type { HelperConnection } from '../core/connection.ts';
import { SourceIndex, type IndexedSource } from '../core/source-index.ts';

export type SourceNode =
  | { readonly kind: 'favourites' }
  /** `pending`: the listing is still being made. */
  | { readonly kind: 'kind'; readonly listing: SourceListing; readonly pending?: true }
  | { readonly kind: 'group'; readonly listing: SourceListing; readonly at: number }
  | { readonly kind: 'source'; readonly source: IndexedSource }
  | { readonly kind: 'field'; readonly field: EventField }
  | { readonly kind: 'message'; readonly text: string; readonly problem?: Problem };

const TITLES: Readonly<Record<SourceKind, readonly [title: string, icon: string]>> = {
  tracepoint: ['Tracepoints', 'symbol-event'],
  syscall: ['System Calls', 'terminal'],
  'kernel-function': ['Kernel Functions', 'symbol-method'],
  'raw-tracepoint': ['Raw Tracepoints', 'symbol-event'],
  usdt: ['USDT Probes', 'symbol-interface'],
  'user-function': ['User Functions', 'symbol-function'],
  software: ['Software Events', 'pulse'],
  hardware: ['Hardware Events', 'circuit-board'],
  timer: ['Timers', 'watch'],
};

/** Has 60,000 names and more, which take as long to list as all other kinds together: the view is shown before they are there. */
const LARGE: SourceKind = 'kernel-function';

interface Loading {
  /** All kinds but the large one. */
  readonly first: Promise<readonly SourceListing[]>;
  /** All kinds, with the index for the filter. */
  readonly all: Promise<{ readonly listings: readonly SourceListing[]; readonly index: SourceIndex }>;
}

/** So many matches are drawn; who reads further narrows the filter. */
const MAX_MATCHES = 300;
const FAVOURITES = 'probescope.favouriteSources';

export class EventSourcesView implements TreeDataProvider<SourceNode>, Disposable {
  readonly #connect: () => Promise<HelperConnection>;
  readonly #memory: Memento;
  readonly #changed = new EventEmitter<SourceNode | undefined>();
  readonly onDidChangeTreeData = this.#changed.event;
  readonly #tree;
  #loading: Loading | undefined;
  /** What {@link Loading.all} gave. */
  #loaded: { readonly listings: readonly SourceListing[]; readonly index: SourceIndex } | undefined;
  #filter = '';

  constructor(connect: () => Promise<HelperConnection>, memory: Memento) {
    this.#connect = connect;
    this.#memory = memory;
    this.#tree = window.createTreeView('probescope.eventSources', {
      treeDataProvider: this,
      canSelectMany: true,
      showCollapseAll: true,
    });
  }

  get filter(): string {
    return this.#filter;
  }

  setFilter(text: string): void {
    this.#filter = text.trim();
    this.#tree.description = this.#filter;
    this.#changed.fire(undefined);
  }

  refresh(): void {
    this.#loading = undefined;
    this.#loaded = undefined;
    this.#changed.fire(undefined);
  }

  toggleFavourite({ id }: IndexedSource): void {
    const known = this.#favourites();
    const next = known.includes(id) ? known.filter((one) => one !== id) : [...known, id];
    void this.#memory.update(FAVOURITES, next);
    this.#changed.fire(undefined);
  }

  dispose(): void {
    this.#tree.dispose();
    this.#changed.dispose();
  }

  #favourites(): readonly string[] {
    return this.#memory.get<readonly string[]>(FAVOURITES, []);
  }

  #load(): Loading {
    if (this.#loading !== undefined) return this.#loading;
    const list = async (kinds: readonly SourceKind[]) =>
      (await (await this.#connect()).call('listSources', { kinds })).listings;
    const first = list(sourceKinds.filter((kind) => kind !== LARGE));
    const all = first.then(async (small) => {
      const listings = inOrder([...small, ...(await list([LARGE]))]);
      return { listings, index: new SourceIndex(listings) };
    });
    const loading: Loading = { first, all };
    this.#loading = loading;
    all.then(
      (loaded) => {
        if (this.#loading !== loading) return;
        this.#loaded = loaded;
        this.#changed.fire(undefined);
      },
      () => {
        // A helper that could not be started may be the next time.
        if (this.#loading === loading) this.#loading = undefined;
      },
    );
    return loading;
  }

  async getChildren(node?: SourceNode): Promise<SourceNode[]> {
    try {
      return await this.#childrenOf(node);
    } catch (error) {
      return [{ kind: 'message', text: error instanceof Error ? error.message : String(error) }];
    }
  }

  async #childrenOf(node: SourceNode | undefined): Promise<SourceNode[]> {
    switch (node?.kind) {
      case undefined:
        return this.#filter === '' ? this.#roots() : this.#matches();
      case 'favourites': {
        const wanted = new Set(this.#favourites());
        const { index } = await this.#load().all;
        return index.sources.filter(({ id }) => wanted.has(id)).map((source) => ({ kind: 'source', source }));
      }
      case 'kind': {
        if (node.pending === undefined) return this.#groups(node.listing);
        const { listings } = await this.#load().all;
        return listings.filter(({ kind }) => kind === LARGE).flatMap((listing) => this.#groups(listing));
      }
      case 'group':
        return this.#sourcesOf(node.listing, node.at);
      case 'source':
        return this.#fields(node.source);
      default:
        return [];
    }
  }

  async #roots(): Promise<SourceNode[]> {
    const favourites: SourceNode[] = this.#favourites().length === 0 ? [] : [{ kind: 'favourites' }];
    if (this.#loaded !== undefined)
      return [
        ...favourites,
        ...this.#loaded.listings.map((listing): SourceNode => ({ kind: 'kind', listing })),
      ];
    const first = await this.#load().first;
    const kinds = inOrder([...first, { kind: LARGE, groups: [] }]).map((listing): SourceNode => ({
      kind: 'kind',
      listing,
      ...(listing.kind === LARGE ? { pending: true } : {}),
    }));
    return [...favourites, ...kinds];
  }

  async #matches(): Promise<SourceNode[]> {
    const { index } = await this.#load().all;
    const { total, best } = index.search(this.#filter, MAX_MATCHES);
    const rest: SourceNode[] =
      total > best.length
        ? [{ kind: 'message', text: l10n.t('{0} more match: type on to narrow them', total - best.length) }]
        : [];
    if (total === 0) return [{ kind: 'message', text: l10n.t('Nothing matches “{0}”', this.#filter) }];
    return [...best.map((source): SourceNode => ({ kind: 'source', source })), ...rest];
  }

  #groups(listing: SourceListing): SourceNode[] {
    const message: SourceNode[] =
      listing.problem === undefined
        ? []
        : [{ kind: 'message', text: listing.problem.message, problem: listing.problem }];
    if (listing.groups.every(({ group }) => group === ''))
      return [...message, ...listing.groups.flatMap((_, at) => this.#sourcesOf(listing, at))];
    return [...message, ...listing.groups.map((_, at): SourceNode => ({ kind: 'group', listing, at }))];
  }

  #sourcesOf({ kind, groups }: SourceListing, at: number): SourceNode[] {
    const { group = '', names = [], refused } = groups[at] ?? {};
    return names.map((name) => ({
      kind: 'source',
      source: {
        id: [kind, ...(group === '' ? [] : [group]), name].join(':'),
        kind,
        group,
        name,
        ...(refused === undefined ? {} : { refused }),
      },
    }));
  }

  async #fields({ id }: IndexedSource): Promise<SourceNode[]> {
    const { fields, notes } = await (await this.#connect()).call('describeSource', { id });
    const shown = fields.map((field): SourceNode => ({ kind: 'field', field }));
    const said = notes.map((text): SourceNode => ({ kind: 'message', text }));
    return shown.length + said.length === 0
      ? [{ kind: 'message', text: l10n.t('It carries no fields') }]
      : [...shown, ...said];
  }

  getTreeItem(node: SourceNode): TreeItem {
    switch (node.kind) {
      case 'favourites':
        return branch(l10n.t('Favourites'), 'star-full', String(this.#favourites().length), true);
      case 'kind': {
        const [title, icon] = TITLES[node.listing.kind];
        const count = node.listing.groups.reduce((sum, { names }) => sum + names.length, 0);
        const item = branch(title, icon, node.pending === true ? '…' : count.toLocaleString('en-US'));
        item.contextValue = `kind ${node.listing.kind}`;
        return item;
      }
      case 'group': {
        const { group = '', names = [] } = node.listing.groups[node.at] ?? {};
        return branch(group, 'symbol-namespace', names.length.toLocaleString('en-US'));
      }
      case 'source':
        return this.#sourceItem(node.source);
      case 'field':
        return fieldItem(node.field);
      case 'message': {
        const item = new TreeItem(node.text);
        item.iconPath = new ThemeIcon('info');
        item.tooltip =
          node.problem?.remedy === undefined ? node.text : `${node.text}\n${node.problem.remedy}`;
        return item;
      }
    }
  }

  #sourceItem(source: IndexedSource): TreeItem {
    const { refused, group, name, kind } = source;
    const item = new TreeItem(name, TreeItemCollapsibleState.Collapsed);
    const favourite = this.#favourites().includes(source.id);
    if (this.#filter !== '') item.description = group === '' ? TITLES[kind][0] : group;
    // The icon's colour and the words say it both.
    if (refused !== undefined) {
      item.description = l10n.t('cannot be traced here');
      item.iconPath = new ThemeIcon('circle-slash', new ThemeColor('disabledForeground'));
    } else item.iconPath = new ThemeIcon(favourite ? 'star-full' : TITLES[kind][1]);
    item.contextValue = [
      'source',
      kind,
      refused === undefined ? 'traceable' : 'refused',
      favourite ? 'favourite' : 'plain',
    ].join(' ');
    item.id = `${this.#filter}|${favourite ? 'f' : ''}|${source.id}`;
    return item;
  }

  async resolveTreeItem(item: TreeItem, node: SourceNode): Promise<TreeItem> {
    if (node.kind !== 'source') return item;
    try {
      item.tooltip = tooltipOf(await (await this.#connect()).call('describeSource', { id: node.source.id }));
    } catch (error) {
      item.tooltip = error instanceof Error ? error.message : String(error);
    }
    return item;
  }
}

function inOrder(listings: readonly SourceListing[]): SourceListing[] {
  return sourceKinds.flatMap((kind) => listings.filter((listing) => listing.kind === kind));
}

function branch(label: string, icon: string, description: string, open = false): TreeItem {
  const item = new TreeItem(
    label,
    open ? TreeItemCollapsibleState.Expanded : TreeItemCollapsibleState.Collapsed,
  );
  item.iconPath = new ThemeIcon(icon);
  item.description = description;
  return item;
}

function fieldItem({ name, type, sizeBytes, meaning }: EventField): TreeItem {
  const item = new TreeItem(name);
  item.description = `${type} · ${sizeBytes} B${meaning === undefined ? '' : ` · ${meaning}`}`;
  item.iconPath = new ThemeIcon('symbol-field');
  item.tooltip = item.description;
  item.contextValue = 'field';
  return item;
}

function tooltipOf({ id, summary, prototype, format, refused, notes }: SourceDescription): MarkdownString {
  const text = new MarkdownString();
  text.appendMarkdown(`**\`${id.replaceAll('`', '')}\`**\n\n`);
  text.appendText(`${summary}\n`);
  if (refused !== undefined) text.appendText(`\n${refused.message} ${refused.remedy ?? ''}\n`);
  if (prototype !== undefined) text.appendCodeblock(prototype, 'c');
  for (const note of notes) text.appendText(`\n${note}\n`);
  if (format !== undefined) text.appendCodeblock(format.slice(0, 4000), 'c');
  return text;
}
