#pragma once

#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

namespace geo {

struct Point {
  double x, y;
};

class Shape {
public:
  virtual ~Shape() = default;
  virtual double area() const = 0;
  const std::string &name() const { return name_; }

protected:
  explicit Shape(std::string name) : name_(std::move(name)) {}

private:
  std::string name_;
};

class Circle final : public Shape {
public:
  explicit Circle(double radius) : Shape("circle"), radius_(radius) {}
  double area() const override;

private:
  double radius_;
};

class Polygon final : public Shape {
public:
  explicit Polygon(std::vector<Point> points) : Shape("polygon"), points_(std::move(points)) {}
  double area() const override;

private:
  std::vector<Point> points_;
};

/* Three functions of one name. */
double scale(double value, double factor);
Point scale(Point point, double factor);
std::unique_ptr<Shape> scale(const Shape &shape, double factor);

namespace detail {
/* A name that another namespace has too. */
int rank(int value);
}  // namespace detail

}  // namespace geo

namespace text {
namespace detail {
int rank(int value);
}

/* Throws for every tenth number: frames above it are unwound without returning. */
int parse(int number);
}  // namespace text

/* One source function, an instance for each type. */
template <typename T>
[[gnu::noinline]] T sum(const std::vector<T> &values)
{
  T total{};
  for (const T &value : values)
    total += value;
  return total;
}
