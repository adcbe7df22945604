import type { FlameChange, FlameOptions, FlameToHost } from '../../protocol/flame.ts';
import { patternOf } from '../../profile/picture.ts';
import { searchLayout } from '../../profile/search.ts';
import type { SearchResult } from '../../profile/search.ts';
import { actionsFor } from './actions.ts';
import { showBreadcrumbs } from './breadcrumbs.ts';
import { FlameCanvas } from './canvas.ts';
import type { Paint, Spot } from './canvas.ts';
import type { FromWorker, GroupFacts, ProfileFacts } from './channel.ts';
import { Controls } from './controls.ts';
import type { Described } from './describe.ts';
import { frameOf, linesOf, sentenceOf } from './describe.ts';
import { element } from './dom.ts';
import { formatShare, formatWeight } from './format.ts';
import { Gestures } from './gestures.ts';
import { directionOf, keyHelp } from './keys.ts';
import { Minimap } from './minimap.ts';
import { clampRange, namesTo, neighbour, nodeOf } from './model.ts';
import type { Range } from './model.ts';
import { Outline } from './outline.ts';
import { ContextMenu, Tooltip } from './overlays.ts';
import { changePaint, fillsOf } from './paint.ts';
import { Pane } from './panes.ts';
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
  readonly #breadcrumbs = element('nav', { className: 'breadcrumbs', 'aria-label': 'Path to the frame' });
  readonly #status = element('footer', { className: 'status', 'aria-live': 'polite' });
  readonly #empty = element('div', { className: 'empty' }, 'Waiting for the profile…');
  readonly #flame = element('div', {
    className: 'flame',
    tabIndex: 0,
    role: 'tree',
    'aria-label': 'Flame graph',
    hidden: true,
  });
  readonly #minimap: Minimap;
  readonly #canvas: FlameCanvas;
  readonly #gestures: Gestures;
  readonly #outline: Outline;
  readonly #tooltip = new Tooltip();
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
  #hovered: Spot | undefined;
  #selected: Spot | undefined;
  #search: SearchResult | undefined;
  #searched = '';
  #match = -1;
  #notice: string | undefined;
  #frameRequested = false;

  constructor(root: HTMLElement, events: ViewEvents) {
    this.#events = events;
    this.#controls = new Controls({
      change: events.change,
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
    root.append(
      this.#controls.bar,
      this.#notes,
      this.#breadcrumbs,
      this.#minimap.element,
      this.#flame,
      this.#empty,
      this.#status,
      this.#tooltip.element,
      this.#menu.element,
    );
    this.#canvas = new FlameCanvas(this.#flame);
    this.#outline = new Outline(this.#flame);
    this.#flame.append(this.#outline.element);
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
  }

  /** Shows a picture that the worker made. */
  show(picture: Picture): void {
    const before = this.#picture;
    this.#facts = picture.facts ?? this.#facts;
    this.#groups = picture.groups ?? this.#groups;
    if (this.#facts === undefined || this.#groups === undefined) return;
    const { layout, callers, options } = picture;
    const selected =
      this.#selected === undefined || before === undefined
        ? undefined
        : namesTo(this.#selected.pane.layout, this.#selected.node, this.#namesBefore);
    this.#namesBefore = this.#groups.names;
    this.#picture = picture;
    this.#hovered = undefined;
    this.#tooltip.hide();
    this.#panes =
      callers === undefined
        ? [new Pane(layout, options.rootOnTop, 0)]
        : [new Pane(callers, false, 2), new Pane(layout, true, 1)];
    const main = this.#panes.at(-1)!;
    this.#selected =
      selected === undefined ? undefined : { pane: main, node: nodeOf(layout, selected, this.#groups.names) };
    const hasContent = layout.frame.length > 1 && layout.total[0]! > 0;
    this.#flame.hidden = !hasContent;
    this.#empty.hidden = hasContent;
    if (!hasContent)
      this.#empty.textContent =
        picture.profileTotal > 0
          ? 'No stack passes the filters. Take one back above.'
          : 'This profile holds no samples.';
    this.#controls.show(options, this.#facts);
    this.#showNotes();
    this.useTheme();
    this.#restoreRange(before);
    if (this.#searched !== '') this.search(this.#searched);
    this.#showStatus();
  }
  #namesBefore: readonly string[] = [];

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
      ...(this.#search === undefined ? {} : { matching: this.#search.matchingFrames }),
    };
    this.#arrange();
    this.#minimap.draw(picture.layout, this.#paint.fillOfGroup, this.#theme);
    this.#requestFrame();
  }

  /** Marks what matches and tells how much it weighs. An empty text ends the search. */
  search(text: string): void {
    this.#searched = text;
    this.#match = -1;
    if (this.#controls.searchField.value !== text) this.#controls.searchField.value = text;
    const { layout } = this.#picture ?? {};
    const paint = this.#paint;
    if (layout === undefined || this.#groups === undefined || paint === undefined) return;
    if (text === '') {
      this.#search = undefined;
      this.#controls.showFound('');
      const { matching: _, ...rest } = paint;
      this.#paint = rest;
    } else {
      this.#search = searchLayout(layout, this.#groups.names, patternOf(text));
      this.#paint = { ...paint, matching: this.#search.matchingFrames };
      this.#showFound();
    }
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
      ...(this.#facts?.notes ?? []),
      ...(this.#picture?.remarks ?? []),
    ];
    this.#notes.replaceChildren(...notes.map((note) => element('p', {}, note)));
  }

  #showFound(): void {
    const found = this.#search;
    const picture = this.#picture;
    if (found === undefined || picture === undefined) return;
    const share = formatShare(found.weight, picture.shownTotal);
    const which = this.#match < 0 ? '' : `${(this.#match + 1).toLocaleString('en-US')} of `;
    this.#controls.showFound(
      found.outermost.length === 0
        ? 'nothing found'
        : `${share} · ${which}${found.outermost.length.toLocaleString('en-US')}`,
    );
  }

  #stepMatch(direction: 1 | -1): void {
    const found = this.#search?.outermost;
    if (found === undefined || found.length === 0) return;
    this.#match =
      this.#match < 0 && direction < 0
        ? found.length - 1
        : (this.#match + direction + found.length) % found.length;
    this.#showFound();
    const pane = this.#panes.at(-1)!;
    this.#select({ pane, node: found[this.#match]! }, true);
  }

  /** Keeps the zoomed frame, or the share of the axis, when a picture replaces another. */
  #restoreRange(before: Picture | undefined): void {
    const { layout } = this.#picture!;
    const total = layout.total[0]!;
    const old = before?.layout.total[0] ?? 0;
    let range: Range = { from: 0, to: total };
    if (this.#zoomed !== undefined) {
      const node = nodeOf(layout, this.#zoomed, this.#groups!.names);
      range = { from: layout.x[node]!, to: layout.x[node]! + layout.total[node]! };
    } else if (old > 0 && this.#range.to - this.#range.from < old) {
      const scale = total / old;
      range = { from: this.#range.from * scale, to: this.#range.to * scale };
    }
    if (total > 0) this.#gestures.goTo(clampRange(layout, range), false);
  }

  /** Gives panes their share of the canvas. */
  #arrange(): void {
    this.#canvas.resize();
    const { widthPx, heightPx } = this.#canvas;
    this.#gestures.resize(widthPx, heightPx, this.#picture?.layout.total[0] ?? 1);
    const [first, second] = this.#panes;
    if (first === undefined) return;
    if (second === undefined) {
      first.topPx = 0;
      first.heightPx = heightPx;
    } else {
      // callers take what they need, at most half
      first.topPx = 0;
      first.heightPx = Math.min(Math.max(0, first.contentPx), Math.floor(heightPx / 2));
      second.topPx = first.heightPx;
      second.heightPx = heightPx - first.heightPx;
    }
    for (const pane of this.#panes) pane.scrollTo(pane.scrollPx);
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
    if (this.#canvas.resize()) this.#arrange();
    for (const pane of this.#panes) pane.cull(this.#range, this.#canvas.widthPx);
    this.#canvas.draw(this.#panes, this.#paint, this.#theme);
    this.#mark();
    this.#minimap.follow(this.#range, unit);
  }

  #mark(): void {
    if (this.#theme === undefined) return;
    this.#canvas.mark(this.#hovered, this.#selected, this.#theme, (pane) =>
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
    this.#selected = spot;
    const { pane, node } = spot;
    if (reveal) {
      pane.reveal(pane.layout.depth[node]!);
      const left = pane.layout.x[node]!;
      const right = left + pane.layout.total[node]!;
      const width = this.#range.to - this.#range.from;
      const tooNarrow = ((right - left) / width) * this.#canvas.widthPx < 4;
      if (tooNarrow || right <= this.#range.from || left >= this.#range.to) {
        // wide enough to be seen and read, with its neighbours around it
        const span = tooNarrow ? (right - left) * 8 : width;
        const from = (left + right - span) / 2;
        this.#gestures.goTo(clampRange(pane.layout, { from, to: from + span }), true);
      }
    }
    this.#outline.show(pane.layout, node, this.#described);
    showBreadcrumbs(this.#breadcrumbs, pane.layout, node, this.#groups!, (to) => {
      this.zoomTo({ pane, node: to });
    });
    this.#showStatus();
    this.#requestFrame();
  }

  #showStatus(): void {
    const spot = this.#selected;
    if (this.#picture === undefined || this.#facts === undefined) return;
    const { shownTotal, profileTotal, layout } = this.#picture;
    if (spot === undefined) {
      this.#status.textContent = `${this.#facts.title}: ${formatWeight(shownTotal, this.#facts.unit)}${
        shownTotal < profileTotal ? ` (${formatShare(shownTotal, profileTotal)} of the profile)` : ''
      }, ${(layout.frame.length - 1).toLocaleString('en-US')} frames`;
      showBreadcrumbs(this.#breadcrumbs, layout, 0, this.#groups!, () => {
        this.showAll();
      });
    } else this.#status.textContent = sentenceOf(spot.pane.layout, spot.node, this.#described);
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
    flame.addEventListener('pointermove', (event) => {
      const spot = this.#spotAt(event);
      if (spot?.node !== this.#hovered?.node || spot?.pane !== this.#hovered?.pane) {
        this.#hovered = spot;
        this.#mark();
      }
      if (spot === undefined) this.#tooltip.hide();
      else
        this.#tooltip.show(
          event.clientX,
          event.clientY,
          linesOf(spot.pane.layout, spot.node, this.#described),
        );
    });
    flame.addEventListener('pointerleave', () => {
      this.#hovered = undefined;
      this.#tooltip.hide();
      this.#mark();
    });
    flame.addEventListener('click', (event) => {
      const spot = this.#spotAt(event);
      if (spot === undefined) return;
      flame.focus();
      this.#select(spot, false);
      // the second click of a double click zooms
      if (event.detail === 1) this.#openSource(spot, event.ctrlKey || event.metaKey);
    });
    flame.addEventListener('dblclick', (event) => {
      const spot = this.#spotAt(event);
      if (spot !== undefined) this.zoomTo(spot);
    });
    flame.addEventListener('contextmenu', (event) => {
      event.preventDefault();
      const keyboard = event.button !== 2;
      const spot = keyboard ? this.#selected : this.#spotAt(event);
      if (spot === undefined) return;
      this.#select(spot, false);
      this.#tooltip.hide();
      this.#menu.open(event.clientX, event.clientY, this.#actions(spot), flame);
    });
    flame.addEventListener('keydown', (event) => {
      if (this.#key(event)) event.preventDefault();
    });
    new ResizeObserver(() => {
      this.#arrange();
      if (this.#picture !== undefined && this.#paint !== undefined && this.#theme !== undefined) {
        this.#minimap.draw(this.#picture.layout, this.#paint.fillOfGroup, this.#theme);
        this.#gestures.goTo(clampRange(this.#picture.layout, this.#range), false);
      }
      this.#requestFrame();
    }).observe(flame);
    // VS Code changes the body's class and variables when the theme changes
    new MutationObserver(() => {
      this.useTheme();
    }).observe(document.body, { attributes: true, attributeFilter: ['class', 'data-vscode-theme-id'] });
  }

  /** True when the key means something here. */
  #key(event: KeyboardEvent): boolean {
    const { options } = this.#picture ?? {};
    if (options === undefined || event.ctrlKey || event.metaKey || event.altKey) return false;
    const pane = this.#selected?.pane ?? this.#panes.at(-1)!;
    const spot = this.#selected ?? { pane, node: 0 };
    const direction = directionOf(event.key, pane.down);
    if (direction !== undefined) {
      this.#select({ pane, node: neighbour(pane.layout, spot.node, direction) }, true);
      return true;
    }
    switch (event.key) {
      case '/':
        this.#controls.searchField.focus();
        return true;
      case 'n':
        this.#stepMatch(1);
        return true;
      case 'N':
        this.#stepMatch(-1);
        return true;
      case '+':
      case '=':
      case 'w':
        this.#gestures.zoomBy(1.5);
        return true;
      case '-':
        this.#gestures.zoomBy(1 / 1.5);
        return true;
      case 'a':
      case 'd':
        this.#gestures.panBy((event.key === 'a' ? -1 : 1) * this.#canvas.widthPx * 0.15);
        return true;
      case 'PageUp':
      case 'PageDown':
        this.#scroll((event.key === 'PageUp' ? -1 : 1) * pane.heightPx * 0.9, pane.topPx);
        return true;
      case 'Escape':
      case '0':
        if (event.key === 'Escape' && this.#searched !== '') this.search('');
        else this.showAll();
        return true;
      case '?':
        this.#showKeys(this.#flame.parentElement!);
        return true;
      case 'F10': {
        if (!event.shiftKey) return false;
        const box = this.#flame.getBoundingClientRect();
        this.#menu.open(
          box.left + 20,
          box.top + pane.rowTopPx(pane.layout.depth[spot.node]!) + 18,
          this.#actions(spot),
          this.#flame,
        );
        return true;
      }
      default: {
        const action = this.#actions(spot).find((each) => each.key === event.key && each.enabled);
        const shifted = event.key === 'Enter' && event.shiftKey;
        if (shifted) this.#openSource(spot, true);
        else action?.run();
        return shifted || action !== undefined;
      }
    }
  }

  #showKeys(root: HTMLElement): void {
    if (root.querySelector('.keys') !== null) return;
    const box = keyHelp(() => {
      box.remove();
      this.#flame.focus();
    });
    root.append(box);
  }

  get options(): FlameOptions | undefined {
    return this.#picture?.options;
  }
}
