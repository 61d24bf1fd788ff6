#include "flatenn/analysis/attack_words.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <tuple>
#include <utility>

#include "flatenn/base/error.h"
#include "flatenn/quant/codec.h"

namespace flatenn {
namespace {

/// The best of what is added, as many as asked for: a heap with the worst of them on top, so most
/// of what is added costs one comparison. `Before` is a strict total order.
template <class T, class Before>
class Best {
 public:
  explicit Best(std::size_t count) : count_(count) {}

  void add(const T& item) {
    if (kept_.size() == count_) {
      if (count_ == 0 || !Before()(item, kept_.front())) return;
      std::ranges::pop_heap(kept_, Before());
      kept_.back() = item;
    } else {
      kept_.push_back(item);
    }
    std::ranges::push_heap(kept_, Before());
  }

  std::vector<T> sorted() && {
    std::ranges::sort(kept_, Before());
    return std::move(kept_);
  }

 private:
  std::size_t count_;
  std::vector<T> kept_;
};

struct LargerGain {
  bool operator()(const BitCandidate& a, const BitCandidate& b) const {
    return a.gain != b.gain ? a.gain > b.gain : a.address < b.address;
  }
};

}  // namespace

AttackWords::AttackWords(const Model& model, const Exposure& exposure) : layout_(model) {
  for (std::size_t t = 0; t < model.weights.size(); ++t) {
    const WeightTensor& weights = model.weights[t];
    Tensor& tensor = tensors_.emplace_back();
    tensor.format = weights.format;
    tensor.scale = weights.scale;
    tensor.first_bit = layout_.tensors()[t].first_bit;
    for (std::size_t word = 0; word < tensor.codes.size(); ++word) {
      tensor.codes[word] = decode(weights.format, static_cast<std::uint8_t>(word));
    }
    tensor.stored.reserve(weights.codes.size());
    for (const std::int8_t code : weights.codes) {
      tensor.stored.push_back(encode(weights.format, code));
    }
    tensor.words = tensor.stored;
    for (const Exposure::Range& range : exposure.ranges) {
      if (range.first == tensor.first_bit) tensor.mask = range.mask;
    }
  }
}

void AttackWords::flip(std::uint64_t address) {
  const Cell place = cell(address);
  Tensor& tensor = tensors_[static_cast<std::size_t>(place.tensor)];
  tensor.words[place.element] ^= static_cast<std::uint8_t>(1u << place.bit);
}

int AttackWords::code(std::size_t tensor, std::uint64_t element) const {
  return tensors_[tensor].codes[tensors_[tensor].words[element]];
}

int AttackWords::stored_code(std::size_t tensor, std::uint64_t element) const {
  return tensors_[tensor].codes[tensors_[tensor].stored[element]];
}

int AttackWords::change(std::uint64_t address) const {
  const Cell place = cell(address);
  const Tensor& tensor = tensors_[static_cast<std::size_t>(place.tensor)];
  const std::uint8_t word = tensor.words[place.element];
  return tensor.codes[word ^ (1u << place.bit)] - tensor.codes[word];
}

std::vector<BitCandidate> AttackWords::best_bits(std::size_t tensor,
                                                 std::span<const float> gradient,
                                                 std::size_t count) const {
  const Tensor& t = tensors_[tensor];
  FLATENN_ASSERT(gradient.size() == t.words.size());
  Best<BitCandidate, LargerGain> best(count);
  const int bits = t.format.bits;
  for (std::size_t i = 0; i < t.words.size(); ++i) {
    const unsigned word = t.words[i];
    const unsigned open = t.mask & ~(word ^ t.stored[i]);
    const double slope = static_cast<double>(gradient[i]) * static_cast<double>(t.scale);
    for (int bit = 0; bit < bits; ++bit) {
      if ((open >> bit & 1) == 0) continue;
      const double gain = slope * (t.codes[word ^ (1u << bit)] - t.codes[word]);
      if (!(gain > 0)) continue;
      best.add({t.first_bit + i * static_cast<unsigned>(bits) + static_cast<unsigned>(bit), gain});
    }
  }
  return std::move(best).sorted();
}

std::optional<AttackWords::Move> AttackWords::move_of(const Tensor& tensor, std::size_t element,
                                                      float move) {
  const unsigned stored = tensor.stored[element];
  const int code = tensor.codes[stored];
  const auto half = static_cast<float>(1 << (tensor.format.bits - 1));
  const float target = std::clamp(std::nearbyint(static_cast<float>(code) + move * half),
                                  static_cast<float>(tensor.format.min_code()),
                                  static_cast<float>(tensor.format.max_code()));
  const int distance = static_cast<int>(target) - code;
  if (distance == 0) return std::nullopt;
  unsigned open = (encode(tensor.format, code + distance) ^ stored) & tensor.mask;
  while (open != 0) {
    const int bit = std::bit_width(open) - 1;
    const int change = tensor.codes[stored ^ (1u << bit)] - code;
    if (change != 0 && (change > 0) == (distance > 0)) {
      const auto bits = static_cast<unsigned>(tensor.format.bits);
      return Move{tensor.first_bit + element * bits + static_cast<unsigned>(bit),
                  std::abs(static_cast<float>(distance)) / half, std::abs(move)};
    }
    open ^= 1u << bit;
  }
  return std::nullopt;
}

std::vector<std::uint64_t> AttackWords::project(std::span<const std::vector<float>> moves,
                                                std::size_t budget) const {
  FLATENN_ASSERT(moves.size() == tensors_.size());
  struct Further {
    bool operator()(const Move& a, const Move& b) const {
      return std::tuple(-a.codes, -a.move, a.address) < std::tuple(-b.codes, -b.move, b.address);
    }
  };
  Best<Move, Further> best(budget);
  for (std::size_t t = 0; t < tensors_.size(); ++t) {
    if (tensors_[t].mask == 0) continue;
    FLATENN_ASSERT(moves[t].size() == tensors_[t].stored.size());
    for (std::size_t i = 0; i < moves[t].size(); ++i) {
      const auto move = move_of(tensors_[t], i, moves[t][i]);
      if (move) best.add(*move);
    }
  }
  std::vector<std::uint64_t> flips;
  for (const Move& move : std::move(best).sorted()) flips.push_back(move.address);
  std::ranges::sort(flips);
  return flips;
}

RandomCells::RandomCells(const Exposure& exposure, RandomStream stream)
    : exposure_(exposure), stream_(stream), bits_(exposure.bits()) {}

std::optional<std::uint64_t> RandomCells::next() {
  if (given_ == bits_) return std::nullopt;
  const auto at = [&](std::uint64_t place) {
    const auto found = moved_.find(place);
    return found == moved_.end() ? place : found->second;
  };
  const std::uint64_t chosen = given_ + stream_.below(bits_ - given_);
  const std::uint64_t cell = at(chosen);
  moved_[chosen] = at(given_);
  moved_.erase(given_++);
  return exposed_cell(exposure_, cell);
}

std::uint64_t exposed_cell(const Exposure& exposure, std::uint64_t index) {
  for (const Exposure::Range& range : exposure.ranges) {
    const auto bits = static_cast<std::uint64_t>(range.bits);
    const auto open = static_cast<std::uint64_t>(std::popcount(range.mask));
    const std::uint64_t cells = (range.last - range.first) / bits * open;
    if (index >= cells) {
      index -= cells;
      continue;
    }
    std::uint32_t mask = range.mask;
    for (std::uint64_t skipped = index % open; skipped > 0; --skipped) mask &= mask - 1;
    return range.first + index / open * bits + static_cast<unsigned>(std::countr_zero(mask));
  }
  FLATENN_ASSERT(!"index below exposure.bits()");
  return 0;
}

}  // namespace flatenn
