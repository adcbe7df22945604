/*
 * stacks: system calls from known depths, made to be traced with their stacks.
 *
 *   stacks --wait CALLS
 *
 * CALLS times `work` (which calls `store`, which writes once, through the inlined `put`) and CALLS times `twice` (which writes
 * from two places), all to /dev/null. Says "ready PID", starts with a line on its standard input, prints its counts as one
 * line of JSON and stays until its input ends.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static volatile long written;

static inline __attribute__((always_inline)) void put(int fd, const char *text, size_t bytes)
{
  written += write(fd, text, bytes);
}

__attribute__((noinline)) void store(int fd, int n)
{
  char text[8] = "row 000";
  text[4] = (char)('0' + n / 100 % 10);
  put(fd, text, sizeof text);
  __asm__ volatile("" ::: "memory");
}

__attribute__((noinline)) void work(int fd, int n)
{
  store(fd, n);
  __asm__ volatile("" ::: "memory");
}

__attribute__((noinline)) void twice(int fd)
{
  written += write(fd, "one", 3);
  written += write(fd, "four", 4);
  __asm__ volatile("" ::: "memory");
}

int main(int argc, char **argv)
{
  char line[9];
  int calls = argc > 2 ? atoi(argv[2]) : 100;
  int fd = open("/dev/null", O_WRONLY);
  printf("ready %d\n", getpid());
  fflush(stdout);
  if (!fgets(line, sizeof line, stdin))
    return 1;
  for (int n = 0; n < calls; n++) {
    work(fd, n);
    twice(fd);
    usleep(500);
  }
  printf("{\"functions\":{\"work\":%d,\"store\":%d,\"twice\":%d}}\n", calls, calls, calls);
  fflush(stdout);
  return getchar();
}
