/*
 * deep: calls that do not end as calls do, and calls deep within calls, made to be traced.
 *
 *   deep --wait DEPTH
 *
 * 20 recursions of DEPTH + 1 calls (dive), 100 calls of which half are left by longjmp (jumper), 50 threads that end inside
 * a function (leaver), 100 tail calls (tail_caller to tail_target). Says "ready PID", starts with a line on its standard
 * input, prints its counts as one line of JSON and stays until its input ends.
 */
#include <pthread.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
static jmp_buf back;
static volatile int sink;
__attribute__((noinline)) int dive(int n) { usleep(50); int r = n > 0 ? dive(n - 1) + 1 : 0; __asm__ volatile(""); return r; }
__attribute__((noinline)) void jumper(int n) { usleep(100); if (n % 2) longjmp(back, 1); sink++; }
__attribute__((noinline)) void around(int n) { if (!setjmp(back)) jumper(n); sink++; usleep(100); }
__attribute__((noinline)) void leaver(void) { usleep(100); pthread_exit(0); }
static void *leave(void *p) { leaver(); return p; }
__attribute__((noinline)) int tail_target(int n) { usleep(120); sink++; return n; }
__attribute__((noinline)) int tail_caller(int n) { sink++; return tail_target(n + 1); }

int main(int argc, char **argv)
{
  char line[9];
  int depth = argc > 2 ? atoi(argv[2]) : 9;
  printf("ready %d\n", getpid());
  fflush(stdout);
  if (!fgets(line, sizeof line, stdin))
    return 1;
  for (int i = 0; i < 20; i++)
    dive(depth);
  for (int i = 0; i < 100; i++)
    around(i);
  for (int i = 0; i < 50; i++) {
    pthread_t thread;
    pthread_create(&thread, 0, leave, 0);
    pthread_join(thread, 0);
  }
  for (int i = 0; i < 100; i++)
    tail_caller(i);
  printf("{\"functions\":{\"dive\":%d,\"jumper\":100,\"around\":100,\"leaver\":50,\"tail_target\":100,\"tail_caller\":100}}\n", 20 * (depth + 1));
  fflush(stdout);
  return getchar();
}
