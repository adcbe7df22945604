import { expect, test } from 'vitest';
import { candidatePaths, prefixRule, sourceMapRules } from '../../extension/commands/source-files.ts';
import { commonSuffix, mapPath, normalisePath } from '../../protocol/source-path.ts';

test('two spellings of one file give the rule that leads from one tree to the other', () => {
  expect(prefixRule('/build/src/a/b.c', '/home/me/proj/a/b.c')).toEqual({
    from: '/build/src',
    to: '/home/me/proj',
  });
  expect(prefixRule('/p/a.c', '/p/a.c')).toEqual({ from: '', to: '' });
  expect(prefixRule('b.c', '/p/src/b.c')).toEqual({ from: '', to: '/p/src' });
  expect(prefixRule('/x/a.c', '/x/b.c')).toBeUndefined();
});

test('a header of the same build is found by the rule', () => {
  const rule = { from: '/build/src', to: '/home/me/proj' };
  expect(candidatePaths('/build/src/inc/x.h', [], [rule], [])).toEqual([
    '/build/src/inc/x.h',
    '/home/me/proj/inc/x.h',
  ]);
  expect(candidatePaths('inc/x.h', [], [{ from: '', to: '/p' }], ['/w'])).toEqual([
    '/p/inc/x.h',
    '/w/inc/x.h',
  ]);
});

test('the source map comes first, its longest prefix before the others, and ends at a slash', () => {
  const map = sourceMapRules(
    { '/build': 'src', '/build/lib/': '${workspaceFolder}/third/../lib', '': '/abs', '/none': 5 },
    '/w',
  );
  expect(map).toEqual([
    { from: '/build', to: '/w/src' },
    { from: '/build/lib', to: '/w/lib' },
    { from: '', to: '/abs' },
  ]);
  expect(candidatePaths('/build/lib/./a.c', map, [], ['/w'])).toEqual(['/w/lib/a.c', '/build/lib/a.c']);
  expect(mapPath('/build/app/a.c', map)).toBe('/w/src/app/a.c');
  expect(mapPath('/builder/a.c', map)).toBeUndefined();
  expect(mapPath('rel/a.c', map)).toBe('/abs/rel/a.c');
});

test('paths are made plain', () => {
  expect(normalisePath('/a/./b/../c//d.c')).toBe('/a/c/d.c');
  expect(normalisePath('../x/y')).toBe('../x/y');
  expect(normalisePath('/../x')).toBe('/x');
  expect(normalisePath('C:\\src\\..\\a.c')).toBe('C:/a.c');
});

test('the common end of two paths counts whole parts', () => {
  expect(commonSuffix('/a/b/c.c', '/x/b/c.c')).toBe(2);
  expect(commonSuffix('/a/b/c.c', '/x/bb/c.c')).toBe(1);
  expect(commonSuffix('/a/B/c.c', '/x/b/C.c', true)).toBe(2);
});
