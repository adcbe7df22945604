import type { FunctionWord } from './signature.ts';

/** What can only be assigned to a map: `@x = count()`. */
export type AggregationName =
  'count' | 'sum' | 'min' | 'max' | 'avg' | 'stats' | 'hist' | 'lhist' | 'tseries';

const value = (name: string) => [{ min: 1, max: 1, arguments: ['integer' as const], label: `${name}(n)` }];

export const aggregations: readonly (FunctionWord & { readonly name: AggregationName })[] = [
  {
    name: 'count',
    returns: 'aggregation',
    doc: 'Counts how often this line runs. Kept for each CPU: exact without locks.',
    signatures: [{ min: 0, max: 0, arguments: [], label: 'count()' }],
  },
  { name: 'sum', returns: 'aggregation', doc: 'Adds up values.', signatures: value('sum') },
  { name: 'min', returns: 'aggregation', doc: 'Keeps the smallest value.', signatures: value('min') },
  { name: 'max', returns: 'aggregation', doc: 'Keeps the greatest value.', signatures: value('max') },
  { name: 'avg', returns: 'aggregation', doc: 'Averages values.', signatures: value('avg') },
  {
    name: 'stats',
    returns: 'aggregation',
    doc: 'Count, average and total of values at once.',
    signatures: value('stats'),
  },
  {
    name: 'hist',
    returns: 'aggregation',
    doc: 'A histogram with a bucket for each power of two; from 0.20 each is divided in 2^bits parts (0…5).',
    signatures: [
      { removed: 20, min: 1, max: 1, arguments: ['integer'], label: 'hist(n)' },
      {
        since: 20,
        min: 1,
        max: 2,
        arguments: ['integer', 'integer-literal'],
        label: 'hist(n, [const bits])',
      },
    ],
  },
  {
    name: 'lhist',
    returns: 'aggregation',
    doc: 'A histogram with buckets of `step` from `min` to `max`, at most 1,000 of them; what lies outside has one bucket on each side.',
    signatures: [
      {
        min: 4,
        max: 4,
        arguments: ['integer', 'any', 'any', 'any'],
        label: 'lhist(n, const min, const max, const step)',
      },
    ],
  },
  {
    name: 'tseries',
    returns: 'aggregation',
    since: 24,
    doc: 'A series over time: the last value (or avg, max, min, sum) of each interval, for the last `count` intervals.',
    signatures: [
      {
        min: 3,
        max: 4,
        arguments: ['integer', 'any', 'any', 'any'],
        label: 'tseries(n, const interval, const count, [const string aggregation])',
      },
    ],
  },
];
