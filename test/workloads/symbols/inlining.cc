// Much inlining: standard algorithms, regex, strings, maps, variants, threads, lambdas, local classes.
#include <algorithm>
#include <array>
#include <atomic>
#include <cmath>
#include <deque>
#include <functional>
#include <future>
#include <iostream>
#include <list>
#include <map>
#include <memory>
#include <numeric>
#include <optional>
#include <queue>
#include <random>
#include <regex>
#include <set>
#include <sstream>
#include <string>
#include <string_view>
#include <thread>
#include <tuple>
#include <unordered_map>
#include <variant>
#include <vector>
#include <complex>
#include <valarray>
#include <filesystem>
#include <locale>
#include <iomanip>
#include <bitset>

namespace shop {
template <typename T, std::size_t N> struct Ring {
  std::array<T, N> items{}; std::size_t head = 0, count = 0;
  bool push(T v) { if (count == N) return false; items[(head + count++) % N] = std::move(v); return true; }
  std::optional<T> pop() { if (!count) return std::nullopt; auto v = std::move(items[head]); head = (head + 1) % N; --count; return v; }
  template <typename F> auto fold(F f) const { decltype(f(T{}, T{})) sum{}; for (std::size_t i = 0; i < count; i++) sum = f(sum, items[(head + i) % N]); return sum; }
};
struct Money { long cents; friend Money operator+(Money a, Money b) { return {a.cents + b.cents}; } auto operator<=>(const Money&) const = default; explicit operator bool() const { return cents; } };
using Value = std::variant<int, double, std::string, Money, std::vector<int>>;
struct Visitor {
  std::string operator()(int i) const { return std::to_string(i); }
  std::string operator()(double d) const { std::ostringstream s; s << std::setprecision(3) << d; return s.str(); }
  std::string operator()(const std::string& s) const { return s; }
  std::string operator()(Money m) const { return "$" + std::to_string(m.cents); }
  std::string operator()(const std::vector<int>& v) const { return std::accumulate(v.begin(), v.end(), std::string{}, [](std::string a, int b) { return std::move(a) + ',' + std::to_string(b); }); }
};
class Base { public: virtual ~Base() = default; virtual int area(int scale) const noexcept = 0; protected: int id = 0; };
template <int W, int H> class Box final : public Base { public: int area(int scale) const noexcept override { return W * H * scale; } };
template <typename... Ts> auto sum(Ts... ts) { return (ts + ... + 0); }
template <typename R, typename... A> std::function<R(A...)> memo(R (*f)(A...)) { auto cache = std::make_shared<std::map<std::tuple<A...>, R>>(); return [=](A... a) { auto key = std::make_tuple(a...); auto it = cache->find(key); if (it != cache->end()) return it->second; return (*cache)[key] = f(a...); }; }
static long fib(int n) { return n < 2 ? n : fib(n - 1) + fib(n - 2); }
int operator""_km(unsigned long long v) { return int(v) * 1000; }
}
using namespace shop;
template <auto F> int apply(int x) { return F(x); }
static int twice(int x) { return 2 * x; }
int shell(std::vector<std::string>& words) {
  std::sort(words.begin(), words.end(), [](const auto& a, const auto& b) { return a.size() != b.size() ? a.size() < b.size() : a < b; });
  words.erase(std::unique(words.begin(), words.end()), words.end());
  std::unordered_map<std::string, std::list<int>> index;
  for (auto [i, w] : [&] { std::vector<std::pair<int, std::string>> v; int k = 0; for (auto& x : words) v.emplace_back(k++, x); return v; }()) index[w].push_back(i);
  struct Local { int n = 0; int bump(int by) { struct Inner { static int go(int q) { return q * 3; } }; n += Inner::go(by); return n; } } local;
  int total = 0;
  for (auto& [w, l] : index) total += local.bump(int(l.size()));
  return total;
}
int main(int argc, char** argv) {
  std::string text; for (int i = 0; i < argc + 50; i++) text += "word" + std::to_string(i * 7919 % 31) + " ";
  std::regex re("(\\w+)(\\d) "); std::vector<std::string> words;
  for (std::sregex_iterator it(text.begin(), text.end(), re), end; it != end; ++it) words.push_back((*it)[1]);
  std::cout << shell(words) << '\n';
  Ring<Value, 16> ring; ring.push(3); ring.push(2.5); ring.push(std::string("x")); ring.push(Money{199}); ring.push(std::vector<int>{1, 2, 3});
  while (auto v = ring.pop()) std::cout << std::visit(Visitor{}, *v) << '\n';
  std::vector<std::unique_ptr<Base>> boxes; boxes.emplace_back(new Box<2, 3>); boxes.emplace_back(new Box<4, 5>);
  int area = 0; for (auto& b : boxes) area += b->area(argc);
  auto f = memo(fib); std::cout << area << sum(1, 2.5, 3L) << f(20) << f(20) << 3_km << apply<twice>(4) << '\n';
  std::priority_queue<std::pair<int, int>, std::vector<std::pair<int, int>>, std::greater<>> q; std::mt19937 gen(argc); std::uniform_int_distribution<int> d(0, 99);
  for (int i = 0; i < 100; i++) q.emplace(d(gen), i);
  std::deque<int> dq; while (!q.empty()) { dq.push_front(q.top().second); q.pop(); }
  std::vector<std::future<int>> fs; for (int i = 0; i < 4; i++) fs.push_back(std::async(std::launch::async, [i, &dq] { return std::accumulate(dq.begin(), dq.end(), i); }));
  for (auto& x : fs) std::cout << x.get() << ' ';
  std::complex<double> c(1, 2); std::valarray<double> va{1, 2, 3}; std::bitset<64> bits(42);
  std::cout << std::abs(c * c) << va.sum() << bits.count() << std::filesystem::path("/a/b").filename() << '\n';
  std::set<std::string_view> sv; for (auto& w : words) sv.insert(w);
  std::stable_sort(dq.begin(), dq.end()); std::nth_element(dq.begin(), dq.begin() + 3, dq.end());
  try { if (argc > 5) throw std::runtime_error("many"); } catch (const std::exception& e) { std::cerr << e.what(); return 1; }
  return int(sv.size()) & 1;
}
