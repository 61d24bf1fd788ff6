#include "flatenn/analysis/bit_sensitivity.h"

#include <array>
#include <cmath>

#include "flatenn/base/error.h"
#include "flatenn/quant/codec.h"

namespace flatenn {
namespace {

/// Change of the weight for each code and bit: flipping depends on the stored word alone, and a
/// code's word is encode()'s.
class Changes {
 public:
  explicit Changes(const WeightTensor& tensor) : lowest_(tensor.format.min_code()) {
    const CodeFormat& format = tensor.format;
    for (int code = format.min_code(); code <= format.max_code(); ++code) {
      const std::uint8_t word = encode(format, code);
      auto& of_code = changes_.emplace_back();
      for (int bit = 0; bit < format.bits; ++bit) {
        const int flipped = decode(format, static_cast<std::uint8_t>(word ^ (1u << bit)));
        of_code[static_cast<std::size_t>(bit)] = {
            static_cast<double>(tensor.scale) * (flipped - code), ((word >> bit) & 1) != 0};
      }
    }
  }

  struct Change {
    double by = 0;
    bool was_set = false;
  };
  const std::array<Change, 8>& of(int code) const {
    return changes_[static_cast<std::size_t>(code - lowest_)];
  }

 private:
  int lowest_;
  std::vector<std::array<Change, 8>> changes_;
};

double second_order(const WeightDerivatives& derivatives, std::size_t element, double change) {
  if (derivatives.second.empty()) return 0;
  return 0.5 * static_cast<double>(derivatives.second[element]) * change * change;
}

void check_sizes(const Model& model, std::span<const WeightDerivatives> derivatives) {
  FLATENN_ASSERT(derivatives.size() == model.weights.size());
  for (std::size_t t = 0; t < derivatives.size(); ++t) {
    const std::size_t size = model.weights[t].codes.size();
    FLATENN_ASSERT(derivatives[t].first.size() == size);
    FLATENN_ASSERT(derivatives[t].second.empty() || derivatives[t].second.size() == size);
  }
}

/// Sums over the cells of one bit position.
struct Sums {
  double cells = 0, first = 0, magnitude = 0, second = 0;
  void add(double change, double slope, double curve) {
    cells += 1;
    first += slope * change;
    magnitude += std::abs(slope * change);
    second += curve;
  }
  BitSensitivity::OfKind mean(FaultKind kind, double all) const {
    return {kind, cells / all, first / all, magnitude / all, second / all};
  }
};

}  // namespace

std::vector<BitSensitivity> bit_sensitivities(const Model& model,
                                              std::span<const WeightDerivatives> derivatives) {
  check_sizes(model, derivatives);
  std::vector<BitSensitivity> result;
  for (std::size_t t = 0; t < model.weights.size(); ++t) {
    const WeightTensor& tensor = model.weights[t];
    const Changes changes(tensor);
    const auto bits = static_cast<std::size_t>(tensor.format.bits);
    // [bit][was set]: bits that are 0 suffer from stuck-at-1, bits that are 1 from stuck-at-0.
    std::vector<std::array<Sums, 2>> sums(bits);
    for (std::size_t i = 0; i < tensor.codes.size(); ++i) {
      const auto& of_code = changes.of(tensor.codes[i]);
      const auto slope = static_cast<double>(derivatives[t].first[i]);
      for (std::size_t bit = 0; bit < bits; ++bit) {
        const auto [by, was_set] = of_code[bit];
        sums[bit][was_set ? 1 : 0].add(by, slope, second_order(derivatives[t], i, by));
      }
    }
    for (std::size_t bit = 0; bit < bits; ++bit) {
      const auto& [clear, set] = sums[bit];
      const double all = clear.cells + set.cells;
      const Sums both{all, clear.first + set.first, clear.magnitude + set.magnitude,
                      clear.second + set.second};
      result.push_back({tensor.name,
                        static_cast<int>(bit),
                        tensor.codes.size(),
                        {both.mean(FaultKind::flip, all), set.mean(FaultKind::stuck0, all),
                         clear.mean(FaultKind::stuck1, all)}});
    }
  }
  return result;
}

void visit_bits(const Model& model, std::span<const WeightDerivatives> derivatives,
                const std::function<void(const BitEffect&)>& visit) {
  check_sizes(model, derivatives);
  for (std::size_t t = 0; t < model.weights.size(); ++t) {
    const WeightTensor& tensor = model.weights[t];
    const Changes changes(tensor);
    for (std::size_t i = 0; i < tensor.codes.size(); ++i) {
      const auto& of_code = changes.of(tensor.codes[i]);
      const auto slope = static_cast<double>(derivatives[t].first[i]);
      for (int bit = 0; bit < tensor.format.bits; ++bit) {
        const double by = of_code[static_cast<std::size_t>(bit)].by;
        visit({static_cast<int>(t), i, bit, by, slope * by, second_order(derivatives[t], i, by)});
      }
    }
  }
}

}  // namespace flatenn
