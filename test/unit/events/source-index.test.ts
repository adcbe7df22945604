import { describe, expect, it } from 'vitest';
import { mentionAt, mentionsIn } from '../../../extension/core/kernel-source.ts';
import { SourceIndex } from '../../../extension/core/source-index.ts';
import type { SourceListing } from '../../../protocol/events.ts';

const listings: SourceListing[] = [
  {
    kind: 'tracepoint',
    groups: [
      { group: 'block', names: ['block_rq_issue', 'block_rq_insert'] },
      { group: 'sched', names: ['sched_switch'] },
    ],
  },
  { kind: 'syscall', groups: [{ group: '', names: ['openat', 'issue_like'] }] },
];

describe('the index of sources', () => {
  const ids = (query: string, limit = 10) =>
    new SourceIndex(listings).search(query, limit).best.map(({ id }) => id);

  it('finds words, scattered letters, and puts the better match first', () => {
    expect(ids('issue')).toEqual(['syscall:issue_like', 'tracepoint:block:block_rq_issue']);
    expect(ids('blk iss')).toEqual(['tracepoint:block:block_rq_issue']);
    expect(ids('SWITCH')).toEqual(['tracepoint:sched:sched_switch']);
    expect(ids('zzz')).toEqual([]);
  });

  it('answers a query that goes on typing as it answers a new one', () => {
    const index = new SourceIndex(listings);
    const steps = ['b', 'bl', 'bloc', 'block ', 'block ins', 'block in', 'o'].map((query) =>
      index.search(query, 10).best.map(({ id }) => id),
    );
    expect(steps).toEqual(
      ['b', 'bl', 'bloc', 'block ', 'block ins', 'block in', 'o'].map((query) => ids(query)),
    );
  });

  it('gives the best ones and the number of all', () => {
    const names = Array.from({ length: 5000 }, (_, index) => `fn_${index}`);
    const { total, best } = new SourceIndex([
      { kind: 'kernel-function', groups: [{ group: 'vmlinux', names }] },
    ]).search('fn_4', 5);
    expect(total).toBeGreaterThan(1000);
    expect(best).toHaveLength(5);
    expect(best[0]?.name).toBe('fn_4');
  });
});

describe('declarations in kernel source', () => {
  const text = `#undef TRACE_SYSTEM
#define TRACE_SYSTEM block
DECLARE_EVENT_CLASS(block_rq, TP_PROTO(struct request *rq));
DEFINE_EVENT(block_rq, block_rq_insert,
	TP_PROTO(struct request *rq));
TRACE_EVENT(block_rq_remap,
	TP_PROTO(int x));
`;

  it('names tracepoints by their system, and system calls', () => {
    expect(mentionsIn(text).map(({ id }) => id)).toEqual([
      'tracepoint:block:block_rq_insert',
      'tracepoint:block:block_rq_remap',
    ]);
    expect(mentionsIn('SYSCALL_DEFINE4(openat, int, dfd)').map(({ id }) => id)).toEqual(['syscall:openat']);
    expect(mentionsIn('TRACE_EVENT(no_system,')).toEqual([]);
  });

  it('takes the declaration at or before the cursor', () => {
    expect(mentionAt(text, text.indexOf('TP_PROTO(int'))?.id).toBe('tracepoint:block:block_rq_remap');
    expect(mentionAt(text, 0)).toBeUndefined();
  });
});
