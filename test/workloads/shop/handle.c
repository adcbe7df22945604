#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sdt.h>

#include "cache.h"
#include "db.h"
#include "render.h"
#include "request.h"
#include "stats.h"

/* Small and called in two places: inlined into both, each copy counted by the program itself. */
static inline __attribute__((always_inline)) uint32_t clamp_price(uint32_t price)
{
  stats_count(M_CLAMP_PRICE);
  return price > 9999 ? 9999 : price;
}

static int show_product(const struct request *request, struct response *response)
{
  uint32_t key = (uint32_t)strtoul(request->path + strlen("/product/"), NULL, 10);
  const char *cached = cache_get(key);
  char value[32];
  if (!cached) {
    db_query(key, value, sizeof value);
    cache_put(key, value);
    cached = value;
  }
  response->length = (size_t)snprintf(response->body, sizeof response->body, "%s costs %u", cached, clamp_price(key * 7));
  return 200;
}

static int show_menu(const struct request *request, struct response *response)
{
  (void)request;
  response->length = render_tree(6, response->body, sizeof response->body);
  return 200;
}

static int place_order(const struct request *request, struct response *response)
{
  uint32_t sum = checksum(request->body.data, request->body.length);
  response->length = (size_t)snprintf(response->body, sizeof response->body, "order %08x for %u", sum, clamp_price(sum));
  return 201;
}

/* Never inlined, so that the function under the cursor is the function that runs. */
static NOINLINE int route(const struct request *request, struct response *response)
{
  stats_count(M_ROUTE);
  if (strncmp(request->path, "/product/", 9) == 0)
    return show_product(request, response);
  if (strcmp(request->path, "/menu") == 0)
    return show_menu(request, response);
  if (request->method == POST && strcmp(request->path, "/order") == 0)
    return place_order(request, response);
  response->length = 0;
  return 404;
}

NOINLINE int handle_request(const struct request *request, struct response *response)
{
  uint64_t start = now_ns();
  DTRACE_PROBE2(shop, request__start, request->id, request->path);
  response->status = route(request, response);
  DTRACE_PROBE3(shop, request__done, request->id, response->status, response->length);
  stats_record(M_HANDLE_REQUEST, now_ns() - start);
  return response->status;
}
