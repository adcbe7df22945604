import type { FlameChange, FlameOptions, FlameToHost } from '../../protocol/flame.ts';
import { actionsFor } from './actions.ts';
import { FlameCanvas } from './canvas.ts';
import type { Paint, Spot } from './canvas.ts';
import type { FromWorker, GroupFacts, ProfileFacts } from './channel.ts';
import { commandTable } from './commands.ts';
import { Controls } from './controls.ts';
import type { Described } from './describe.ts';
import { frameOf, linesOf, summaryOf } from './describe.ts';
import { element } from './dom.ts';
import { Gestures } from './gestures.ts';
import { Hover } from './hover.ts';
import { commandOf, directionOf, keyHelp } from './keys.ts';
import type { KeyCommand } from './keys.ts';
import { Minimap } from './minimap.ts';
import { carriedRange, clampRange, namesTo, neighbour, revealingRange } from './model.ts';
import type { Range } from './model.ts';
import { ContextMenu } from './overlays.ts';
import { changePaint, fillsOf } from './paint.ts';
import { arrangePanes, Pane } from './panes.ts';
import { listen } from './pointer.ts';
import { rehearsal } from './rehearsal.ts';
import { Search } from './search.ts';
import { Selection } from './selection.ts';
import { readTheme } from './theme.ts';
import type { Theme } from './theme.ts';

type Picture = Extract<FromWorker, { type: 'picture' }>;

export interface ViewEvents {
  readonly post: (message: FlameToHost) => void;
  /** The user changed what is shown: paint it anew. */
  readonly change: (options: FlameChange) => void;
  readonly save: (format: 'svg' | 'folded' | 'csv') => void;
}

/** The whole page: it shows pictures and keeps where the user looks while they are replaced. */
export class FlameView {
  readonly #events: ViewEvents;
  readonly #controls: Controls;
  readonly #notes = element('div', { className: 'notes', role: 'status' });
  readonly #empty = element('div', { className: 'empty' }, 'Waiting for the profile…');
  readonly #flame = element('div', {
    className: 'flame',
    tabIndex: 0,
    role: 'tree',
    'aria-label': 'Flame graph',
  });
  readonly #minimap: Minimap;
  readonly #canvas: FlameCanvas;
  readonly #gestures: Gestures;
  readonly #selection: Selection;
  readonly #hover = new Hover();
  readonly #menu = new ContextMenu();
  #theme: Theme | undefined;
  #picture: Picture | undefined;
  #facts: ProfileFacts | undefined;
  #groups: GroupFacts | undefined;
  #panes: Pane[] = [];
  #paint: Paint | undefined;
  #range: Range = { from: 0, to: 1 };
  /** Names to the node that is zoomed to: found again in the next picture. */
  #zoomed: string[] | undefined;
  readonly #search = new Search();
  #notice: string | undefined;
  #frameRequested = false;
  /** Stands in the place of a picture without stacks. */
  emptyText = 'This profile holds no samples.';

  constructor(root: HTMLElement, events: ViewEvents) {
    this.#events = events;
    this.#controls = new Controls({
      change: (options) => {
        // a sandwich is about a function: the chosen one, unless it is named
        const sandwich = options.arrangement === 'sandwich' ? this.#selection.functionName : undefined;
        events.change(sandwich === undefined ? options : { sandwich, ...options });
      },
      search: (text) => {
        this.search(text);
      },
      step: (direction) => {
        this.#stepMatch(direction);
      },
      save: events.save,
      help: () => {
        this.#showKeys(root);
      },
    });
    this.#minimap = new Minimap((range) => {
      this.#zoomed = undefined;
      if (range.to > range.from) this.#gestures.goTo(range, false);
    });
    this.#canvas = new FlameCanvas(this.#flame);
    this.#selection = new Selection(this.#flame, (spot) => {
      // all of it, while nothing is chosen
      if (this.#selection.spot === undefined) this.showAll();
      else this.zoomTo(spot);
    });
    root.append(
      this.#controls.bar,
      this.#notes,
      this.#selection.breadcrumbs,
      this.#minimap.element,
      element('div', { className: 'stage' }, this.#flame, this.#empty),
      this.#selection.status,
      this.#hover.element,
      this.#menu.element,
    );
    this.#gestures = new Gestures(this.#flame, {
      range: (range) => {
        if (this.#picture === undefined) return;
        this.#range = clampRange(this.#picture.layout, range);
        this.#requestFrame();
      },
      scroll: (deltaPx, yPx) => {
        this.#scroll(deltaPx, yPx);
      },
    });
    this.#listen();
    this.#showContent(false);
  }

  /**
   * Draws a picture of one frame, which nobody sees, and forgets it: what a first picture loads, lays out and compiles (theme, font,
   * number formats, canvases, d3) is there when the first profile comes.
   */
  prepare(options: FlameOptions): void {
    if (this.#picture !== undefined) return;
    this.show(rehearsal(options));
    this.#draw();
    this.#picture = this.#facts = this.#groups = this.#paint = undefined;
    this.#panes = [];
    this.#selection.clear();
    this.#showContent(false);
  }

  /** The picture, or the text in its place; hidden, the picture keeps its size, which {@link prepare} needs. */
  #showContent(hasContent: boolean): void {
    for (const each of [this.#flame, this.#minimap.element]) each.classList.toggle('unseen', !hasContent);
    this.#empty.hidden = hasContent;
  }

  /** Shows a picture that the worker made. */
  show(picture: Picture): void {
    const before = this.#picture;
    this.#facts = picture.facts ?? this.#facts;
    this.#groups = picture.groups ?? this.#groups;
    if (this.#facts === undefined || this.#groups === undefined) return;
    const { layout, callers, options } = picture;
    this.#picture = picture;
    this.#hover.leave();
    this.#panes =
      callers === undefined
        ? [new Pane(layout, options.rootOnTop, 0)]
        : [new Pane(callers, false, 2), new Pane(layout, true, 1)];
    const hasContent = layout.frame.length > 1 && layout.total[0]! > 0;
    this.#showContent(hasContent);
    if (!hasContent)
      this.#empty.textContent =
        picture.profileTotal > 0 ? 'No stack passes the filters. Take one back above.' : this.emptyText;
    this.#controls.show(options, this.#facts);
    this.#showNotes();
    // before anything is drawn: its texts decide how high the picture is
    this.#selection.follow(
      this.#panes.at(-1)!,
      callers !== undefined,
      this.#described,
      summaryOf(this.#facts, picture),
    );
    this.useTheme();
    this.#restoreRange(before);
    if (this.#search.text !== '') this.search(this.#search.text);
  }

  /** Reads the theme anew and draws everything. */
  useTheme(): void {
    const picture = this.#picture;
    if (picture === undefined || this.#groups === undefined) return;
    const { options } = picture;
    this.#theme = readTheme(options);
    this.#canvas.useTheme(this.#theme);
    const fillOfNode = changePaint(picture.layout, picture.callers, options, this.#theme);
    this.#paint = {
      fillOfGroup: fillsOf(this.#groups, options.colourBy, this.#theme),
      names: this.#groups.names,
      ...(fillOfNode === undefined ? {} : { fillOfNode }),
      ...(this.#search.matchingFrames === undefined ? {} : { matching: this.#search.matchingFrames }),
    };
    this.#arrange();
    this.#minimap.draw(this.#panes.at(-1)!, this.#paint, this.#theme);
    this.#requestFrame();
  }

  /** Marks what matches and tells how much it weighs. An empty text ends the search. */
  search(text: string): void {
    if (this.#controls.searchField.value !== text) this.#controls.searchField.value = text;
    const { layout, shownTotal } = this.#picture ?? {};
    const paint = this.#paint;
    if (layout === undefined || shownTotal === undefined || this.#groups === undefined || paint === undefined)
      return;
    this.#search.set(text, layout, this.#groups.names, shownTotal);
    this.#controls.showFound(this.#search.sentence());
    const { matching: _, ...rest } = paint;
    const matching = this.#search.matchingFrames;
    this.#paint = { ...rest, ...(matching === undefined ? {} : { matching }) };
    this.#requestFrame();
  }

  /** Says that the live profile has ended, and why. */
  tell(notice: string): void {
    this.#notice = notice;
    this.#showNotes();
  }

  #showNotes(): void {
    const notes = [
      ...(this.#notice === undefined ? [] : [this.#notice]),
      // about what was just asked for
      ...(this.#picture?.remarks ?? []),
      ...(this.#facts?.notes ?? []),
    ];
    this.#notes.replaceChildren(...notes.map((note) => element('p', {}, note)));
    this.#notes.classList.toggle('has-notice', this.#notice !== undefined);
  }

  #stepMatch(direction: 1 | -1): void {
    const node = this.#search.step(direction);
    this.#controls.showFound(this.#search.sentence());
    if (node !== undefined) this.#select({ pane: this.#panes.at(-1)!, node }, true);
  }

  /** Keeps the zoomed frame, or the share of the axis, when a picture replaces another. */
  #restoreRange(before: Picture | undefined): void {
    const { layout } = this.#picture!;
    if (!(layout.total[0]! > 0)) return;
    const range = carriedRange(layout, before?.layout, this.#range, this.#zoomed, this.#groups!.names);
    this.#gestures.goTo(clampRange(layout, range), false);
  }

  #arrange(): void {
    this.#canvas.resize();
    const { widthPx, heightPx } = this.#canvas;
    this.#gestures.resize(widthPx, heightPx, this.#picture?.layout.total[0] ?? 1);
    arrangePanes(this.#panes, heightPx);
  }

  #requestFrame(): void {
    if (this.#frameRequested) return;
    this.#frameRequested = true;
    requestAnimationFrame(() => {
      this.#frameRequested = false;
      this.#draw();
    });
  }

  #draw(): void {
    const { unit } = this.#facts ?? {};
    if (this.#theme === undefined || this.#paint === undefined || unit === undefined) return;
    if (this.#canvas.resize()) this.#fit();
    for (const pane of this.#panes) pane.cull(this.#range, this.#canvas.widthPx);
    this.#canvas.draw(this.#panes, this.#paint, this.#theme);
    this.#mark();
    this.#minimap.follow(this.#range, unit);
  }

  #mark(): void {
    if (this.#theme === undefined) return;
    this.#canvas.mark(this.#hover.spot, this.#selection.spot, this.#theme, (pane) =>
      clampRange(pane.layout, this.#range),
    );
  }

  #scroll(deltaPx: number, yPx: number): void {
    const pane = this.#panes.find((each) => yPx >= each.topPx && yPx < each.topPx + each.heightPx);
    if (pane === undefined) return;
    pane.scrollTo(pane.scrollPx + (pane.down ? deltaPx : -deltaPx));
    this.#requestFrame();
  }

  #spotAt(event: MouseEvent): Spot | undefined {
    const box = this.#flame.getBoundingClientRect();
    for (const pane of this.#panes) {
      const at = pane.rectangleAt(event.clientX - box.left, event.clientY - box.top);
      if (at >= 0 && pane.rectangles.node[at]! >= 0) return { pane, node: pane.rectangles.node[at]! };
    }
    return undefined;
  }

  get #described(): Described {
    return { groups: this.#groups!, unit: this.#facts!.unit, profileTotal: this.#picture!.profileTotal };
  }

  #select(spot: Spot, reveal: boolean): void {
    const { pane, node } = spot;
    if (reveal) {
      pane.reveal(pane.layout.depth[node]!);
      const range = revealingRange(pane.layout, node, this.#range, this.#canvas.widthPx);
      if (range !== undefined) this.#gestures.goTo(clampRange(pane.layout, range), true);
    }
    this.#selection.choose(spot, this.#described);
    this.#requestFrame();
  }

  /** Makes a frame as wide as the picture. */
  zoomTo(spot: Spot): void {
    const { layout } = spot.pane;
    const left = layout.x[spot.node]!;
    this.#zoomed = namesTo(layout, spot.node, this.#groups!.names);
    spot.pane.reveal(layout.depth[spot.node]!);
    this.#select(spot, false);
    this.#gestures.goTo({ from: left, to: left + layout.total[spot.node]! }, true);
  }

  showAll(): void {
    this.#zoomed = undefined;
    const total = this.#picture?.layout.total[0] ?? 0;
    if (total > 0) this.#gestures.goTo({ from: 0, to: total }, true);
  }

  #openSource(spot: Spot, beside: boolean): void {
    if (spot.node === 0) return;
    this.#events.post({
      type: 'openSource',
      frame: frameOf(spot.pane.layout, spot.node, this.#groups!),
      beside,
    });
  }

  #actions(spot: Spot) {
    const { options } = this.#picture!;
    return actionsFor(spot, options, this.#described, {
      post: this.#events.post,
      change: this.#events.change,
      open: (beside) => {
        this.#openSource(spot, beside);
      },
      zoom: () => {
        this.zoomTo(spot);
      },
    });
  }

  #listen(): void {
    const flame = this.#flame;
    listen(flame, {
      spotAt: (event) => this.#spotAt(event),
      hover: (spot, xPx, yPx) => {
        const lines = ({ pane, node }: Spot) => linesOf(pane.layout, node, this.#described);
        if (this.#hover.moveTo(spot, xPx, yPx, lines)) this.#mark();
      },
      click: (spot, open) => {
        this.#select(spot, false);
        if (open !== undefined) this.#openSource(spot, open === 'source-beside');
      },
      zoom: (spot) => {
        this.zoomTo(spot);
      },
      menu: (spot, xPx, yPx) => {
        const chosen = spot ?? this.#selection.spot;
        if (chosen === undefined) return;
        this.#select(chosen, false);
        this.#hover.hideTooltip();
        this.#menu.open(xPx, yPx, this.#actions(chosen), flame);
      },
      resize: () => {
        // also told when it is shown for the first time, at the size that it was drawn for
        if (!this.#canvas.resize()) return;
        this.#fit();
        this.#requestFrame();
      },
      theme: () => {
        this.useTheme();
      },
    });
    flame.addEventListener('keydown', (event) => {
      if (this.#key(event)) event.preventDefault();
    });
  }

  /** After the size has changed. */
  #fit(): void {
    this.#arrange();
    if (this.#picture === undefined || this.#paint === undefined || this.#theme === undefined) return;
    this.#minimap.draw(this.#panes.at(-1)!, this.#paint, this.#theme);
    this.#gestures.goTo(clampRange(this.#picture.layout, this.#range), false);
  }

  /** True when the key means something here. */
  #key(event: KeyboardEvent): boolean {
    if (this.#picture === undefined || event.ctrlKey || event.metaKey || event.altKey) return false;
    const pane = this.#selection.spot?.pane ?? this.#panes.at(-1)!;
    const spot = this.#selection.spot ?? { pane, node: 0 };
    const direction = directionOf(event.key, pane.down);
    if (direction !== undefined) {
      this.#select({ pane, node: neighbour(pane.layout, spot.node, direction) }, true);
      return true;
    }
    const command = commandOf(event);
    if (command === undefined) {
      const action = this.#actions(spot).find((each) => each.key === event.key && each.enabled);
      action?.run();
      return action !== undefined;
    }
    this.#commands()[command](spot);
    return true;
  }

  #commands(): Readonly<Record<KeyCommand, (spot: Spot) => void>> {
    return commandTable({
      gestures: this.#gestures,
      canvas: this.#canvas,
      focusSearch: () => {
        this.#controls.searchField.focus();
      },
      step: (direction) => {
        this.#stepMatch(direction);
      },
      scroll: (deltaPx, yPx) => {
        this.#scroll(deltaPx, yPx);
      },
      back: () => {
        if (this.#search.text !== '') this.search('');
        else this.showAll();
      },
      showAll: () => {
        this.showAll();
      },
      showKeys: () => {
        this.#showKeys(this.#flame.parentElement!);
      },
      openBeside: (spot) => {
        this.#openSource(spot, true);
      },
      openMenu: (spot, xPx, yPx) => {
        this.#menu.open(xPx, yPx, this.#actions(spot), this.#flame);
      },
    });
  }

  #showKeys(root: HTMLElement): void {
    if (root.querySelector('.keys') !== null) return;
    const box = keyHelp(() => {
      box.remove();
      this.#flame.focus();
    });
    root.append(box);
  }
}
