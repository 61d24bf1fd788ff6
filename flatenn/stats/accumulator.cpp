#include "flatenn/stats/accumulator.h"

#include <cmath>
#include <limits>

namespace flatenn {

Accumulator::Accumulator(std::span<const double> samples) {
  for (const double x : samples) add(x);
}

void Accumulator::add(double x) {
  ++count_;
  const double distance = x - mean_;
  mean_ += distance / static_cast<double>(count_);
  squares_ += distance * (x - mean_);
}

void Accumulator::merge(const Accumulator& other) {
  if (other.count_ == 0) return;
  if (count_ == 0) {
    *this = other;
    return;
  }
  const double here = static_cast<double>(count_), there = static_cast<double>(other.count_);
  const double distance = other.mean_ - mean_;
  count_ += other.count_;
  mean_ += distance * there / (here + there);
  squares_ += other.squares_ + distance * distance * here * there / (here + there);
}

double Accumulator::mean() const {
  return count_ > 0 ? mean_ : std::numeric_limits<double>::quiet_NaN();
}

double Accumulator::variance() const {
  return count_ > 1 ? squares_ / static_cast<double>(count_ - 1)
                    : std::numeric_limits<double>::quiet_NaN();
}

double Accumulator::deviation() const { return std::sqrt(variance()); }

}  // namespace flatenn
