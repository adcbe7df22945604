import { expect, test } from 'vitest';
import { bareName, declarationLine } from '../../../extension/editor/bare-name.ts';
import { likeliest } from '../../../extension/hot-lines/same-file.ts';
import { LineTracker } from '../../../extension/hot-lines/line-tracker.ts';
import {
  HEAT_STEPS,
  heatStep,
  lensText,
  lineText,
  percentOf,
  sharesText,
  weightText,
} from '../../../extension/hot-lines/texts.ts';

test('heat doubles from step to step', () => {
  expect([0, 0.1, 0.49, 0.5, 1, 2, 4, 8, 16, 31.9, 32, 100].map((percent) => heatStep(percent, 100))).toEqual(
    [0, 1, 1, 2, 3, 4, 5, 6, 7, 7, 8, 8],
  );
  expect(heatStep(5, 0)).toBe(0);
  expect(HEAT_STEPS).toBe(8);
});

test('percentages keep one decimal, and are 0 % and 100 % only when exact', () => {
  expect([0, 1, 4, 1234, 9996, 9999, 10_000].map((part) => percentOf(part, 10_000))).toEqual([
    ...['0 %', '< 0.1 %', '< 0.1 %', '12.3 %', '> 99.9 %', '> 99.9 %', '100 %'],
  ]);
  expect(percentOf(3, 0)).toBe('0 %');
});

test('weights bear their unit', () => {
  expect(weightText(1234, 'samples')).toBe('1,234 samples');
  expect(weightText(1, 'count')).toBe('1 event');
  expect(weightText(1_234_000, 'nanoseconds')).toBe('1.23 ms');
  expect(weightText(3 * 2 ** 20, 'bytes')).toBe('3 MiB');
});

test('a line says self and total, and what is charged to it where that is more than its own', () => {
  expect(sharesText({ self: 10, charged: 10, total: 40 }, 100)).toBe('self 10.0 % · total 40.0 %');
  expect(sharesText({ self: 0, charged: 35, total: 40 }, 100)).toBe('here 35.0 % · total 40.0 %');
  expect(sharesText({ self: 1, charged: 35, total: 40 }, 100)).toBe(
    'self 1.0 % · here 35.0 % · total 40.0 %',
  );
  expect(lineText({ self: 0, charged: 0, total: 9 }, 1000)).toBe('');
  expect(lineText({ self: 0, charged: 0, total: 10 }, 1000)).toBe('total 1.0 %');
  expect(lensText({ self: 123, charged: 130, total: 401 }, 1000, 'samples')).toBe(
    'self 12.3 % · total 40.1 % of 1,000 samples',
  );
});

test.each([
  ['std::vector<int>::push_back(int const&)', 'push_back'],
  ['main.(*Server).serve', 'serve'],
  ['main.handle', 'handle'],
  ['int (anonymous namespace)::f(void (*)(int))', 'f'],
  ['db_query', 'db_query'],
])('the bare name of %s is %s', (title, name) => {
  expect(bareName(title)).toBe(name);
});

test('a function is declared where its name stands least indented above its code', () => {
  const lines = [
    'static int walk(int depth);',
    '/* walk(tree) visits all */',
    'static int walk(int depth)',
    '{',
    '  if (depth > 1)',
    '    return walk(depth - 1);',
    '  return walk_leaf(',
    '      depth);',
    '}',
  ];
  const at = (name: string, first: number) =>
    declarationLine(name, first, lines.length, (line) => lines[line - 1]!);
  expect(at('walk', 6)).toBe(3);
  expect(at('walk.constprop.0', 7)).toBe(3);
  expect(at('walk', 3)).toBe(3);
  expect(at('leaf', 8)).toBe(8);
  expect(at('walk', 99)).toBe(3);
});

test('lines are followed through edits, and what was deleted stays at its place', () => {
  const tracker = new LineTracker(5);
  expect(tracker.edited).toBe(false);
  const change = (line: number, end: number, text: string) => ({
    ...{ range: { start: { line, character: 0 }, end: { line: end } }, text },
  });
  tracker.apply([change(0, 0, 'new\n')]);
  expect([1, 3, 5, 6].map((line) => tracker.now(line))).toEqual([2, 4, 6, undefined]);
  tracker.apply([change(2, 4, '')]);
  expect([1, 2, 3, 4, 5].map((line) => tracker.now(line))).toEqual([2, 3, 3, 3, 4]);
  expect(tracker.edited).toBe(true);
});

test('a file that is not here is not taken for another one of its name', () => {
  const located = new Map([
    ['/build/lib/main.c', '/home/app/main.c'],
    ['/build/app/main.c', '/home/app/main.c'],
    ['/build/./app/main.c', '/home/app/main.c'],
    ['/other/db.c', '/home/app/db.c'],
  ]);
  expect([...likeliest(located).keys()]).toEqual(['/build/app/main.c', '/build/./app/main.c', '/other/db.c']);
});
