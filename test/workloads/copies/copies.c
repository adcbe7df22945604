/*
 * copies: functions that exist as inlined copies, made to be counted.
 *
 *   copies --wait ROUNDS
 *
 * leaf and blend exist as copies only, in two files, in loops and in each other; mix is inlined where it is called by name and
 * has a body of its own for the call through a pointer; take can not be probed at all. Says "ready PID"; each line on its standard input runs ROUNDS rounds, half
 * of them in a thread that starts then, and prints what was called since the start as one line of JSON. Ends with its input.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include "copies.h"

volatile long blends, leaves, mixes;
long locked;

static inline long mix(long x)
{
  mixes = mixes + 1;
  return x ^ (x >> 7);
}

static long (*volatile through_pointer)(long) = mix;
static volatile long sink;

__attribute__((noinline)) static void round_of(long i)
{
  long x = mix(i);
  if (i % 3 == 0)
    x += blend(x);
  else
    x += in_the_other_file(x) + mix(x);
  while (x > 1000)
    x = x / 7 + leaf(x) % 3;
  if (i % 5 == 0)
    x += through_pointer(x);
  sink = x;
}

static long rounds;

static void *half(void *nothing)
{
  for (long i = 0; i < rounds / 2; i++)
    round_of(i);
  return nothing;
}

int main(int argc, char **argv)
{
  char line[16];
  rounds = argc > 2 ? atol(argv[2]) : 1000;
  printf("ready %d\n", getpid());
  fflush(stdout);
  while (fgets(line, sizeof line, stdin)) {
    pthread_t thread;
    half(0);
    take();
    /* Not at the same time: the counters are plain. */
    pthread_create(&thread, 0, half, 0);
    pthread_join(thread, 0);
    printf("{\"functions\":{\"leaf\":%ld,\"blend\":%ld,\"mix\":%ld}}\n", leaves, blends, mixes);
    fflush(stdout);
  }
  return 0;
}
