// Accumulator: mean and variance of a stream of samples, mergeable.
#pragma once

#include <cstdint>
#include <span>

namespace flatenn {

/// Welford's update and the pairwise merge of Chan, Golub and LeVeque (1979): stable for samples
/// with a large mean and a small spread. Merging parts gives the whole up to rounding.
class Accumulator {
 public:
  Accumulator() = default;
  explicit Accumulator(std::span<const double> samples);

  void add(double x);
  void merge(const Accumulator& other);

  std::uint64_t count() const { return count_; }
  /// NaN without samples.
  double mean() const;
  /// Unbiased (n - 1); NaN for fewer than two samples.
  double variance() const;
  double deviation() const;  ///< square root of the variance

 private:
  std::uint64_t count_ = 0;
  double mean_ = 0;
  double squares_ = 0;  // sum of squared distances from the mean
};

}  // namespace flatenn
