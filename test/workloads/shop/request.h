#ifndef REQUEST_H
#define REQUEST_H

#include <stddef.h>
#include <stdint.h>

enum method { GET, POST };

struct request {
  enum method method;
  uint32_t id;
  char path[48];
  struct {
    uint32_t length;
    const char *data;
  } body;
};

struct response {
  int status;
  size_t length;
  char body[512];
};

/* Reads "GET /path" or "POST /path BODY"; 0, or -1 for anything else. */
int parse_request(const char *line, struct request *request);

/* Answers one request; the time it takes is almost all db_query's. */
int handle_request(const struct request *request, struct response *response);

#endif
