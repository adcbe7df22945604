import { describe, expect, it } from 'vitest';
import { declares, mentionAt, mentionsIn } from '../../../extension/core/kernel-source.ts';
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

  it('gives the same best ones, in the same order, however many are asked for', () => {
    const names = Array.from({ length: 3000 }, (_, at) => `${'abc'[at % 3]}_${(at * 7919).toString(36)}_fn`);
    const all: SourceListing[] = [
      { kind: 'kernel-function', groups: [{ group: 'vmlinux', names }] },
      {
        kind: 'syscall',
        groups: [{ group: '', names: names.slice(0, 50), refused: { code: 'probe-refused', message: '' } }],
      },
    ];
    for (const query of ['f', 'a', 'b_', 'c 1', 'a1', 'fn z', 'zzzzzz']) {
      const ranked = new SourceIndex(all).search(query, 10_000);
      expect(ranked.best).toHaveLength(ranked.total);
      for (const limit of [0, 1, 7, 300, ranked.total, ranked.total + 1])
        expect(new SourceIndex(all).search(query, limit)).toEqual({
          total: ranked.total,
          best: ranked.best.slice(0, limit),
        });
      // what cannot be traced stands last
      const refused = ranked.best.map((source) => source.refused !== undefined);
      expect(refused).toEqual([...refused].sort());
    }
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

  it('names functions by their definitions, and no calls, prototypes or statements', () => {
    const source = `extern int declared(int x);
static __always_inline ssize_t
wrapped(struct file *file);
ssize_t vfs_read(struct file *file, char __user *buf, size_t count,
		 int (*actor)(void *, int))
{
	if (unlikely(!count))
		return called(file);
	return do_something(
		file);
}
EXPORT_SYMBOL(vfs_read);
static struct dentry *lookup(void)
{
}
`;
    const mentions = mentionsIn(source);
    expect(mentions.map(({ id }) => id)).toEqual([
      'kernel-function:vmlinux:vfs_read',
      'kernel-function:vmlinux:lookup',
    ]);
    expect(mentionAt(source, source.indexOf('return called'))?.id).toBe('kernel-function:vmlinux:vfs_read');
    const module = { id: 'kernel-function:ext4:lookup', kind: 'kernel-function', name: 'lookup' };
    expect(mentions.filter((mention) => declares(mention, module))).toEqual([mentions[1]]);
  });

  it('is done with a line of any length at once', () => {
    expect(mentionsIn(`int ${'a '.repeat(5000)}f(${'(a)'.repeat(20_000)}`)).toEqual([]);
  });

  it('takes the declaration at or before the cursor', () => {
    expect(mentionAt(text, text.indexOf('TP_PROTO(int'))?.id).toBe('tracepoint:block:block_rq_remap');
    expect(mentionAt(text, 0)).toBeUndefined();
  });
});
