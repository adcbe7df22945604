import { frameKinds, type Profile } from '../protocol/profile.ts';
import { groupFrames } from './groups.ts';
import { layOutTree, LEFT_OUT, recast } from './recast.ts';
import { stateFrames } from './thread-states.ts';
import { totalsOf, totalsOfLayout } from './totals.ts';

const KERNEL = frameKinds.indexOf('kernel');

export interface HotFunction {
  readonly name: string;
  readonly self: number;
  readonly total: number;
}

export interface HottestOptions {
  /** The weight of kernel frames goes to the function that called the kernel. */
  readonly hideKernel: boolean;
  readonly most: number;
}

/** The functions with the most weight of their own, the most first; what a thread did (`[blocked]`) is no function. */
export function hottestFunctions(profile: Profile, { hideKernel, most }: HottestOptions): HotFunction[] {
  const { frames, nodes } = profile;
  const groups = groupFrames(profile, 'function');
  const states = new Set<string>(Object.values(stateFrames));
  const frameMap = Int32Array.from(groups.ofFrame, (group, frame) =>
    (hideKernel && frames.kind[frame] === KERNEL) || states.has(groups.name[group]!) ? LEFT_OUT : group,
  );
  const layout = layOutTree(recast(nodes, nodes.self, { frameMap, collapse: false }));
  const { self, total } = totalsOfLayout(layout, (group) => group, groups.name.length);
  return groups.name
    .map((name, group) => ({ name, self: self[group]!, total: total[group]! }))
    .slice(1)
    .filter((each) => each.self > 0)
    .sort((a, b) => b.self - a.self)
    .slice(0, most);
}

/** The weight of each state that threads were in, in a profile by the wall clock; empty in any other. */
export function statesOf(profile: Profile): { readonly state: string; readonly self: number }[] {
  const groups = groupFrames(profile, 'function');
  const { self } = totalsOf(profile.nodes, groups.ofFrame, groups.name.length);
  return Object.values(stateFrames).flatMap((state) => {
    const group = groups.name.indexOf(state);
    return group < 0 ? [] : [{ state, self: self[group]! }];
  });
}
