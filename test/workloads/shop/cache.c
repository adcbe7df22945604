#include "cache.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/sdt.h>

#include "stats.h"

static struct {
  uint32_t key;
  char value[32];
} slots[CACHE_SLOTS];
static pthread_rwlock_t lock = PTHREAD_RWLOCK_INITIALIZER;

const char *cache_get(uint32_t key)
{
  stats_count(M_CACHE_GET);
  const char *value = NULL;
  pthread_rwlock_rdlock(&lock);
  if (slots[key % CACHE_SLOTS].key == key)
    value = slots[key % CACHE_SLOTS].value;
  pthread_rwlock_unlock(&lock);
  if (value)
    DTRACE_PROBE1(shop, cache__hit, key);
  else
    DTRACE_PROBE1(shop, cache__miss, key);
  return value;
}

void cache_put(uint32_t key, const char *value)
{
  pthread_rwlock_wrlock(&lock);
  slots[key % CACHE_SLOTS].key = key;
  snprintf(slots[key % CACHE_SLOTS].value, sizeof slots[0].value, "%s", value);
  pthread_rwlock_unlock(&lock);
}
