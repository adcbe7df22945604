/*
 * shop: a small server with clients of its own, made to be traced.
 *
 *   shop [--requests N] [--threads T] [--rate R] [--wait]
 *
 * T threads (8) send R requests a second each (25; 0 for as fast as they go) to the handler, for ever or until each has
 * sent N. At the end, and on SIGINT or SIGTERM, it prints what it measured of itself as one line of JSON (stats.h).
 * With --wait it says "ready PID" and starts with the first line on standard input, so that probes can be attached
 * before the first call; a second line or the end of input prints the statistics.
 */
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "request.h"
#include "stats.h"

static atomic_int stopping;
static long requests_each, rate_hz = 25;

static void *client(void *argument)
{
  uint32_t thread = (uint32_t)(uintptr_t)argument, seed = thread * 7919 + 1;
  for (long i = 0; !stopping && (!requests_each || i < requests_each); i++) {
    struct request request = {.id = (uint32_t)(thread << 24 | (uint32_t)i)};
    struct response response;
    char line[64];
    seed = seed * 1103515245u + 12345u;
    uint32_t dice = (seed >> 16) % 100;
    if (dice < 70)
      snprintf(line, sizeof line, "GET /product/%u", (seed >> 8) % 5000);
    else if (dice < 80)
      snprintf(line, sizeof line, "GET /menu");
    else if (dice < 98)
      snprintf(line, sizeof line, "POST /order socks=%u", dice);
    else
      snprintf(line, sizeof line, "GET /nowhere");
    if (parse_request(line, &request) == 0)
      handle_request(&request, &response);
    if (rate_hz)
      usleep((useconds_t)(1000000 / rate_hz));
  }
  return NULL;
}

static void stop(int signal)
{
  (void)signal;
  stopping = 1;
}

int main(int argc, char **argv)
{
  long threads = 8;
  int wait = 0;
  for (int i = 1; i < argc; i++) {
    if (!strcmp(argv[i], "--wait"))
      wait = 1;
    else if (!strcmp(argv[i], "--requests") && i + 1 < argc)
      requests_each = atol(argv[++i]);
    else if (!strcmp(argv[i], "--threads") && i + 1 < argc)
      threads = atol(argv[++i]);
    else if (!strcmp(argv[i], "--rate") && i + 1 < argc)
      rate_hz = atol(argv[++i]);
    else {
      fprintf(stderr, "usage: shop [--requests N] [--threads T] [--rate R] [--wait]\n");
      return 2;
    }
  }
  struct sigaction action = {.sa_handler = stop};
  sigaction(SIGINT, &action, NULL);
  sigaction(SIGTERM, &action, NULL);
  char line[16];
  if (wait) {
    printf("ready %d\n", (int)getpid());
    fflush(stdout);
    if (!fgets(line, sizeof line, stdin))
      return 1;
  }
  pthread_t ids[256];
  if (threads < 1 || threads > 256)
    threads = 8;
  for (long i = 0; i < threads; i++)
    pthread_create(&ids[i], NULL, client, (void *)(uintptr_t)i);
  for (long i = 0; i < threads; i++)
    pthread_join(ids[i], NULL);
  stats_print(stdout);
  /* stays until the tracer has seen the end */
  if (wait)
    while (fgets(line, sizeof line, stdin))
      stats_print(stdout);
  return 0;
}
