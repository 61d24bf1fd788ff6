// Counter-based random numbers: every draw is a pure function of (seed, purpose, index, position).
//
// Philox4x64-10 (Salmon et al., SC'11) from Random123. Because nothing is carried from one draw to
// the next, results do not depend on the order of work, the number of threads or a resume.
#pragma once

#include <array>
#include <cstdint>
#include <span>

namespace flatenn {

/// What a draw is for. Two purposes never share numbers. The values are part of every result:
/// append, never renumber.
enum class Purpose : std::uint64_t {
  test = 0,
  weight_init = 1,
  batch_order = 2,
  augmentation = 3,
  fault_map = 4,
  synthetic_data = 5,
  direction = 6,
  bootstrap = 7,
  random_bit_error = 8,
  subset = 9,
  sign_flip = 10,
  permutation = 11,
  attack = 12,
  injection = 13,
  transient = 14,
  mirror = 15,
};

/// Block `position` of the stream (seed, purpose, index, sub): four independent 64-bit words.
std::array<std::uint64_t, 4> random_block(std::uint64_t seed, Purpose purpose, std::uint64_t index,
                                          std::uint64_t sub, std::uint64_t position);

/// Words of the blocks `position`, position + 1, ... one after another: the same numbers as from
/// random_block, faster. Precondition: words.size() is a multiple of 4.
void random_words(std::uint64_t seed, Purpose purpose, std::uint64_t index, std::uint64_t sub,
                  std::uint64_t position, std::span<std::uint64_t> words);

/// One stream, read forward. Cheap to construct; satisfies UniformRandomBitGenerator.
class RandomStream {
 public:
  using result_type = std::uint64_t;

  /// `sub` separates streams below an index (the layer of a map, the image of a batch, ...).
  RandomStream(std::uint64_t seed, Purpose purpose, std::uint64_t index, std::uint64_t sub = 0)
      : seed_(seed), purpose_(purpose), index_(index), sub_(sub) {}

  std::uint64_t operator()();
  static constexpr std::uint64_t min() { return 0; }
  static constexpr std::uint64_t max() { return ~std::uint64_t{0}; }

  /// Uniform on [0, 1), 53 bits.
  double uniform();
  /// Uniform on {0, ..., n-1}, without bias. n >= 1.
  std::uint64_t below(std::uint64_t n);
  /// Standard normal (Box-Muller on portable_log and a portable cosine; same bits everywhere).
  double normal();

 private:
  std::uint64_t seed_;
  Purpose purpose_;
  std::uint64_t index_;
  std::uint64_t sub_;
  std::uint64_t position_ = 0;
  int used_ = 4;
  std::array<std::uint64_t, 4> block_{};
};

/// Natural logarithm of x > 0 from exactly rounded operations only, relative error below 1e-14.
/// libm's log may differ in the last bit between processors; fault maps may not.
double portable_log(double x);

/// Fills `order` with a uniformly random permutation of 0 .. order.size()-1 (Fisher-Yates).
void random_permutation(RandomStream& stream, std::span<std::uint32_t> order);

}  // namespace flatenn
