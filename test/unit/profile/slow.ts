import fc from 'fast-check';
import { ProfileBuilder } from '../../../profile/builder.ts';
import type { Layout } from '../../../profile/layout.ts';
import type { Profile } from '../../../protocol/profile.ts';
import { textAt } from '../../../profile/strings.ts';

/** The obvious representation that the fast ones are held against: names outermost first, and a weight. */
export interface SlowStack {
  readonly frames: readonly string[];
  readonly weight: number;
}

/** Few names and shallow stacks, so that recursion, shared prefixes and equal stacks are frequent. */
export const stacks: fc.Arbitrary<SlowStack[]> = fc.array(
  fc.record({
    frames: fc.array(fc.constantFrom('a', 'b', 'c', 'd', 'main'), { minLength: 1, maxLength: 8 }),
    weight: fc.integer({ min: 1, max: 50 }),
  }),
  { maxLength: 30 },
);

export function profileOf(list: readonly SlowStack[], title = 'test'): Profile {
  const builder = new ProfileBuilder(title, 'samples');
  for (const { frames, weight } of list)
    builder.add(builder.stack(frames.map((name) => builder.frame({ name }))), weight);
  return builder.build();
}

/** Total of each path (names joined by `;`), every prefix counted: what a flame graph is. */
export function slowTotals(list: readonly SlowStack[]): Map<string, number> {
  const totals = new Map<string, number>();
  for (const { frames, weight } of list) {
    for (let depth = 0; depth <= frames.length; depth++) {
      const key = frames.slice(0, depth).join(';');
      totals.set(key, (totals.get(key) ?? 0) + weight);
    }
  }
  return totals;
}

/** The same of a layout, `column` being `total` or `delta`. */
export function layoutTotals(
  layout: Layout,
  names: readonly string[],
  column: Float64Array = layout.total,
): Map<string, number> {
  const totals = new Map<string, number>();
  const path: string[] = [];
  for (let i = 0; i < layout.frame.length; i++) {
    path.length = Math.max(0, layout.depth[i]! - 1);
    if (i > 0) path.push(names[layout.frame[i]!]!);
    const key = path.join(';');
    totals.set(key, (totals.get(key) ?? 0) + column[i]!);
  }
  return totals;
}

export function frameNames(profile: Profile): string[] {
  return [...profile.frames.name].map((name) => textAt(profile.strings, name));
}

/** In order of keys, so that maps compare by content. */
export const sorted = (map: Map<string, number>): [string, number][] =>
  [...map].sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
