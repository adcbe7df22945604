/*
 * What the server knows about itself: every function that tests hold the tracer against counts its calls and, where
 * asked, records how long each took by CLOCK_MONOTONIC. Exact values are kept, so percentiles are exact.
 */
#ifndef STATS_H
#define STATS_H

#include <stdint.h>
#include <stdio.h>

/* The function under the cursor is a function that runs. */
#define NOINLINE __attribute__((noinline))

enum measured {
  M_HANDLE_REQUEST,
  M_PARSE_REQUEST,
  M_ROUTE,
  M_CACHE_GET,
  M_DB_QUERY,
  M_RENDER_TREE,
  M_CHECKSUM,
  M_CLAMP_PRICE,
  M_COUNT
};

uint64_t now_ns(void);

/* One more call that is not timed. */
void stats_count(enum measured what);

/* One more call that took this long. */
void stats_record(enum measured what, uint64_t duration_ns);

/* One JSON object: {"pid":…,"functions":{"NAME":{"count":…,"p50Ns":…,"p90Ns":…,"p99Ns":…,"maxNs":…,"sumNs":…}}}. */
void stats_print(FILE *out);

#endif
