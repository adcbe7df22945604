import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { firstAbove } from '../../helper/symbols/dwarf/ascending.ts';

describe('The search in ascending values', () => {
  const addresses = fc.oneof(
    fc.array(fc.integer({ min: -2_130_706_432, max: 16_777_216 }), { maxLength: 400 }),
    // steps from 0 to a page, as rows have them; and one crowd with a far end
    fc
      .array(fc.integer({ min: 0, max: 4096 }), { maxLength: 400 })
      .map((steps) =>
        steps.map((_, index) => steps.slice(0, index + 1).reduce((sum, step) => sum + step, 0)),
      ),
    fc.integer({ min: 0, max: 200 }).map((count) => [...Array<number>(count).fill(7), 2 ** 47]),
  );

  it('finds what counting finds, whatever the estimates of the ends are', () => {
    fc.assert(
      fc.property(
        addresses,
        fc.integer(),
        fc.integer(),
        fc.double({ noNaN: true }),
        fc.nat(),
        (raw, least, most, any, at) => {
          const values = Float64Array.from(raw).sort();
          const near = values[at % Math.max(1, values.length)] ?? 0;
          for (const wanted of [near, near + 1, near - 1, any])
            for (const [low, high] of [
              [values[0] ?? 0, values.at(-1) ?? 0],
              [least, most],
            ] as const) {
              const below = values.filter((value) => value <= wanted).length;
              expect(firstAbove(values, 0, values.length, wanted, low, high)).toBe(below);
            }
        },
      ),
    );
  });
});
