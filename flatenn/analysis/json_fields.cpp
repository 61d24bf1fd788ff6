#include "flatenn/analysis/json_fields.h"

#include "flatenn/base/error.h"

namespace flatenn {
namespace {

using nlohmann::json;

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
constexpr double kInfinity = std::numeric_limits<double>::infinity();

double read_number(const json& value, const std::string& where, double if_null = kNaN) {
  if (value.is_null()) return if_null;
  if (!value.is_number()) refuse_analysis(where, "must be a number");
  return value.get<double>();
}

}  // namespace

void refuse_analysis(const std::string& where, std::string_view what) {
  fail("{}: {}; is this a file of 'flatenn analyze'?", where, what);
}

double JsonFields::number(const std::string& key, double if_null) {
  return read_number(reader_.value(key), place(key), if_null);
}

std::uint64_t JsonFields::count(const std::string& key) {
  const json& value = reader_.value(key);
  if (!value.is_number_unsigned()) refuse_analysis(place(key), "must be a whole number, 0 or more");
  return value.get<std::uint64_t>();
}

std::vector<double> JsonFields::numbers(const std::string& key) {
  return list<double>(key, [](const json& v, const std::string& w) { return read_number(v, w); });
}

Interval JsonFields::interval(const std::string& key) {
  JsonFields f = object(key);
  const Interval i{f.number("mean"), f.number("sd"), f.number("lo", -kInfinity),
                   f.number("hi", kInfinity), f.count("n")};
  f.done();
  return i;
}

std::vector<LossPoint> JsonFields::points(const std::string& key) {
  return read_points(reader_.value(key), place(key));
}

std::vector<LossPoint> JsonFields::read_points(const json& value, const std::string& where) {
  JsonFields f(value, where);
  const std::vector<double> losses = f.numbers("loss"), accuracies = f.numbers("accuracy");
  f.done();
  if (losses.size() != accuracies.size()) {
    refuse_analysis(where, "as many losses as accuracies needed");
  }
  std::vector<LossPoint> points;
  for (std::size_t i = 0; i < losses.size(); ++i) points.push_back({losses[i], accuracies[i]});
  return points;
}

}  // namespace flatenn
