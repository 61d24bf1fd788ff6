#include "flatenn/train/group_norm_kernels.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <cmath>
#include <vector>

#include "flatenn/base/random.h"

namespace flatenn {
namespace {

std::vector<float> random_values(std::size_t count, std::uint64_t key, double center) {
  RandomStream stream(3, Purpose::test, key);
  std::vector<float> values;
  for (std::size_t i = 0; i < count; ++i) {
    values.push_back(static_cast<float>(center + stream.normal()));
  }
  return values;
}

/// One normalization of random values with its gradients.
struct Normalised {
  GroupNormShape shape;
  std::vector<float> x, gamma, beta, gy, y, statistics, gx, ggamma, gbeta;

  Normalised(const GroupNormShape& s, double center) : shape(s) {
    const std::size_t size = at(s.channels, 0, 0);
    const auto channels = static_cast<std::size_t>(s.channels);
    x = random_values(size, 1, center);
    gamma = random_values(channels, 2, 0);
    beta = random_values(channels, 3, 0);
    gy = random_values(size, 4, 0);
    y.resize(size);
    gx.resize(size);
    statistics.resize(static_cast<std::size_t>(2 * s.groups * s.images));
    ggamma.resize(channels);
    gbeta.resize(channels);
    group_norm_forward(s, x.data(), gamma.data(), beta.data(), y.data(), statistics.data());
    group_norm_backward(s, x.data(), gamma.data(), statistics.data(), gy.data(), gx.data(),
                        ggamma.data(), gbeta.data());
  }

  std::size_t at(int channel, int place, int image) const {
    return (static_cast<std::size_t>(channel) * shape.places + place) * shape.images + image;
  }
  int width() const { return shape.channels / shape.groups; }
  /// Sum over a group of f(channel, place), in the order of model.h.
  template <class F>
  double sum(int group, F f) const {
    double total = 0;
    for (int c = group * width(); c < (group + 1) * width(); ++c) {
      for (int p = 0; p < shape.places; ++p) total += f(c, p);
    }
    return total;
  }
};

GroupNormShape any_shape() {
  GroupNormShape s;
  s.groups = *rc::gen::inRange(1, 5);
  s.channels = s.groups * *rc::gen::inRange(1, 5);
  s.places = *rc::gen::inRange(1, 12);
  s.images = *rc::gen::element(1, 2, 15, 16, 17, 33);
  s.epsilon = 1e-3f;
  return s;
}

/// The arithmetic of the evaluators, bit for bit.
RC_GTEST_PROP(GroupNormKernels, ForwardEqualsPlainLoops, ()) {
  const Normalised run(any_shape(), *rc::gen::element(0.0, 3.0, -1000.0));
  const double count = run.shape.values();
  for (int image = 0; image < run.shape.images; ++image) {
    for (int group = 0; group < run.shape.groups; ++group) {
      const auto x = [&](int c, int p) -> double { return run.x[run.at(c, p, image)]; };
      const double mean = run.sum(group, x) / count;
      const double squares = run.sum(group, [&](int c, int p) {
        const double distance = x(c, p) - mean;
        return distance * distance;
      });
      const auto gain = static_cast<float>(1 / std::sqrt(squares / count + run.shape.epsilon));
      for (int c = group * run.width(); c < (group + 1) * run.width(); ++c) {
        for (int p = 0; p < run.shape.places; ++p) {
          const float centred = run.x[run.at(c, p, image)] - static_cast<float>(mean);
          const float scaled = centred * gain * run.gamma[static_cast<std::size_t>(c)];
          const float y = scaled + run.beta[static_cast<std::size_t>(c)];
          RC_ASSERT(run.y[run.at(c, p, image)] == y);
        }
      }
    }
  }
}

/// Gradients from the Jacobian, element by element: dy_i / dx_k = gamma_i * gain *
/// ([i = k] - 1/n - z_i z_k / n).
RC_GTEST_PROP(GroupNormKernels, BackwardIsTheJacobian, ()) {
  const Normalised run(any_shape(), 0);
  const double count = run.shape.values();
  std::vector<double> ggamma(run.gamma.size()), gbeta(run.gamma.size());
  for (int image = 0; image < run.shape.images; ++image) {
    for (int group = 0; group < run.shape.groups; ++group) {
      const auto x = [&](int c, int p) -> double { return run.x[run.at(c, p, image)]; };
      const double mean = run.sum(group, x) / count;
      const double variance =
          run.sum(group, [&](int c, int p) { return std::pow(x(c, p) - mean, 2); }) / count;
      const double gain = 1 / std::sqrt(variance + run.shape.epsilon);
      const auto z = [&](int c, int p) { return (x(c, p) - mean) * gain; };
      for (int c = group * run.width(); c < (group + 1) * run.width(); ++c) {
        for (int p = 0; p < run.shape.places; ++p) {
          const double expected = run.sum(group, [&](int ci, int pi) {
            const double same = ci == c && pi == p ? 1 : 0;
            const auto gamma = static_cast<double>(run.gamma[static_cast<std::size_t>(ci)]);
            return run.gy[run.at(ci, pi, image)] * gamma * gain *
                   (same - 1 / count - z(ci, pi) * z(c, p) / count);
          });
          const double actual = run.gx[run.at(c, p, image)];
          RC_ASSERT(std::abs(actual - expected) < 2e-5 * (1 + gain) * (1 + std::abs(expected)));
          ggamma[static_cast<std::size_t>(c)] += run.gy[run.at(c, p, image)] * z(c, p);
          gbeta[static_cast<std::size_t>(c)] += run.gy[run.at(c, p, image)];
        }
      }
    }
  }
  for (std::size_t c = 0; c < ggamma.size(); ++c) {
    RC_ASSERT(std::abs(run.ggamma[c] - ggamma[c]) < 1e-4 * (1 + std::abs(ggamma[c])));
    RC_ASSERT(std::abs(run.gbeta[c] - gbeta[c]) < 1e-4 * (1 + std::abs(gbeta[c])));
  }
}

/// An image's results do not depend on those beside it.
TEST(GroupNormKernels, ImagesAreIndependent) {
  const Normalised many({17, 6, 5, 3, 1e-5}, 1);
  for (const int image : {0, 3, 15, 16}) {
    std::vector<float> x, y(30), statistics(6);
    for (int i = 0; i < 30; ++i) x.push_back(many.x[static_cast<std::size_t>(i * 17 + image)]);
    group_norm_forward({1, 6, 5, 3, 1e-5}, x.data(), many.gamma.data(), many.beta.data(), y.data(),
                       statistics.data());
    for (int i = 0; i < 30; ++i) {
      EXPECT_EQ(y[static_cast<std::size_t>(i)], many.y[static_cast<std::size_t>(i * 17 + image)]);
    }
  }
}

}  // namespace
}  // namespace flatenn
