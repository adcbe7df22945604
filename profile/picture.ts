import type { FlameOptions } from '../protocol/flame.ts';
import { frameKinds } from '../protocol/profile.ts';
import type { Profile, SampleTable } from '../protocol/profile.ts';
import type { Comparison } from './compare.ts';
import { groupFrames, isLibrary } from './groups.ts';
import type { Groups } from './groups.ts';
import { timeOrdered, withLanes } from './lanes.ts';
import { layOut } from './layout.ts';
import type { Layout } from './layout.ts';
import { callersOf, inverted, layOutTree, LEFT_OUT, recast, recastMapped } from './recast.ts';
import type { Recast } from './recast.ts';
import { textAt } from './strings.ts';

const KERNEL = frameKinds.indexOf('kernel');

/** Everything a view needs for one state of its options. `layout.frame` holds group ids. */
export interface Picture {
  readonly layout: Layout;
  /** Sandwich only: the function's callers, nearest first. */
  readonly callers?: Layout;
  /** Groups, then the threads where there are lanes. */
  readonly names: readonly string[];
  readonly groups: Groups;
  /** Weight of all that is shown, and of the whole profile. */
  readonly shownTotal: number;
  readonly profileTotal: number;
  /** Why something could not be shown as asked, as sentences. */
  readonly remarks: readonly string[];
}

/** A profile, or two on one tree, with what was derived from it kept for the next picture. */
export class Painter {
  readonly profile: Profile;
  readonly #comparison: Comparison | undefined;
  readonly #groups = new Map<string, Groups>();

  constructor(source: Profile | Comparison) {
    this.#comparison = 'profile' in source ? source : undefined;
    this.profile = 'profile' in source ? source.profile : source;
  }

  groups(grouping: FlameOptions['grouping']): Groups {
    let groups = this.#groups.get(grouping);
    if (groups === undefined) this.#groups.set(grouping, (groups = groupFrames(this.profile, grouping)));
    return groups;
  }

  paint(options: FlameOptions): Picture {
    const { profile } = this;
    const groups = this.groups(options.grouping);
    const remarks: string[] = [];
    const how = this.#recast(options, groups, remarks);
    const selection = selectionOf(profile, options);
    const { self, delta } = this.#weights(options, selection);
    const laneNames = profile.threads.map((thread) => `${thread.name || 'thread'} (${thread.tid})`);
    const shape = (): Layout => {
      const { samples } = profile;
      const timed = options.arrangement === 'time-ordered';
      if (samples !== undefined && (timed || options.threadLanes)) {
        const mapped = recastMapped(profile.nodes, self, how);
        const chosen = selection ?? ((): boolean => true);
        const lanes = options.threadLanes || profile.threads.length > 1 ? groups.name.length : undefined;
        if (timed) return timeOrdered(mapped, samples, chosen, profile.threads.length, lanes);
        const tree = withLanes(mapped, samples, chosen, profile.threads.length, groups.name.length);
        return layOutTree(options.arrangement === 'inverted' ? inverted(tree) : tree);
      }
      if (timed) remarks.push('This profile holds totals only, no times: it is shown heaviest first.');
      else if (options.threadLanes)
        remarks.push('This profile does not say which thread a stack belongs to.');
      if (options.arrangement === 'inverted')
        return layOutTree(inverted(recast(profile.nodes, self, how, delta)));
      return this.#plain(groups, how, options, selection !== undefined)
        ? layOut(profile.nodes, true)
        : layOutTree(recast(profile.nodes, self, how, delta));
    };
    const sandwich = options.arrangement === 'sandwich' ? groups.name.indexOf(options.sandwich ?? '', 1) : -1;
    let callers: Layout | undefined;
    let layout: Layout;
    if (sandwich > 0) {
      layout = layOutTree(recast(profile.nodes, self, { ...how, focus: sandwich }, delta));
      callers = layOutTree(callersOf(recast(profile.nodes, self, how, delta), sandwich));
    } else {
      if (options.arrangement === 'sandwich')
        remarks.push(
          options.sandwich === undefined
            ? 'Of which function? Select a frame and press S, or right-click one and choose Show Callers and Callees.'
            : `No frame is called ${options.sandwich}.`,
        );
      layout = shape();
    }
    return {
      layout,
      ...(callers === undefined ? {} : { callers }),
      names: profile.samples === undefined ? groups.name : [...groups.name, ...laneNames],
      groups,
      shownTotal: layout.total[0]!,
      profileTotal:
        this.#comparison !== undefined && options.widths === 'before'
          ? this.#comparison.beforeTotal
          : profile.nodes.self.reduce((sum, weight) => sum + weight, 0),
      remarks,
    };
  }

  /** Nothing is asked for that needs another tree than the stored one. */
  #plain(groups: Groups, how: Recast, options: FlameOptions, selected: boolean): boolean {
    return (
      groups.identity &&
      !selected &&
      this.#comparison === undefined &&
      !how.collapse &&
      how.focus === undefined &&
      how.wanted === undefined &&
      options.hidden.length === 0 &&
      !options.hideKernel &&
      !options.hideLibraries
    );
  }

  #recast(options: FlameOptions, groups: Groups, remarks: string[]): Recast {
    const { frames, strings } = this.profile;
    const frameMap = Int32Array.from(groups.ofFrame);
    const hidden = new Set(options.hidden);
    const libraries = options.hideLibraries ? libraryModules(this.profile) : undefined;
    if (libraries?.size === 0)
      remarks.push(
        'No frame is known to be in a library: the profile names no modules, or none that is a library.',
      );
    for (let f = 1; f < frameMap.length; f++) {
      const kernel = frames.kind[f] === KERNEL;
      if (
        (kernel && options.hideKernel) ||
        (!kernel && libraries?.has(frames.module[f]!) === true) ||
        (hidden.size > 0 && hidden.has(groups.name[groups.ofFrame[f]!]!))
      )
        frameMap[f] = LEFT_OUT;
    }
    const focus = options.focus === undefined ? -1 : groups.name.indexOf(options.focus, 1);
    if (options.focus !== undefined && focus < 0) remarks.push(`No frame is called ${options.focus}.`);
    const pattern = options.filter === '' ? undefined : patternOf(options.filter, remarks);
    let wanted: Uint8Array | undefined;
    if (pattern !== undefined) {
      const byName = new Map<number, number>();
      wanted = Uint8Array.from(frames.name, (name) => {
        let fits = byName.get(name);
        if (fits === undefined) byName.set(name, (fits = pattern.test(textAt(strings, name)) ? 1 : 0));
        return fits;
      });
      wanted[0] = 0;
    }
    return {
      frameMap,
      collapse: options.collapseRecursion,
      ...(focus < 0 ? {} : { focus }),
      ...(wanted === undefined ? {} : { wanted }),
    };
  }

  #weights(
    options: FlameOptions,
    selection: ((sample: number) => boolean) | undefined,
  ): { self: Float64Array; delta?: Float64Array } {
    const { nodes, samples } = this.profile;
    const comparison = this.#comparison;
    if (comparison !== undefined) {
      const { beforeSelf, beforeTotal, afterTotal } = comparison;
      const scale = options.normalised && beforeTotal > 0 ? afterTotal / beforeTotal : 1;
      const delta = new Float64Array(nodes.self.length);
      for (let i = 0; i < delta.length; i++) delta[i] = nodes.self[i]! - beforeSelf[i]! * scale;
      return { self: options.widths === 'after' ? nodes.self : beforeSelf, delta };
    }
    if (selection === undefined || samples === undefined) return { self: nodes.self };
    const self = new Float64Array(nodes.self.length);
    for (let i = 0; i < samples.node.length; i++)
      if (selection(i)) self[samples.node[i]!]! += samples.weight[i]!;
    return { self };
  }
}

/** The samples that time range and threads leave, or undefined for all of them. */
function selectionOf(profile: Profile, options: FlameOptions): ((sample: number) => boolean) | undefined {
  const { samples } = profile;
  if (samples === undefined || (options.timeRangeNs === undefined && options.threads === undefined))
    return undefined;
  const [from, to] = options.timeRangeNs ?? [-Infinity, Infinity];
  const allowed = new Uint8Array(profile.threads.length).fill(options.threads === undefined ? 1 : 0);
  for (const thread of options.threads ?? []) allowed[thread] = 1;
  return selected(samples, from, to, allowed);
}

const selected =
  (samples: SampleTable, from: number, to: number, allowed: Uint8Array) =>
  (i: number): boolean =>
    samples.timeNs[i]! >= from && samples.timeNs[i]! < to && allowed[samples.thread[i]!] === 1;

/** A search or filter as the user typed it: a regular expression, or plain text when it is none. */
export function patternOf(text: string, remarks: string[] = []): RegExp {
  try {
    return new RegExp(text, 'i');
  } catch {
    remarks.push(`“${text}” is no regular expression; it is searched for as it stands.`);
    return new RegExp(text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'), 'i');
  }
}

/** Modules that are shared libraries. */
function libraryModules(profile: Profile): Set<number> {
  const { frames, strings } = profile;
  const modules = new Set(frames.module);
  for (const module of modules)
    if (module === 0 || !isLibrary(textAt(strings, module))) modules.delete(module);
  return modules;
}
