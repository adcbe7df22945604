import { expect, test } from 'vitest';
import { candidatePaths, normalise, prefixRule } from '../../extension/commands/source-files.ts';

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
  expect(candidatePaths('/build/src/inc/x.h', [rule], [])).toEqual([
    '/build/src/inc/x.h',
    '/home/me/proj/inc/x.h',
  ]);
  expect(candidatePaths('inc/x.h', [{ from: '', to: '/p' }], ['/w'])).toEqual(['/p/inc/x.h', '/w/inc/x.h']);
});

test('paths are made plain', () => {
  expect(normalise('/a/./b/../c//d.c')).toBe('/a/c/d.c');
  expect(normalise('../x/y')).toBe('../x/y');
});
