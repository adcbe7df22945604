import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ProfileBuilder } from '../../../profile/builder.ts';
import { hottestFunctions, statesOf } from '../../../profile/hottest.ts';
import { stateFrames } from '../../../profile/thread-states.ts';
import { stacks } from './slow.ts';

test('what the kernel does counts for its caller, each stack once, and states are no functions', () => {
  const { blocked, running } = stateFrames;
  fc.assert(
    fc.property(stacks, fc.boolean(), (list, hideKernel) => {
      const builder = new ProfileBuilder('test', 'nanoseconds');
      const frame = (name: string): number =>
        builder.frame({ name, kind: name === 'c' || name === 'd' ? 'kernel' : 'user' });
      const state = (index: number): string => (index % 2 === 0 ? blocked : running);
      list.forEach(({ frames, weight }, index) => {
        builder.add(builder.stack([...frames, state(index)].map(frame)), weight);
      });
      const profile = builder.build();
      const visible = list.map(({ frames, weight }) => ({
        weight,
        frames: frames.filter((name) => !hideKernel || (name !== 'c' && name !== 'd')),
      }));
      const sum = (of: (frames: readonly string[]) => boolean): number =>
        visible.filter(({ frames }) => of(frames)).reduce((total, { weight }) => total + weight, 0);
      const expected = ['a', 'b', 'c', 'd', 'main']
        .map((name) => ({
          name,
          self: sum((frames) => frames.at(-1) === name),
          total: sum((frames) => frames.includes(name)),
        }))
        .filter(({ self }) => self > 0);
      const found = hottestFunctions(profile, { hideKernel, most: 10 });
      expect(found.toSorted((a, b) => a.name.localeCompare(b.name))).toEqual(expected);
      expect(found.map(({ self }) => self)).toEqual(found.map(({ self }) => self).toSorted((a, b) => b - a));
      const inState = (wanted: string): number =>
        list.filter((_, index) => state(index) === wanted).reduce((total, { weight }) => total + weight, 0);
      for (const { state: name, self } of statesOf(profile)) expect(self).toBe(inState(name));
    }),
  );
});
