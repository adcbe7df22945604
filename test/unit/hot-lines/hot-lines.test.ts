import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ProfileBuilder } from '../../../profile/builder.ts';
import { HotLines } from '../../../profile/hot-lines.ts';
import type { Profile } from '../../../protocol/profile.ts';

const here = (file: string) => (file === '/gone.c' ? undefined : file);

interface SlowFrame {
  readonly name: string;
  readonly file?: string;
  readonly line?: number;
}
interface SlowStack {
  readonly frames: readonly SlowFrame[];
  readonly weight: number;
}

const known = fc.record({
  name: fc.constantFrom('f', 'g'),
  file: fc.constantFrom('/a.c', '/b.c'),
  line: fc.integer({ min: 1, max: 3 }),
});
const unknown: fc.Arbitrary<SlowFrame> = fc.constantFrom(
  { name: 'memcpy' },
  { name: 'f', file: '/a.c' },
  { name: 'h', file: '/gone.c', line: 1 },
  { name: 'g' },
);
const stacks = fc.array(
  fc.record({
    frames: fc.array(fc.oneof({ weight: 3, arbitrary: known }, unknown), { maxLength: 7 }),
    weight: fc.integer({ min: 1, max: 50 }),
  }),
  { maxLength: 25 },
);

function profileOf(list: readonly SlowStack[]): Profile {
  const builder = new ProfileBuilder('test', 'samples');
  for (const { frames, weight } of list)
    builder.add(builder.stack(frames.map((frame) => builder.frame(frame))), weight);
  return builder.build();
}

const placeOf = ({ file, line }: SlowFrame): string | undefined =>
  file !== undefined && file !== '/gone.c' && line !== undefined ? `${file}:${line}` : undefined;
const functionOf = (frame: SlowFrame): string | undefined =>
  placeOf(frame) && `${frame.file ?? ''} ${frame.name}`;

/** Stack by stack, as the definitions say it. */
function slowWeights(list: readonly SlowStack[], keyOf: (frame: SlowFrame) => string | undefined) {
  const weights = new Map<string, { self: number; charged: number; total: number }>();
  for (const { frames, weight } of list) {
    const keys = frames.map(keyOf);
    for (const key of new Set(keys)) {
      if (key === undefined) continue;
      const sum = weights.get(key) ?? { self: 0, charged: 0, total: 0 };
      sum.total += weight;
      if (keys.at(-1) === key) sum.self += weight;
      if (keys.findLast((each) => each !== undefined) === key) sum.charged += weight;
      weights.set(key, sum);
    }
  }
  return weights;
}

test('lines and functions weigh what adding stack by stack gives, each stack once', () => {
  fc.assert(
    fc.property(stacks, (list) => {
      const hot = new HotLines(profileOf(list), here);
      const lines = new Map<string, unknown>();
      const functions = new Map<string, unknown>();
      for (const file of hot.files.values()) {
        for (const { line, self, charged, total } of file.lines.values())
          lines.set(`${file.path}:${line}`, { self, charged, total });
        for (const { name, self, charged, total } of file.functions)
          functions.set(`${file.path} ${name}`, { self, charged, total });
      }
      expect(lines).toEqual(slowWeights(list, placeOf));
      expect(functions).toEqual(slowWeights(list, functionOf));
      expect(hot.whole).toBe(list.reduce((sum, { weight }) => sum + weight, 0));
    }),
  );
});

test('callers of a line are those of its outermost call in each stack, and add up to its total', () => {
  fc.assert(
    fc.property(stacks, (list) => {
      const hot = new HotLines(profileOf(list), here);
      for (const line of [...hot.files.values()].flatMap((file) => [...file.lines.values()])) {
        const slow = new Map<string, number>();
        for (const { frames, weight } of list) {
          const at = frames.findIndex((frame) => placeOf(frame) === `${line.file.path}:${line.line}`);
          if (at < 0) continue;
          const caller = frames[at - 1];
          const key = caller === undefined ? '' : JSON.stringify([caller.name, caller.file, caller.line]);
          slow.set(key, (slow.get(key) ?? 0) + weight);
        }
        const callers = hot.callersOf(line);
        const found = callers.map(({ name, file, line: at, weight }) => [
          name === '' ? '' : JSON.stringify([name, file, at]),
          weight,
        ]);
        expect(new Map(found as [string, number][])).toEqual(slow);
        expect(callers.reduce((sum, { weight }) => sum + weight, 0)).toBe(line.total);
        expect(callers.map(({ weight }) => weight)).toEqual(
          callers.map(({ weight }) => weight).sort((a, b) => b - a),
        );
      }
    }),
  );
});

test('what is charged to lines never exceeds the whole, and the hottest come first', () => {
  fc.assert(
    fc.property(stacks, (list) => {
      const hot = new HotLines(profileOf(list), here);
      const hottest = hot.hottest();
      expect(hot.elsewhere).toBeGreaterThanOrEqual(0);
      expect(hottest.reduce((sum, { charged }) => sum + charged, 0)).toBe(hot.whole - hot.elsewhere);
      hottest.forEach(({ charged }, at) => {
        expect(charged).toBeLessThanOrEqual(hottest[at - 1]?.charged ?? Infinity);
      });
    }),
  );
});

test('a recursive line counts once, inlined code at its own line, and the kernel below it is charged to it', () => {
  const builder = new ProfileBuilder('shop', 'nanoseconds');
  const main = builder.frame({ name: 'main', file: '/src/shop.c', line: 9, module: '/bin/shop' });
  const tree = builder.frame({ name: 'tree', file: '/src/./render.c', line: 4, module: '/bin/shop' });
  const clamp = builder.frame({
    ...{ name: 'clamp', file: '/src/render.c', line: 2, module: '/bin/shop', kind: 'inlined' },
  });
  const sleep = builder.frame({ name: 'do_nanosleep', module: '[kernel]', kind: 'kernel' });
  builder.add(builder.stack([main, tree, tree, clamp]), 5);
  builder.add(builder.stack([main, tree, tree, sleep]), 10);
  const hot = new HotLines(builder.build(), (file) => file.replace('/./', '/'));
  const file = hot.files.get('/src/render.c');
  expect([...hot.files.keys()]).toEqual(['/src/shop.c', '/src/render.c']);
  expect([...(file?.modules ?? [])]).toEqual(['/bin/shop']);
  expect(file?.lines.get(4)).toMatchObject({ self: 0, charged: 10, total: 15 });
  expect(file?.lines.get(2)).toMatchObject({
    ...{ self: 5, charged: 5, total: 5, functions: [{ name: 'clamp', inlined: true }] },
  });
  expect(hot.hottest().map(({ line }) => line)).toEqual([4, 2]);
  expect(hot.callersOf(file!.lines.get(4)!)).toEqual([
    { name: 'main', file: '/src/shop.c', line: 9, weight: 15 },
  ]);
  expect(hot.callersOf(file!.lines.get(2)!)).toMatchObject([{ name: 'tree', weight: 5 }]);
});
