import type { Profile } from '../../protocol/profile.ts';
import type { ScriptMap } from '../../protocol/script.ts';
import { ProfileBuilder } from '../builder.ts';
import { addStacks, hasStack, splitKey } from './bpftrace-key.ts';

/** True for a map whose keys are stacks and whose values are weights: what a flame graph can show. */
export function isStackMap(map: ScriptMap): boolean {
  return (
    map.kind === 'values' &&
    map.keyed &&
    map.keys.some(hasStack) &&
    map.numbers.some((value) => value !== null)
  );
}

/** The profile of a map that {@link isStackMap}; undefined for any other. Keys without a stack are stacks of one frame. */
export function profileOfMap(map: ScriptMap): Profile | undefined {
  if (map.kind !== 'values' || !isStackMap(map)) return undefined;
  const builder = new ProfileBuilder(map.name, 'count');
  let withoutWeight = 0;
  for (const [index, key] of map.keys.entries()) {
    const weight = map.numbers[index] ?? null;
    if (weight === null || weight < 0) {
      withoutWeight++;
      continue;
    }
    const { stacks, others } = splitKey(key);
    addStacks(builder, stacks, others, weight);
  }
  if (withoutWeight > 0) builder.notes.push(`${withoutWeight} entries have no weight and are not shown.`);
  const missing = map.total - map.keys.length;
  if (missing > 0) builder.notes.push(`${missing} of ${map.total} entries were too many to be read.`);
  return builder.build();
}
