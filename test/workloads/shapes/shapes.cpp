#include "shapes.hpp"

namespace geo {

double Circle::area() const
{
  return 3.14159265358979 * radius_ * radius_;
}

double Polygon::area() const
{
  double twice = 0;
  for (std::size_t i = 0; i < points_.size(); i++) {
    const Point &a = points_[i], &b = points_[(i + 1) % points_.size()];
    twice += a.x * b.y - b.x * a.y;
  }
  return twice / 2;
}

[[gnu::noinline]] double scale(double value, double factor)
{
  return value * factor;
}

[[gnu::noinline]] Point scale(Point point, double factor)
{
  return {scale(point.x, factor), scale(point.y, factor)};
}

[[gnu::noinline]] std::unique_ptr<Shape> scale(const Shape &shape, double factor)
{
  return std::make_unique<Circle>(scale(shape.area(), factor));
}

namespace detail {
[[gnu::noinline]] int rank(int value)
{
  return value * 3 % 17;
}
}  // namespace detail

}  // namespace geo

namespace text {

namespace detail {
[[gnu::noinline]] int rank(int value)
{
  return value * 5 % 19;
}
}  // namespace detail

[[gnu::noinline]] int parse(int number)
{
  if (number % 10 == 9)
    throw std::invalid_argument("nine");
  return detail::rank(number);
}

}  // namespace text
