#ifndef COPIES_H
#define COPIES_H

extern volatile long blends, leaves, mixes;
extern long locked;

/* Inlined wherever it is called: it has no code of its own, in either file. */
static inline __attribute__((always_inline)) long leaf(long x)
{
  leaves = leaves + 1;
  return x * 3 ^ 5;
}

static inline __attribute__((always_inline)) long blend(long x)
{
  blends = blends + 1;
  return x & 1 ? leaf(x) : leaf(x + 1) - leaf(x);
}

/* Its copies begin with a lock prefix, where the kernel takes no probe. */
static inline __attribute__((always_inline)) void take(void)
{
  __atomic_fetch_add(&locked, 1, __ATOMIC_SEQ_CST);
}

long in_the_other_file(long x);
#endif
