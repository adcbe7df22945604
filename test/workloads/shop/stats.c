#include "stats.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

static const char *const names[M_COUNT] = {
    [M_HANDLE_REQUEST] = "handle_request", [M_PARSE_REQUEST] = "parse_request", [M_ROUTE] = "route",
    [M_CACHE_GET] = "cache_get",           [M_DB_QUERY] = "db_query",           [M_RENDER_TREE] = "render_tree",
    [M_CHECKSUM] = "checksum",             [M_CLAMP_PRICE] = "clamp_price",
};

/* The latest durations: enough for the exact percentiles of every test, bounded for a server that runs for days. */
#define KEPT (1u << 18)

static struct {
  atomic_ullong count;
  pthread_mutex_t lock;
  uint64_t *durations;
  uint64_t recorded, sum, max;
} all[M_COUNT] = {[0 ... M_COUNT - 1] = {.lock = PTHREAD_MUTEX_INITIALIZER}};

uint64_t now_ns(void)
{
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

void stats_count(enum measured what)
{
  atomic_fetch_add_explicit(&all[what].count, 1, memory_order_relaxed);
}

void stats_record(enum measured what, uint64_t duration_ns)
{
  stats_count(what);
  pthread_mutex_lock(&all[what].lock);
  if (!all[what].durations)
    all[what].durations = calloc(KEPT, sizeof(uint64_t));
  if (all[what].durations)
    all[what].durations[all[what].recorded % KEPT] = duration_ns;
  all[what].recorded++;
  all[what].sum += duration_ns;
  if (duration_ns > all[what].max)
    all[what].max = duration_ns;
  pthread_mutex_unlock(&all[what].lock);
}

static int ascending(const void *a, const void *b)
{
  uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
  return (x > y) - (x < y);
}

/* Nearest rank: the smallest value that is not below `fraction` of them. */
static uint64_t percentile(const uint64_t *sorted, uint64_t n, double fraction)
{
  uint64_t rank = (uint64_t)(fraction * (double)n + 0.999999);
  return n ? sorted[rank ? rank - 1 : 0] : 0;
}

void stats_print(FILE *out)
{
  fprintf(out, "{\"pid\":%d,\"functions\":{", (int)getpid());
  for (int i = 0; i < M_COUNT; i++) {
    uint64_t recorded = all[i].recorded, n = recorded < KEPT ? recorded : KEPT;
    fprintf(out, "%s\"%s\":{\"count\":%llu", i ? "," : "", names[i], (unsigned long long)atomic_load(&all[i].count));
    if (n) {
      qsort(all[i].durations, n, sizeof(uint64_t), ascending);
      fprintf(out, ",\"p50Ns\":%llu,\"p90Ns\":%llu,\"p99Ns\":%llu,\"maxNs\":%llu,\"sumNs\":%llu",
              (unsigned long long)percentile(all[i].durations, n, 0.5),
              (unsigned long long)percentile(all[i].durations, n, 0.9),
              (unsigned long long)percentile(all[i].durations, n, 0.99), (unsigned long long)all[i].max,
              (unsigned long long)all[i].sum);
    }
    fputc('}', out);
  }
  fputs("}}\n", out);
  fflush(out);
}
