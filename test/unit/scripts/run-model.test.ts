import { expect, test } from 'vitest';
import { bucketText, LINES_KEPT, LogModel, lostText, orderOf, shareOf } from '../../../webview/run/model.ts';
import type { ValuesMap } from '../../../protocol/script.ts';

const line = (text: string) => ({ timeMs: 0, kind: 'printf' as const, text });

test('the log is searched while lines come, and forgets the oldest beyond its bound', () => {
  const log = new LogModel();
  log.replace([line('Alpha'), line('beta')], 5);
  log.search('ALPH');
  log.add([line('alphabet'), line('gamma')]);
  expect([log.rows, log.total, log.row(1)?.text]).toEqual([2, 4, 'alphabet']);
  log.search('');
  log.add(Array.from({ length: LINES_KEPT + LINES_KEPT / 10 }, (_, index) => line(String(index))));
  expect(log.total).toBe(LINES_KEPT);
  expect(log.forgotten).toBe(5 + 4 + LINES_KEPT / 10);
  expect(log.row(log.rows - 1)?.text).toBe(String(LINES_KEPT + LINES_KEPT / 10 - 1));
});

test('entries are ordered by number and filtered by key; shares are of the largest', () => {
  const map: ValuesMap = {
    ...{ kind: 'values', name: '@x', keyed: true, total: 4 },
    keys: ['a', 'b', 'c', 'Ab'],
    texts: ['1', 'x', '9', '9'],
    numbers: [1, null, 9, 9],
  };
  expect([...orderOf(map, '')]).toEqual([2, 3, 0, 1]);
  expect([...orderOf(map, 'a')]).toEqual([3, 0]);
  expect([shareOf(1, 4), shareOf(null, 4), shareOf(-1, 4), shareOf(1, 0)]).toEqual([0.25, 0, 0, 0]);
});

test('what was lost and what a bucket holds, in words', () => {
  expect(lostText({ events: 0, lines: 0, entries: 0 })).toBe('nothing lost');
  expect(lostText({ events: 12, lines: 3, entries: 0 })).toBe(
    '12 events lost by bpftrace · 3 lines counted, not shown',
  );
  expect(
    [{ low: 4, high: 7 }, { high: -1 }, { low: 100 }, { low: 1, high: 1 }].map((one) =>
      bucketText({ ...one, count: 1 }),
    ),
  ).toEqual(['4 to 7', 'below 0', 'from 100', '1']);
});
