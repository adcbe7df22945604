#ifndef CACHE_H
#define CACHE_H

#include <stdint.h>

#define CACHE_SLOTS 256

/* The value stored under a key, or NULL. */
const char *cache_get(uint32_t key);
void cache_put(uint32_t key, const char *value);

#endif
