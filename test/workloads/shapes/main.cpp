/*
 * shapes: overloads, templates, namespaces, virtual functions and exceptions, made to be traced.
 *
 *   shapes [--rounds N] [--wait]
 *
 * Runs N rounds (for ever without), 2 ms apart, and prints how often each function was called as one line of JSON.
 * --wait as in shop: "ready PID", then a line on standard input starts it.
 */
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <unistd.h>

#include "shapes.hpp"

static volatile std::sig_atomic_t stopping;

/* Counts by the caller, so that nothing is added to the functions themselves. */
static struct {
  unsigned long scale_double, scale_point, scale_shape, geo_rank, text_rank, parse, careful, caught, sum_int, sum_double, circle_area, polygon_area;
} calls;

/* Has a frame of its own that an exception unwinds. */
[[gnu::noinline]] static int careful(int number)
{
  volatile int kept = number;
  return text::parse(number) + kept;
}

static int round_of(int n)
{
  int result = 0;
  result += static_cast<int>(geo::scale(1.5, n));
  calls.scale_double++;
  geo::Point point = geo::scale(geo::Point{1, 2}, n);
  calls.scale_point++;
  calls.scale_double += 2;
  geo::Polygon polygon({{0, 0}, {point.x, 0}, {point.x, point.y}});
  auto circle = geo::scale(polygon, 0.5);
  calls.scale_shape++;
  calls.polygon_area++;
  calls.scale_double++;
  result += static_cast<int>(circle->area());
  calls.circle_area++;
  result += geo::detail::rank(n) + text::detail::rank(n);
  calls.geo_rank++;
  calls.text_rank++;
  calls.careful++;
  calls.parse++;
  try {
    result += careful(n);
    calls.text_rank++;
  } catch (const std::invalid_argument &) {
    calls.caught++;
  }
  result += sum(std::vector<int>{n, 2, 3});
  calls.sum_int++;
  result += static_cast<int>(sum(std::vector<double>{1.0, static_cast<double>(n)}));
  calls.sum_double++;
  return result;
}

int main(int argc, char **argv)
{
  long rounds = 0;
  bool wait = false;
  for (int i = 1; i < argc; i++) {
    if (!std::strcmp(argv[i], "--wait"))
      wait = true;
    else if (!std::strcmp(argv[i], "--rounds") && i + 1 < argc)
      rounds = std::atol(argv[++i]);
    else {
      std::fprintf(stderr, "usage: shapes [--rounds N] [--wait]\n");
      return 2;
    }
  }
  std::signal(SIGINT, [](int) { stopping = 1; });
  std::signal(SIGTERM, [](int) { stopping = 1; });
  char line[16];
  if (wait) {
    std::printf("ready %d\n", getpid());
    std::fflush(stdout);
    if (!std::fgets(line, sizeof line, stdin))
      return 1;
  }
  int result = 0;
  for (long i = 0; !stopping && (rounds == 0 || i < rounds); i++) {
    result += round_of(static_cast<int>(i % 1000));
    usleep(rounds ? 100 : 2000);
  }
  std::printf("{\"pid\":%d,\"result\":%d,\"functions\":{\"geo::scale(double, double)\":%lu,\"geo::scale(geo::Point, double)\":%lu,"
              "\"geo::scale(geo::Shape const&, double)\":%lu,\"geo::detail::rank(int)\":%lu,\"text::detail::rank(int)\":%lu,"
              "\"text::parse(int)\":%lu,\"careful(int)\":%lu,\"sum<int>\":%lu,\"sum<double>\":%lu,\"geo::Circle::area() const\":%lu,"
              "\"geo::Polygon::area() const\":%lu},\"caught\":%lu}\n",
              getpid(), result, calls.scale_double, calls.scale_point, calls.scale_shape, calls.geo_rank, calls.text_rank, calls.parse,
              calls.careful, calls.sum_int, calls.sum_double, calls.circle_area, calls.polygon_area, calls.caught);
  std::fflush(stdout);
  if (wait)
    while (std::fgets(line, sizeof line, stdin)) {
    }
  return 0;
}
