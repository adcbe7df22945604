import fc from 'fast-check';
import { expect, test } from 'vitest';
import { layOut, pathTo } from '../../../profile/layout.ts';
import {
  cull,
  namesTo,
  neighbour,
  nodeOf,
  rectangleAt,
  RectangleList,
} from '../../../webview/flame/model.ts';
import { frameNames, profileOf, stacks } from './slow.ts';

test('what is drawn is what a look at every node would draw', () => {
  fc.assert(
    fc.property(
      stacks,
      fc.double({ min: 0, max: 0.9, noNaN: true }),
      fc.double({ min: 0.05, max: 1, noNaN: true }),
      fc.boolean(),
      (list, start, share, sorted) => {
        fc.pre(list.length > 0);
        const layout = { ...layOut(profileOf(list).nodes, sorted), sorted };
        const total = layout.total[0]!;
        const range = { from: start * total, to: Math.min(1, start + share) * total };
        const scale = 300 / (range.to - range.from);
        const out = new RectangleList();
        cull(layout, range, 300, 0, 6, out);
        const drawn = new Set([...out.node.subarray(0, out.count)].filter((node) => node >= 0));
        for (let node = 0; node < layout.frame.length; node++) {
          const left = (layout.x[node]! - range.from) * scale;
          const width = layout.total[node]! * scale;
          const visible = layout.depth[node]! <= 6 && left < 300 && left + width > 0;
          // the ancestors of a wide node are wide
          if (visible && (width >= 1 || node === 0)) expect(drawn.has(node)).toBe(true);
          else expect(drawn.has(node)).toBe(false);
        }
        // nothing is lost: whatever is visible lies in a rectangle of its row, its own or a tail
        for (let node = 0; node < layout.frame.length; node++) {
          const middle = (layout.x[node]! + layout.total[node]! / 2 - range.from) * scale;
          if (middle < 0 || middle >= 300 || layout.depth[node]! > 6) continue;
          const above = pathTo(layout, node)
            .slice(0, -1)
            .every((each) => drawn.has(each));
          if (above) expect(rectangleAt(out, middle, layout.depth[node]!)).toBeGreaterThanOrEqual(0);
        }
      },
    ),
  );
});

test('keys lead along the tree, and places are found again by their names', () => {
  fc.assert(
    fc.property(stacks, fc.nat(), (list, which) => {
      fc.pre(list.length > 0);
      const profile = profileOf(list);
      const layout = layOut(profile.nodes, true);
      const names = frameNames(profile);
      const node = which % layout.frame.length;
      expect(nodeOf(layout, namesTo(layout, node, names), names)).toBe(node);
      const next = neighbour(layout, node, 'next');
      const row = [...layout.depth.keys()].filter((each) => layout.depth[each] === layout.depth[node]);
      expect(next).toBe(row[row.indexOf(node) + 1] ?? node);
      expect(neighbour(layout, next, 'previous')).toBe(next === node ? (row.at(-2) ?? node) : node);
      const child = neighbour(layout, node, 'child');
      if (child !== node) expect(neighbour(layout, child, 'parent')).toBe(node);
    }),
  );
});
