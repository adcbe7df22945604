#include "render.h"

#include <stdio.h>
#include <time.h>

#include "stats.h"

/* Not a tail call and not a loop: every level is a call with a frame and a duration of its own. */
NOINLINE size_t render_tree(int depth, char *out, size_t size)
{
  uint64_t start = now_ns();
  size_t length = (size_t)snprintf(out, size, "<li>%d", depth);
  if (length >= size)
    length = size ? size - 1 : 0;
  if (depth > 1)
    length += render_tree(depth - 1, out + length, size - length);
  else {
    struct timespec pause = {0, 100000};
    nanosleep(&pause, NULL);
  }
  stats_record(M_RENDER_TREE, now_ns() - start);
  return length;
}

/* FNV-1a. Static callers inline clamp below into it; it stays a function of its own. */
NOINLINE uint32_t checksum(const char *data, size_t length)
{
  uint32_t hash = 2166136261u;
  stats_count(M_CHECKSUM);
  for (size_t i = 0; i < length; i++)
    hash = (hash ^ (unsigned char)data[i]) * 16777619u;
  return hash;
}
