#ifndef DB_H
#define DB_H

#include <stdint.h>

/* Looks a product up; sleeps as a disk would: see latency_of in db.c for the distribution. */
int db_query(uint32_t key, char *value, int size);

#endif
