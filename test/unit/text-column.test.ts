import { expect, test } from 'vitest';
import { textColumn, type EditorGroup } from '../../extension/platform/text-column.ts';

const groups = (...shows: EditorGroup['shows'][]): EditorGroup[] =>
  shows.map((each, index) => ({ column: index + 1, shows: each }));

test.each<[string, EditorGroup['shows'][], number]>([
  ['where text is, although a panel is before it', ['panel', 'text'], 2],
  ['where text is, although a group is empty', ['nothing', 'panel', 'text'], 3],
  ['in an empty group', ['panel', 'nothing'], 2],
  ['over a picture or a notebook rather than over a panel', ['panel', 'other'], 2],
  ['beside a panel that is alone', ['panel'], 2],
  ['beside the last panel', ['panel', 'panel'], 3],
  ['in the first column where nothing is open', [], 1],
  [
    'in the ninth column, however many panels there are',
    Array.from({ length: 9 }, () => 'panel' as const),
    9,
  ],
])('source opens %s', (_, shows, column) => {
  expect(textColumn(groups(...shows))).toBe(column);
});
