#include "copies.h"

__attribute__((noinline)) long in_the_other_file(long x)
{
  long sum = 0;
  for (long i = 0; i < 3; i++)
    sum += blend(x + i);
  return sum + leaf(sum);
}
