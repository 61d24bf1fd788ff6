#include "flatenn/config/grid.h"

#include <charconv>
#include <cmath>
#include <optional>
#include <string>

#include "flatenn/base/error.h"

namespace flatenn {
namespace {

constexpr int kMostPoints = 10000;

template <class Number>
std::optional<Number> parse_number(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  if (text.starts_with('+')) text.remove_prefix(1);
  Number number{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

double parse_finite(std::string_view text, std::string_view where) {
  const auto number = parse_number<double>(text);
  if (!number || !std::isfinite(*number)) {
    fail("{}: '{}' is not a number; write 0.1, or 0.1,0.2, or a grid 1e-3..5e-2:8", where, text);
  }
  return *number;
}

double round_to_six_digits(double x) { return *parse_number<double>(fmt::format("{:.5e}", x)); }

void append_part(std::string_view text, std::string_view where, std::vector<double>& values) {
  const std::size_t dots = text.find("..");
  if (dots == std::string_view::npos) {
    values.push_back(parse_finite(text, where));
    return;
  }
  const std::size_t colon = text.find(':', dots);
  if (colon == std::string_view::npos) {
    fail("{}: the grid '{}' lacks its number of points; write it as a..b:n", where, text);
  }
  const double a = parse_finite(text.substr(0, dots), where);
  const double b = parse_finite(text.substr(dots + 2, colon - dots - 2), where);
  const auto n = parse_number<int>(text.substr(colon + 1));
  if (a <= 0 || b <= 0) fail("{}: the ends of the grid '{}' must be above 0", where, text);
  if (!n || *n < 2 || *n > kMostPoints) {
    fail("{}: the grid '{}' must have 2 to {} points", where, text, kMostPoints);
  }
  values.push_back(a);
  for (int i = 1; i < *n - 1; ++i) {
    const double step = static_cast<double>(i) / (*n - 1);
    values.push_back(round_to_six_digits(std::exp((1 - step) * std::log(a) + step * std::log(b))));
  }
  values.push_back(b);
}

}  // namespace

std::vector<double> expand_grid(std::string_view text, std::string_view where) {
  std::vector<double> values;
  while (true) {
    const std::size_t comma = text.find(',');
    append_part(text.substr(0, comma), where, values);
    if (comma == std::string_view::npos) return values;
    text.remove_prefix(comma + 1);
  }
}

}  // namespace flatenn
