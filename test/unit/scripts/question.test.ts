import fc from 'fast-check';
import { expect, test } from 'vitest';
import { questionsOf, splitWords } from '../../../extension/scripts/question.ts';

test('positional parameters and unsafe functions are asked about, not those in strings and comments', () => {
  expect(questionsOf('BEGIN { printf("$3 system(", $1); str($2); } // $9 system()')).toEqual({
    parameters: 2,
    unsafe: [],
  });
  expect(questionsOf('BEGIN { if ($# > 0) { system("id"); signal(9); system("x"); } /* $7 */ }')).toEqual({
    parameters: 1,
    unsafe: ['system', 'signal'],
  });
  expect(questionsOf('BEGIN { $x = 1; $size2 = 2; }').parameters).toBe(0);
});

test('words are parted by blanks and held together by quotes', () => {
  expect(splitWords(`a 'b c' "d \\" e" f\\ g -x=""`)).toEqual(['a', 'b c', 'd " e', 'f g', '-x=']);
  expect(splitWords('  ')).toEqual([]);
  expect(splitWords('a "b')).toBeUndefined();
  fc.assert(
    fc.property(fc.array(fc.string()), (words) => {
      const line = words.map((word) => `"${word.replace(/[\\"]/g, '\\$&')}"`).join(' ');
      expect(splitWords(line)).toEqual(words);
    }),
  );
});
