import fc from 'fast-check';
import { expect, test } from 'vitest';
import { decodeProfile, encodeProfile, faultOf } from '../../../profile/codec.ts';
import { compareProfiles } from '../../../profile/compare.ts';
import { ProfileBuilder } from '../../../profile/builder.ts';
import { layOut, pathTo } from '../../../profile/layout.ts';
import { Painter } from '../../../profile/picture.ts';
import { searchLayout } from '../../../profile/search.ts';
import { groupFrames } from '../../../profile/groups.ts';
import { totalsOf } from '../../../profile/totals.ts';
import { defaultFlameOptions } from '../../../protocol/flame.ts';
import type { FlameOptions } from '../../../protocol/flame.ts';
import { frameNames, layoutTotals, profileOf, slowTotals, sorted, stacks } from './slow.ts';
import type { SlowStack } from './slow.ts';

const paint = (list: readonly SlowStack[], options: Partial<FlameOptions>) =>
  new Painter(profileOf(list)).paint({ ...defaultFlameOptions, ...options });
const totals = (list: readonly SlowStack[], options: Partial<FlameOptions>) => {
  const { layout, names } = paint(list, options);
  return sorted(layoutTotals(layout, names));
};
/** What an empty profile's picture is: a root of no weight. */
const expected = (list: readonly SlowStack[]) => {
  const slow = slowTotals(list);
  if (!slow.has('')) slow.set('', 0);
  return sorted(slow);
};
const dropEmpty = (list: readonly SlowStack[]) => list.filter(({ frames }) => frames.length > 0);

test('totals of every path equal those added up one by one', () => {
  fc.assert(
    fc.property(stacks, (list) => {
      expect(totals(list, {})).toEqual(expected(list));
    }),
  );
});

test('preorder is left heavy and siblings tile their parent from the left', () => {
  fc.assert(
    fc.property(stacks, (list) => {
      const { nodes } = profileOf(list);
      const layout = layOut(nodes, true);
      for (let i = 0; i < nodes.frame.length; i++) {
        let next = layout.x[i]!;
        let last = Infinity;
        for (let child = i + 1; child < layout.end[i]!; child = layout.end[child]!) {
          expect(layout.depth[child]).toBe(layout.depth[i]! + 1);
          expect(layout.x[child]).toBe(next);
          expect(layout.total[child]).toBeLessThanOrEqual(last);
          last = layout.total[child]!;
          next += last;
        }
        expect(next + layout.self[i]!).toBe(layout.x[i]! + layout.total[i]!);
        expect(pathTo(layout, i)).toHaveLength(layout.depth[i]! + 1);
      }
    }),
  );
});

test('inverted: each stack backwards', () => {
  fc.assert(
    fc.property(stacks, (list) => {
      const backwards = list.map(({ frames, weight }) => ({ frames: [...frames].reverse(), weight }));
      expect(totals(list, { arrangement: 'inverted' })).toEqual(expected(backwards));
    }),
  );
});

test('focus keeps what is below the outermost frame of the name', () => {
  fc.assert(
    fc.property(stacks, (list) => {
      const below = dropEmpty(
        list.map(({ frames, weight }) => ({
          frames: frames.includes('b') ? frames.slice(frames.indexOf('b')) : [],
          weight,
        })),
      );
      expect(totals(list, { focus: 'b' })).toEqual(
        list.some(({ frames }) => frames.includes('b')) ? expected(below) : expected(list),
      );
    }),
  );
});

test('sandwich: callees below the outermost frame, callers above it, nearest first', () => {
  fc.assert(
    fc.property(stacks, (list) => {
      fc.pre(list.some(({ frames }) => frames.includes('c')));
      const inside = list.filter(({ frames }) => frames.includes('c'));
      const { layout, callers, names } = paint(list, { arrangement: 'sandwich', sandwich: 'c' });
      expect(sorted(layoutTotals(layout, names))).toEqual(
        expected(inside.map(({ frames, weight }) => ({ frames: frames.slice(frames.indexOf('c')), weight }))),
      );
      expect(sorted(layoutTotals(callers!, names))).toEqual(
        expected(
          inside.map(({ frames, weight }) => ({
            frames: frames.slice(0, frames.indexOf('c') + 1).reverse(),
            weight,
          })),
        ),
      );
    }),
  );
});

test('hiding gives the weight to the caller; recursion collapses', () => {
  fc.assert(
    fc.property(stacks, (list) => {
      const without = list.map(({ frames, weight }) => ({
        frames: frames.filter((name) => name !== 'b'),
        weight,
      }));
      expect(totals(list, { hidden: ['b'] })).toEqual(expected(without));
      const collapsed = without.map(({ frames, weight }) => ({
        frames: frames.filter((name, i) => name !== frames[i - 1]),
        weight,
      }));
      expect(totals(list, { hidden: ['b'], collapseRecursion: true })).toEqual(expected(collapsed));
    }),
  );
});

test('a filter keeps the stacks with a matching frame', () => {
  fc.assert(
    fc.property(stacks, (list) => {
      expect(totals(list, { filter: '^MAIN$' })).toEqual(
        expected(list.filter(({ frames }) => frames.includes('main'))),
      );
    }),
  );
});

test('differences equal those of the two profiles, as weights and as shares', () => {
  fc.assert(
    fc.property(stacks, stacks, fc.boolean(), (before, after, normalised) => {
      const sum = (list: SlowStack[]) => list.reduce((total, { weight }) => total + weight, 0);
      fc.pre(sum(before) > 0 && sum(after) > 0);
      const scale = normalised ? sum(after) / sum(before) : 1;
      const { layout, names } = new Painter(compareProfiles(profileOf(before), profileOf(after))).paint({
        ...defaultFlameOptions,
        normalised,
      });
      const found = layoutTotals(layout, names, layout.delta);
      const [slowBefore, slowAfter] = [slowTotals(before), slowTotals(after)];
      const paths = new Set([...slowBefore.keys(), ...slowAfter.keys()]);
      expect(new Set(found.keys())).toEqual(paths);
      for (const path of paths)
        expect(found.get(path)).toBeCloseTo(
          (slowAfter.get(path) ?? 0) - (slowBefore.get(path) ?? 0) * scale,
          6,
        );
      expect(sorted(layoutTotals(layout, names)).filter(([, total]) => total > 0)).toEqual(sorted(slowAfter));
    }),
  );
});

test('the whole of a picture whose widths are the baseline’s is the baseline', () => {
  const before = profileOf([{ frames: ['main', 'a'], weight: 3 }]);
  const after = profileOf([{ frames: ['main', 'a'], weight: 40 }]);
  const painter = new Painter(compareProfiles(before, after));
  for (const [widths, whole] of [
    ['before', 3],
    ['after', 40],
  ] as const) {
    const { profileTotal, shownTotal } = painter.paint({ ...defaultFlameOptions, widths });
    expect([profileTotal, shownTotal]).toEqual([whole, whole]);
  }
});

test('search counts each stack once; function totals too', () => {
  fc.assert(
    fc.property(stacks, (list) => {
      const profile = profileOf(list);
      const wanted = list.filter(({ frames }) => frames.some((name) => /a|c/.test(name) && name !== 'main'));
      const found = searchLayout(layOut(profile.nodes, true), frameNames(profile), /^[ac]$/);
      expect(found.weight).toBe(wanted.reduce((sum, { weight }) => sum + weight, 0));
      const groups = groupFrames(profile, 'function');
      const { self, total } = totalsOf(profile.nodes, groups.ofFrame, groups.name.length);
      groups.name.forEach((name, group) => {
        if (group === 0) return;
        const weigh = (keep: (stack: SlowStack) => boolean) =>
          list.filter(keep).reduce((sum, { weight }) => sum + weight, 0);
        expect(total[group]).toBe(weigh(({ frames }) => frames.includes(name)));
        expect(self[group]).toBe(weigh(({ frames }) => frames.at(-1) === name));
      });
    }),
  );
});

test('decode ∘ encode is identity, and damage is told instead of drawn', () => {
  fc.assert(
    fc.property(stacks, fc.nat(), fc.integer({ min: 0, max: 255 }), (list, at, byte) => {
      const profile = profileOf(list);
      const encoded = encodeProfile(profile);
      const { samples: _, ...decoded } = decodeProfile(encoded);
      expect(decoded).toEqual(profile);
      const damaged = encoded.slice(0, at % 2 === 0 ? encoded.length : at % encoded.length);
      if (damaged.length > 0) damaged[at % damaged.length] = byte;
      try {
        // what passes must be safe to lay out
        layOut(decodeProfile(damaged).nodes, true);
      } catch (thrown) {
        expect(thrown).toHaveProperty('code', expect.stringMatching(/malformed-file|unsupported-file/));
      }
    }),
  );
});

test('time order, lanes, and filters by time and thread', () => {
  const builder = new ProfileBuilder('timed', 'samples');
  const one = builder.thread({ pid: 1, tid: 1, name: 'one' });
  const two = builder.thread({ pid: 1, tid: 2, name: 'two' });
  const stack = (...names: string[]) => builder.stack(names.map((name) => builder.frame({ name })));
  builder.sample(stack('a', 'b'), 1, 30, one);
  builder.sample(stack('a'), 1, 10, one);
  builder.sample(stack('a', 'c'), 1, 20, one);
  builder.sample(stack('a', 'b'), 1, 40, one);
  builder.sample(stack('z'), 1, 5, two);
  const painter = new Painter(builder.build());
  const shown = (options: Partial<FlameOptions>) => {
    const { layout, names } = painter.paint({ ...defaultFlameOptions, ...options });
    return [...layout.frame.keys()].map(
      (i) =>
        `${'.'.repeat(layout.depth[i]!)}${i === 0 ? '' : names[layout.frame[i]!]} ${layout.x[i]}+${layout.total[i]}`,
    );
  };
  expect(shown({ arrangement: 'time-ordered' })).toEqual([
    ' 0+5',
    '.one (1) 0+4',
    '..a 0+4',
    '...c 1+1',
    '...b 2+2',
    '.two (2) 4+1',
    '..z 4+1',
  ]);
  expect(shown({ threadLanes: true, threads: [0] })).toEqual([
    ' 0+4',
    '.one (1) 0+4',
    '..a 0+4',
    '...b 0+2',
    '...c 2+1',
  ]);
  expect(shown({ timeRangeNs: [5, 11] })).toEqual([' 0+2', '.a 0+1', '.z 1+1']);
  expect(faultOf(painter.profile)).toBeUndefined();
});

test('files and modules are called by their names first: folders are what many have in common', () => {
  const builder = new ProfileBuilder('test', 'samples');
  const frames = [
    { name: 'a', file: '/src/lib/a.c', module: '/usr/lib/libz.so.1' },
    { name: 'b', module: '/usr/lib/libz.so.1' },
    { name: 'c', module: '[kernel]', kind: 'kernel' as const },
    { name: 'd', file: 'd.c' },
  ];
  builder.add(builder.stack(frames.map((frame) => builder.frame(frame))), 1);
  const profile = builder.build();
  expect(groupFrames(profile, 'file').name.slice(1)).toEqual([
    'a.c (/src/lib/a.c)',
    '(no file) libz.so.1 (/usr/lib/libz.so.1)',
    '(no file) [kernel]',
    'd.c',
  ]);
  expect(groupFrames(profile, 'module').name.slice(1)).toEqual([
    'libz.so.1 (/usr/lib/libz.so.1)',
    '[kernel]',
    '(unknown module)',
  ]);
});
