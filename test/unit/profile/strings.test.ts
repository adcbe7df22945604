import fc from 'fast-check';
import { expect, test } from 'vitest';
import { StringInterner, textAt, textReader } from '../../../profile/strings.ts';

// ASCII alone is read as parts of one string; malformed bytes at the ends of texts must not join their neighbours
const bytes = fc.oneof(
  fc.uint8Array({ max: 127, maxLength: 20 }),
  fc.uint8Array({ min: 120, maxLength: 6 }),
  fc.string({ unit: 'binary', maxLength: 6 }).map((text) => new TextEncoder().encode(text)),
);

test('a reader of many texts reads each as it is read alone', () => {
  fc.assert(
    fc.property(fc.array(bytes, { maxLength: 30 }), (texts) => {
      const strings = new StringInterner();
      texts.forEach((each, i) => strings.internBytes(each, 0, each.length, i));
      const table = strings.table();
      const text = textReader(table);
      for (let id = 0; id < table.ends.length; id++) expect(text(id)).toBe(textAt(table, id));
    }),
    { numRuns: 500 },
  );
});
