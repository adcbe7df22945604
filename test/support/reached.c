// Runs a program once and prints those of the file offsets that it executes: a breakpoint at each, taken out when it is hit.
// usage: reached OFFSETS PROGRAM ARGUMENT…   OFFSETS: a file with one hexadecimal number a line
#define _GNU_SOURCE
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

struct point {
  unsigned long offset, address;
  unsigned char byte;
  int there;
};

static int by_address(const void *left, const void *right) {
  const struct point *a = left, *b = right;
  return a->address < b->address ? -1 : a->address > b->address;
}

/* Where the code that begins at a file offset is in the process; 0 where it is not mapped to be executed. */
static unsigned long address_of(pid_t pid, const char *program, unsigned long offset) {
  static struct { unsigned long from, to, offset; } maps[16];
  static int count = -1;
  if (count < 0) {
    char name[64], line[PATH_MAX + 128], path[PATH_MAX], mode[8], real[PATH_MAX];
    count = 0;
    snprintf(name, sizeof name, "/proc/%d/maps", pid);
    FILE *file = fopen(name, "r");
    if (!file || !realpath(program, real)) return 0;
    while (count < 16 && fgets(line, sizeof line, file))
      if (sscanf(line, "%lx-%lx %7s %lx %*s %*s %4095s", &maps[count].from, &maps[count].to, mode, &maps[count].offset, path) == 5 &&
          mode[2] == 'x' && !strcmp(path, real))
        count++;
    fclose(file);
  }
  for (int i = 0; i < count; i++)
    if (offset >= maps[i].offset && offset - maps[i].offset < maps[i].to - maps[i].from)
      return maps[i].from + (offset - maps[i].offset);
  return 0;
}

int main(int argc, char **argv) {
  if (argc < 3) return 2;
  FILE *list = fopen(argv[1], "r");
  struct point *points = NULL;
  size_t count = 0;
  unsigned long offset;
  while (list && fscanf(list, "%lx", &offset) == 1) {
    points = realloc(points, (count + 1) * sizeof *points);
    points[count++] = (struct point){.offset = offset};
  }
  pid_t pid = fork();
  if (pid == 0) {
    int null = open("/dev/null", O_WRONLY);
    dup2(null, 1);
    ptrace(PTRACE_TRACEME, 0, 0, 0);
    execv(argv[2], argv + 2);
    _exit(127);
  }
  int status;
  char name[64];
  if (waitpid(pid, &status, 0) < 0 || !WIFSTOPPED(status)) return 1;
  snprintf(name, sizeof name, "/proc/%d/mem", pid);
  int memory = open(name, O_RDWR);
  for (size_t i = 0; i < count; i++) points[i].address = address_of(pid, argv[2], points[i].offset);
  qsort(points, count, sizeof *points, by_address);
  for (size_t i = 0; i < count; i++) {
    struct point *point = &points[i];
    if (point->address == 0 || (i > 0 && points[i - 1].address == point->address)) continue;
    point->there = pread(memory, &point->byte, 1, point->address) == 1 && pwrite(memory, "\xcc", 1, point->address) == 1;
  }
  for (int signal = 0;;) {
    ptrace(PTRACE_CONT, pid, 0, signal);
    if (waitpid(pid, &status, 0) < 0) return 1;
    if (!WIFSTOPPED(status)) return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
    signal = WSTOPSIG(status);
    if (signal != SIGTRAP) continue;
    struct user_regs_struct registers;
    ptrace(PTRACE_GETREGS, pid, 0, &registers);
    struct point wanted = {.address = registers.rip - 1};
    struct point *hit = bsearch(&wanted, points, count, sizeof *points, by_address);
    if (!hit || !hit->there) continue;
    hit->there = 0;
    signal = 0;
    registers.rip = hit->address;
    if (pwrite(memory, &hit->byte, 1, hit->address) != 1) return 1;
    ptrace(PTRACE_SETREGS, pid, 0, &registers);
    printf("%lx\n", hit->offset);
  }
}
