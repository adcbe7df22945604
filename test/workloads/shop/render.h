#ifndef RENDER_H
#define RENDER_H

#include <stddef.h>
#include <stdint.h>

/* Writes a nested list `depth` levels deep; recursive, one call a level. */
size_t render_tree(int depth, char *out, size_t size);

uint32_t checksum(const char *data, size_t length);

#endif
