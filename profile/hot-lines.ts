import { frameKinds } from '../protocol/profile.ts';
import type { Profile, WeightUnit } from '../protocol/profile.ts';
import { textAt } from './strings.ts';

/** What a place in the source weighs, in the profile's unit. A stack counts once for a place, recursion or not. */
export interface PlaceWeight {
  /** Of the stacks that end in the place: its own code was running (or waiting, or counted). */
  readonly self: number;
  /**
   * {@link self}, and the stacks that end below it in code of which no line is here: kernel, libraries. Every stack is charged to one place at most, so that shares of the whole add up to 100 % or less.
   */
  readonly charged: number;
  /** Of the stacks in which the place stands at all. */
  readonly total: number;
}

/** A line counts from 1. */
export interface HotLine extends PlaceWeight {
  readonly file: HotFile;
  readonly line: number;
  /** The functions whose code the line is, the first found first; one that was inlined runs as a part of its callers. */
  readonly functions: readonly { readonly name: string; readonly inlined: boolean }[];
}

/** A function as far as its code lies in one file. */
export interface HotFunction extends PlaceWeight {
  readonly name: string;
  /** The first of its lines that any stack holds: at or below the line that declares it. */
  readonly firstLine: number;
}

export interface HotFile {
  /** Where it lies here. */
  readonly path: string;
  /** As the debug information spells it; the first spelling found. */
  readonly spelled: string;
  /** By line. */
  readonly lines: ReadonlyMap<number, HotLine>;
  readonly functions: readonly HotFunction[];
  /** Binaries and libraries that hold the code, where the profile names them. */
  readonly modules: ReadonlySet<string>;
}

/** Who called a line's function while the line was running: weight of the stacks, in the profile's unit. */
export interface LineCaller {
  /** Empty where nothing stands above the line. */
  readonly name: string;
  readonly file?: string;
  readonly line?: number;
  readonly weight: number;
}

/** As many as a node's depth can have (16 bits). */
const DEPTHS = 1 << 16;
const INLINED = frameKinds.indexOf('inlined');

type Writable<T> = { -readonly [Key in keyof T]: T[Key] };
interface GrowingFile extends HotFile {
  readonly lines: Map<
    number,
    Writable<HotLine> & { readonly functions: { name: string; inlined: boolean }[] }
  >;
  readonly functions: Writable<HotFunction>[];
  readonly modules: Set<string>;
}

/** The source files that a profile names, as it spells them. */
export function filesOf({ frames, strings }: Profile): string[] {
  const ids = new Set(frames.file);
  ids.delete(0);
  return [...ids].map((id) => textAt(strings, id));
}

/** A profile by the lines of its source files. Linear in its nodes; a million stacks take about a second. */
export class HotLines {
  readonly title: string;
  readonly unit: WeightUnit;
  readonly startedAtMs: number | undefined;
  /** Weight of the whole profile: what percentages are of. */
  readonly whole: number;
  readonly files: ReadonlyMap<string, HotFile>;
  readonly #profile: Profile;
  readonly #lineOfFrame: Uint32Array;
  readonly #lines: readonly HotLine[];

  /** `pathOf` says where a file that the profile names lies here; of what is nowhere, no line is known. */
  constructor(profile: Profile, pathOf: (spelled: string) => string | undefined) {
    this.#profile = profile;
    this.title = profile.title;
    this.unit = profile.unit;
    this.startedAtMs = profile.startedAtMs;
    this.whole = profile.nodes.self.reduce((sum, weight) => sum + weight, 0);
    const places = placesOf(profile, pathOf);
    this.files = places.files;
    this.#lineOfFrame = places.lineOfFrame;
    this.#lines = places.lines;
    weigh(profile, places.lineOfFrame, places.lines);
    weigh(profile, places.functionOfFrame, places.functions);
  }

  /** Weight that is charged to no line that is here. */
  get elsewhere(): number {
    return this.#lines.reduce((rest, { charged }) => rest - charged, this.whole);
  }

  /** Lines with a weight of their own, the heaviest {@link PlaceWeight.charged} first; equal ones by file and line. */
  hottest(): HotLine[] {
    return this.#lines
      .filter(({ charged }) => charged > 0)
      .sort(
        (a, b) =>
          b.charged - a.charged ||
          b.total - a.total ||
          (a.file.path < b.file.path ? -1 : a.file.path > b.file.path ? 1 : a.line - b.line),
      );
  }

  /**
   * The callers of a line, the heaviest first; their weights add up to the line's total. Of a recursive line the outermost call
   * counts. One pass over the tree.
   */
  callersOf(line: HotLine): LineCaller[] {
    const { frames, nodes, strings } = this.#profile;
    const wanted = this.#lines.indexOf(line) + 1;
    const weightOfFrame = new Map<number, number>();
    let end = -1;
    let cursor = 0;
    let startedAt = 0;
    let caller = 0;
    const path: number[] = [0];
    for (let node = 1; node <= nodes.frame.length; node++) {
      const depth = nodes.depth[node] ?? 0;
      if (end >= 0 && depth <= end) {
        weightOfFrame.set(caller, (weightOfFrame.get(caller) ?? 0) + cursor - startedAt);
        end = -1;
      }
      if (node === nodes.frame.length) break;
      const frame = nodes.frame[node]!;
      path[depth] = frame;
      if (end < 0 && this.#lineOfFrame[frame] === wanted) {
        end = depth;
        startedAt = cursor;
        caller = path[depth - 1]!;
      }
      cursor += nodes.self[node]!;
    }
    const callers = [...weightOfFrame].map(([frame, weight]): LineCaller => {
      const file = textAt(strings, frames.file[frame]!);
      const at = frames.line[frame]!;
      return {
        name: textAt(strings, frames.name[frame]!),
        ...(file === '' ? {} : { file, ...(at === 0 ? {} : { line: at }) }),
        weight,
      };
    });
    return callers.sort((a, b) => b.weight - a.weight);
  }
}

interface Places {
  readonly files: ReadonlyMap<string, HotFile>;
  /** Place `n` of these is `n + 1` in the arrays; 0 is a frame of which no line is known. */
  readonly lines: readonly Writable<HotLine>[];
  readonly functions: readonly Writable<HotFunction>[];
  readonly lineOfFrame: Uint32Array;
  readonly functionOfFrame: Uint32Array;
}

const unweighed: PlaceWeight = { self: 0, charged: 0, total: 0 };

function placesOf({ frames, strings }: Profile, pathOf: (spelled: string) => string | undefined): Places {
  const files = new Map<string, GrowingFile>();
  const lines: Writable<HotLine>[] = [];
  const functions: Writable<HotFunction>[] = [];
  const lineOfFrame = new Uint32Array(frames.name.length);
  const functionOfFrame = new Uint32Array(frames.name.length);
  const filesById = new Map<number, GrowingFile | undefined>();
  const fileOf = (id: number): GrowingFile | undefined => {
    if (filesById.has(id)) return filesById.get(id);
    const spelled = textAt(strings, id);
    const path = pathOf(spelled);
    let file = path === undefined ? undefined : files.get(path);
    if (path !== undefined && file === undefined)
      files.set(path, (file = { path, spelled, lines: new Map(), functions: [], modules: new Set() }));
    filesById.set(id, file);
    return file;
  };
  const lineIds = new Map<HotLine, number>();
  const functionIds = new Map<string, number>();
  for (let frame = 1; frame < frames.name.length; frame++) {
    const number = frames.line[frame]!;
    const fileId = frames.file[frame]!;
    if (fileId === 0 || number === 0) continue;
    const file = fileOf(fileId);
    if (file === undefined) continue;
    const name = textAt(strings, frames.name[frame]!);
    let line = file.lines.get(number);
    if (line === undefined) {
      line = { ...unweighed, file, line: number, functions: [] };
      file.lines.set(number, line);
      lineIds.set(line, lines.push(line));
    }
    const inlined = frames.kind[frame] === INLINED;
    if (!line.functions.some((known) => known.name === name && known.inlined === inlined))
      line.functions.push({ name, inlined });
    const module = textAt(strings, frames.module[frame]!);
    if (module !== '') file.modules.add(module);
    const key = `${file.path}\0${name}`;
    let id = functionIds.get(key);
    if (id === undefined) {
      const added = { ...unweighed, name, firstLine: number };
      file.functions.push(added);
      functionIds.set(key, (id = functions.push(added)));
    }
    const known = functions[id - 1]!;
    known.firstLine = Math.min(known.firstLine, number);
    lineOfFrame[frame] = lineIds.get(line)!;
    functionOfFrame[frame] = id;
  }
  return { files, lines, functions, lineOfFrame, functionOfFrame };
}

/**
 * All three weights in one pass without a tree of positions: a profile of a million stacks has five million nodes, and
 * nothing else runs in the extension's host meanwhile.
 */
function weigh(
  { nodes }: Profile,
  placeOfFrame: Uint32Array,
  places: readonly Writable<PlaceWeight>[],
): void {
  const { frame, depth, self: weight } = nodes;
  const self = new Float64Array(places.length + 1);
  const charged = new Float64Array(places.length + 1);
  const total = new Float64Array(places.length + 1);
  /** How many open nodes are in the place, and the weight that was passed when the first of them was opened. */
  const active = new Uint32Array(places.length + 1);
  const since = new Float64Array(places.length + 1);
  /** By depth: the place, and that of the innermost frame so far of which the line is here. */
  const open = new Uint32Array(DEPTHS);
  const nearest = new Uint32Array(DEPTHS);
  let top = 0;
  let passed = 0;
  const closeTo = (depthLeft: number): void => {
    for (; top >= depthLeft; top--) {
      const place = open[top]!;
      if (--active[place]! === 0) total[place]! += passed - since[place]!;
    }
  };
  for (let node = 1; node < frame.length; node++) {
    const at = depth[node]!;
    if (top >= at) closeTo(at);
    const place = placeOfFrame[frame[node]!]!;
    if (active[place]!++ === 0) since[place] = passed;
    open[at] = place;
    const near = (nearest[at] = place === 0 ? nearest[at - 1]! : place);
    top = at;
    self[place]! += weight[node]!;
    charged[near]! += weight[node]!;
    passed += weight[node]!;
  }
  closeTo(1);
  places.forEach((place, index) => {
    place.self = self[index + 1]!;
    place.charged = charged[index + 1]!;
    place.total = total[index + 1]!;
  });
}
