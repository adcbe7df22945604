#include "request.h"

#include <string.h>

#include "stats.h"

/* Two callers and a loop: the compiler inlines it everywhere, and no symbol is left to probe. */
static inline __attribute__((always_inline)) int skip_word(const char **at)
{
  const char *start = *at;
  while (**at && **at != ' ')
    (*at)++;
  int length = (int)(*at - start);
  if (**at == ' ')
    (*at)++;
  return length;
}

int parse_request(const char *line, struct request *request)
{
  stats_count(M_PARSE_REQUEST);
  const char *at = line;
  int method = skip_word(&at);
  if (method == 3 && memcmp(line, "GET", 3) == 0)
    request->method = GET;
  else if (method == 4 && memcmp(line, "POST", 4) == 0)
    request->method = POST;
  else
    return -1;
  const char *path = at;
  int length = skip_word(&at);
  if (length <= 0 || length >= (int)sizeof request->path || *path != '/')
    return -1;
  memcpy(request->path, path, (size_t)length);
  request->path[length] = 0;
  request->body.data = at;
  request->body.length = (uint32_t)strlen(at);
  return 0;
}
