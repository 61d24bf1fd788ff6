#include "flatenn/memory/protected_memory.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <string>
#include <vector>

#include "flatenn/base/error.h"
#include "flatenn/base/random.h"
#include "flatenn/graph/builders.h"
#include "flatenn/graph/testing.h"
#include "flatenn/memory/bias_codes.h"
#include "flatenn/memory/testing.h"

namespace flatenn {
namespace {

/// Widths that 24-bit words hold whole; sizes that leave short words at the end of tensors.
Model mixed_model() {
  Model model;
  int number = 0;
  for (const int bits : {3, 4, 8}) {
    for (const Encoding encoding :
         {Encoding::twos_complement, Encoding::offset_binary, Encoding::sign_magnitude}) {
      WeightTensor weights;
      weights.name = "layer" + std::to_string(++number) + ".weight";
      weights.format = {bits, encoding, bits == 3};
      RandomStream stream(7, Purpose::test, static_cast<std::uint64_t>(number));
      // Only the lower half of the magnitudes, so that bounds have something to do.
      const int largest = weights.format.max_code() / 2;
      for (int i = 0; i < 17 + number; ++i) {
        const auto levels = static_cast<std::uint64_t>(2 * largest + 1);
        weights.codes.push_back(
            static_cast<std::int8_t>(static_cast<int>(stream.below(levels)) - largest));
      }
      const int size = static_cast<int>(weights.codes.size());
      int channels = 2;
      while (size % channels != 0) ++channels;
      weights.shape = {channels, size / channels};
      if (number % 2 == 0) std::fill_n(weights.codes.begin(), size / channels, std::int8_t{0});
      model.weights.push_back(std::move(weights));
    }
  }
  return model;
}

Model model_with_biases() {
  NetworkOptions options{.input = {1, 8, 8, 0.1f, 60}, .activation_bits = 4};
  options.weights.code.bits = 4;
  return with_coded_biases(random_model(mlp(options), 4));
}

/// A guarded memory written out cell by cell and read word by word, knowing only what a codeword
/// is.
class NaiveMemory {
 public:
  NaiveMemory(const Model& model, const MemoryImage& image, const Guard& guard)
      : model_(model), image_(image), guard_(guard) {
    if (guard.code != WordCodeKind::none) code_ = WordCode(guard.code, guard.word_bits);
    RandomStream written(8, Purpose::test, 0);  // what an image left in buffers
    for (std::uint64_t a = 0; a < image.bits(); ++a) {
      cells_.push_back(a < image.layout().stored_bits() ? image.bit(a) : written.below(2) == 1);
    }
    for (const StoredTensor& tensor : image.tensors()) {
      if (!image.parts().has(tensor.part)) continue;
      for (std::uint64_t e = 0; e < tensor.elements; ++e) {
        for (int copy = 0; copy < 2; ++copy) {
          for (int b = tensor.format.bits - guard.voted; b < tensor.format.bits; ++b) {
            cells_.push_back(cells_[address(tensor, e, b)]);
          }
        }
      }
    }
    for (const StoredTensor& tensor : image.tensors()) {
      if (!image.parts().has(tensor.part)) continue;
      for (std::uint64_t e = 0; e < tensor.elements; e += codes(tensor)) {
        const std::uint32_t check = code_.check(word(tensor, e, cells_));
        for (int j = 0; j < code_.check_bits(); ++j) cells_.push_back(check >> j & 1);
      }
    }
  }

  std::uint64_t bits() const { return cells_.size(); }
  bool bit(std::uint64_t address) const { return cells_[address]; }

  void strike(const std::vector<Fault>& faults, FaultKind kind) {
    for (const Fault& fault : faults) {
      const bool stored = cells_[fault.address];
      cells_[fault.address] = kind == FaultKind::flip     ? !stored
                              : kind == FaultKind::stuck  ? fault.coin
                              : kind == FaultKind::stuck1 ? true
                                                          : false;
    }
  }

  /// All stored bits of the memory as read.
  std::vector<bool> read() const {
    std::vector<bool> read(cells_.begin(),
                           cells_.begin() + static_cast<std::ptrdiff_t>(image_.bits()));
    std::uint64_t next = image_.bits();
    for (const StoredTensor& tensor : image_.tensors()) {
      if (!image_.parts().has(tensor.part)) continue;
      for (std::uint64_t e = 0; e < tensor.elements; ++e) {
        for (int b = 0; b < guard_.voted; ++b) {
          const std::uint64_t at = address(tensor, e, tensor.format.bits - guard_.voted + b);
          const auto copy = static_cast<std::uint64_t>(b);
          const int ones = cells_[at] + cells_[next + copy] +
                           cells_[next + copy + static_cast<std::uint64_t>(guard_.voted)];
          read[at] = ones >= 2;
        }
        next += 2 * static_cast<std::uint64_t>(guard_.voted);
      }
    }
    for (const StoredTensor& tensor : image_.tensors()) {
      if (!image_.parts().has(tensor.part)) continue;
      for (std::uint64_t e = 0; e < tensor.elements; e += codes(tensor)) {
        std::uint32_t check = 0;
        for (int j = 0; j < code_.check_bits(); ++j) {
          check |= static_cast<std::uint32_t>(cells_[next++]) << j;
        }
        read_word(tensor, e, check, read);
      }
    }
    bound(read);
    return read;
  }

 private:
  static std::uint64_t address(const StoredTensor& tensor, std::uint64_t element, int bit) {
    return tensor.first_bit + element * static_cast<std::uint64_t>(tensor.format.bits) +
           static_cast<std::uint64_t>(bit);
  }
  std::uint64_t codes(const StoredTensor& tensor) const {
    if (guard_.code == WordCodeKind::none) return 1;
    return static_cast<std::uint64_t>(guard_.word_bits / tensor.format.bits);
  }
  int used(const StoredTensor& tensor, std::uint64_t element) const {
    return static_cast<int>(std::min(codes(tensor), tensor.elements - element)) *
           tensor.format.bits;
  }
  std::uint64_t word(const StoredTensor& tensor, std::uint64_t element,
                     const std::vector<bool>& from) const {
    std::uint64_t word = 0;
    for (int b = 0; b < used(tensor, element); ++b) {
      word |= std::uint64_t{from[address(tensor, element, b)]} << b;
    }
    return word;
  }
  void read_word(const StoredTensor& tensor, std::uint64_t element, std::uint32_t check,
                 std::vector<bool>& read) const {
    const int bits = used(tensor, element);
    const std::uint64_t data = word(tensor, element, read);
    const auto is_codeword = [&](std::uint64_t d, std::uint32_t c) { return code_.check(d) == c; };
    if (guard_.code == WordCodeKind::none || is_codeword(data, check)) return;
    if (guard_.code == WordCodeKind::secded) {
      for (int j = 0; j < code_.check_bits(); ++j) {
        if (is_codeword(data, check ^ (1u << j))) return;
      }
      for (int b = 0; b < bits; ++b) {
        if (!is_codeword(data ^ (std::uint64_t{1} << b), check)) continue;
        read[address(tensor, element, b)] = !read[address(tensor, element, b)];
        return;
      }
      if (!guard_.zero) return;
    }
    for (int b = 0; b < bits; ++b) {
      const int width = tensor.format.bits;
      const int zero = tensor.part == MemoryPart::weights ? encode(tensor.format, 0) : 0;
      read[address(tensor, element, b)] = zero >> (b % width) & 1;
    }
  }
  void bound(std::vector<bool>& read) const {
    for (std::size_t t = 0; t < image_.tensors().size(); ++t) {
      const StoredTensor& tensor = image_.tensors()[t];
      if (tensor.part != MemoryPart::weights || !image_.parts().weights) continue;
      const int channels = guard_.channels ? model_.weights[t].shape[0] : 1;
      const std::uint64_t each = tensor.elements / static_cast<std::uint64_t>(channels);
      std::vector<std::vector<std::int8_t>> codes(static_cast<std::size_t>(channels));
      for (std::uint64_t e = 0; e < tensor.elements; ++e) {
        codes[e / each].push_back(image_.code(static_cast<int>(t), e));
      }
      std::vector<CodeBounds> bounds;
      for (const auto& of_channel : codes) bounds.push_back(code_bounds(of_channel));
      for (std::uint64_t e = 0; e < tensor.elements; ++e) {
        std::uint8_t word = 0;
        for (int b = 0; b < tensor.format.bits; ++b) {
          word |= static_cast<std::uint8_t>(read[address(tensor, e, b)] << b);
        }
        const std::int8_t code = decode(tensor.format, word);
        const std::int8_t read_code = bounded(guard_.bound, bounds[e / each], code);
        if (read_code == code) continue;
        const std::uint8_t now = encode(tensor.format, read_code);
        for (int b = 0; b < tensor.format.bits; ++b) {
          read[address(tensor, e, b)] = now >> b & 1;
        }
      }
    }
  }

  const Model& model_;
  const MemoryImage& image_;
  Guard guard_;
  WordCode code_;
  std::vector<bool> cells_;
};

Guard any_guard() {
  Guard guard;
  guard.voted = *rc::gen::inRange(0, 4);
  guard.code = *rc::gen::element(WordCodeKind::none, WordCodeKind::parity, WordCodeKind::secded);
  if (guard.code != WordCodeKind::none) guard.word_bits = *rc::gen::element(24, 48);
  guard.zero = guard.code == WordCodeKind::parity ||
               (guard.code == WordCodeKind::secded && *rc::gen::arbitrary<bool>());
  guard.bound =
      *rc::gen::element(BoundRule::none, BoundRule::zero, BoundRule::largest, BoundRule::common);
  guard.channels = guard.bound != BoundRule::none && *rc::gen::arbitrary<bool>();
  return guard;
}

void expect_as_naive(const Model& model, MemoryParts parts, const Guard& guard) {
  ProtectedMemory memory(model, parts, {.guard = guard}, {});
  const std::string before = memory.image().hash();
  NaiveMemory naive(model, memory.image(), guard);
  RC_ASSERT(memory.bits() == naive.bits());
  const FaultKind kind = any_kind();
  const double rate = *rc::gen::element(0.002, 0.02, 0.1, 0.5);
  const std::vector<Fault> faults =
      draw(*rc::gen::inRange<std::uint64_t>(0, 1000), memory.bits(), rate);
  std::vector<Fault> exposed = faults;
  const std::uint64_t first = memory.exposed().data.ranges.front().first;
  std::erase_if(exposed, [&](const Fault& fault) { return fault.address < first; });
  naive.strike(exposed, kind);
  const std::vector<bool> expected = naive.read();  // looks at the image: before it changes
  AppliedFaults applied;
  memory.apply(faults, kind, applied);
  for (std::uint64_t a = 0; a < memory.image().bits(); ++a) {
    RC_ASSERT(memory.image().bit(a) == expected[a]);
  }
  RC_ASSERT(applied.changed_bits <= applied.faulty_bits);
  RC_ASSERT(applied.faulty_bits == exposed.size());
  memory.undo(applied);
  RC_ASSERT(memory.image().hash() == before);
}

RC_GTEST_PROP(ProtectedMemory, ReadsAsAMemoryWrittenOutCellByCell, ()) {
  expect_as_naive(mixed_model(), {}, any_guard());
}

RC_GTEST_PROP(ProtectedMemory, GuardsBiasesToo, ()) {
  Guard guard = any_guard();
  if (guard.word_bits == 24) guard.word_bits = 32;  // biases have 16 bits
  const auto parts =
      *rc::gen::element(MemoryParts{true, true, false}, MemoryParts{false, true, false});
  if (!parts.weights) guard.bound = BoundRule::none;
  expect_as_naive(model_with_biases(), parts, guard);
}

// What a word of a buffer reads, of those bits that happen to be written there.
RC_GTEST_PROP(ProtectedMemory, GuardsBuffersToo, ()) {
  const MemoryParts parts =
      *rc::gen::element(MemoryParts{true, true, true}, MemoryParts{false, false, true});
  Guard guard = any_guard();
  if (guard.word_bits == 24) guard.word_bits = 32;
  if (!parts.weights) guard.bound = BoundRule::none;
  const FaultKind kind = guard.code == WordCodeKind::none ? any_kind() : FaultKind::flip;
  const Model model = model_with_biases();
  ProtectedMemory memory(model, parts, {.guard = guard}, {});
  NaiveMemory naive(model, memory.image(), guard);
  const NaiveMemory written = naive;
  RC_ASSERT(memory.bits() == naive.bits());
  std::vector<Fault> faults = draw(*rc::gen::inRange<std::uint64_t>(0, 1000), memory.bits(),
                                   *rc::gen::element(0.002, 0.02, 0.1, 0.5));
  const std::uint64_t first = memory.exposed().data.ranges.front().first;
  std::erase_if(faults, [&](const Fault& fault) { return fault.address < first; });
  naive.strike(faults, kind);
  const std::vector<bool> expected = naive.read();
  AppliedFaults applied;
  memory.apply(faults, kind, applied);
  RC_ASSERT(applied.faulty_bits == faults.size());
  std::size_t next = 0;
  for (const StoredTensor& tensor : memory.image().tensors()) {
    if (tensor.part != MemoryPart::activations) continue;
    for (std::uint64_t e = 0; e < tensor.elements; ++e) {
      BufferFault fault{tensor.node, static_cast<std::int64_t>(e)};
      if (next < applied.buffers.size() && applied.buffers[next].node == fault.node &&
          applied.buffers[next].element == fault.element) {
        fault = applied.buffers[next++];
      }
      for (int b = 0; b < tensor.format.bits; ++b) {
        const std::uint64_t at = tensor.first_bit + e * static_cast<unsigned>(tensor.format.bits) +
                                 static_cast<unsigned>(b);
        const bool read =
            (written.bit(at) && (fault.keep >> b & 1)) != ((fault.toggle >> b & 1) != 0);
        RC_ASSERT(read == expected[at]);
      }
      RC_ASSERT((fault.keep | 0xff >> (8 - tensor.format.bits)) == 0xff);
      RC_ASSERT(fault.toggle >> tensor.format.bits == 0);
    }
  }
  RC_ASSERT(next == applied.buffers.size());
  for (std::uint64_t a = 0; a < memory.image().layout().stored_bits(); ++a) {
    RC_ASSERT(memory.image().bit(a) == expected[a]);
  }
}

RC_GTEST_PROP(ProtectedMemory, WithoutAProtectionIsTheImage, ()) {
  const Model model = mixed_model();
  const std::vector<std::string> patterns = {"*:top", "layer4.*"};
  ProtectedMemory memory(model, {}, {}, patterns);
  MemoryImage image(model);
  const FaultKind kind = any_kind();
  const auto faults = draw(*rc::gen::inRange<std::uint64_t>(0, 100), image.bits(), 0.1);
  AppliedFaults guarded, plain;
  memory.apply(faults, kind, guarded);
  image.apply(faults, kind, image.expose(patterns), plain);
  RC_ASSERT(memory.bits() == image.bits());
  RC_ASSERT(memory.image().hash() == image.hash());
  RC_ASSERT(guarded.writes == plain.writes);
  RC_ASSERT(guarded.changed_bits == plain.changed.size());
}

// What is left of the faults strikes the same memory without skipped columns.
RC_GTEST_PROP(ProtectedMemory, SkippedColumnsHoldNothing, ()) {
  const Model model = mixed_model();
  const Guard guard = any_guard();
  ProtectedMemory skipping(model, {}, {.placement = {.skip = {5, 32, 16}}, .guard = guard}, {});
  ProtectedMemory memory(model, {}, {.guard = guard}, {});
  RC_ASSERT(skipping.bits() == (memory.bits() + 26) / 27 * 32);
  const FaultKind kind = any_kind();
  const auto faults = draw(*rc::gen::inRange<std::uint64_t>(0, 100), skipping.bits(), 0.05);
  std::vector<Fault> kept;
  skip_columns({5, 32, 16}, memory.bits(), faults, kept);
  RC_ASSERT(kept.size() < faults.size());
  AppliedFaults applied, expected;
  skipping.apply(faults, kind, applied);
  memory.apply(kept, kind, expected);
  RC_ASSERT(skipping.image().hash() == memory.image().hash());
  RC_ASSERT(skipping.counts() == memory.counts());
  skipping.undo(applied);
  memory.undo(expected);
  RC_ASSERT(skipping.image().hash() == memory.image().hash());
}

TEST(ProtectedMemory, SecdedMendsEverySingleFaultAndKnowsEveryPair) {
  Model model;
  WeightTensor weights;
  weights.name = "fc.weight";
  weights.format = {8, Encoding::twos_complement, false};
  weights.codes = {3, -7, 100, -128, 0, 55, -1, 127, 9};  // a word and a short one
  weights.shape = {9};
  model.weights = {weights};
  ProtectedMemory memory(model, {}, {.guard = parse_guard("secded:64")}, {});
  ASSERT_EQ(memory.bits(), 72u + 2 * 8);
  const std::string before = memory.image().hash();
  const auto word_of = [](std::uint64_t cell) { return cell < 72 ? cell / 64 : (cell - 72) / 8; };
  AppliedFaults applied;
  for (std::uint64_t a = 0; a < memory.bits(); ++a) {
    memory.apply(std::vector<Fault>{{a, false}}, FaultKind::flip, applied);
    ASSERT_TRUE(applied.writes.empty()) << a;
    ASSERT_EQ(memory.counts().corrected, 1u);
    ASSERT_EQ(memory.image().hash(), before);
    for (std::uint64_t b = a + 1; b < memory.bits(); ++b) {
      memory.apply(std::vector<Fault>{{a, false}, {b, false}}, FaultKind::flip, applied);
      const bool together = word_of(a) == word_of(b);
      ASSERT_EQ(memory.counts().detected, together ? 1u : 0u) << a << ", " << b;
      ASSERT_EQ(memory.counts().corrected, together ? 0u : 2u) << a << ", " << b;
      ASSERT_EQ(memory.counts().multiple, together ? 1u : 0u);
      memory.undo(applied);
      ASSERT_EQ(memory.image().hash(), before);
    }
  }
}

/// 512,000 bits of 8-bit codes.
Model large_model() {
  Model model;
  WeightTensor weights;
  weights.name = "fc.weight";
  weights.format = {8, Encoding::twos_complement, false};
  weights.codes.assign(64'000, 5);
  weights.shape = {64'000};
  model.weights = {weights};
  return model;
}

// Of n = 72 cells at rate p, two or more are wrong with probability 1 - (1-p)^n - n p (1-p)^(n-1).
TEST(ProtectedMemory, TheShareOfUncorrectableWordsIsBinomial) {
  ProtectedMemory memory(large_model(), {}, {.guard = parse_guard("secded:64")}, {});
  const double words = 8000;
  AppliedFaults applied;
  for (const double p : {1e-4, 1e-3, 3e-3, 1e-2, 3e-2}) {
    constexpr int maps = 50;
    double multiple = 0;
    for (std::uint64_t map = 0; map < maps; ++map) {
      memory.apply(draw(map, memory.bits(), p), FaultKind::flip, applied);
      multiple += static_cast<double>(memory.counts().multiple);
      memory.undo(applied);
    }
    const double expected = 1 - std::pow(1 - p, 72) - 72 * p * std::pow(1 - p, 71);
    const double sd = std::sqrt(expected * (1 - expected) * words * maps);
    EXPECT_NEAR(multiple, expected * words * maps, 4 * sd) << "rate " << p;
  }
}

TEST(ProtectedMemory, ExposesCheckCellsWithWholeTensorsOnly) {
  const Model model = mixed_model();
  const MemoryLayout layout(model);
  const Protection protection{.guard = parse_guard("secded:24+tmr:1")};
  const auto exposed = [&](std::vector<std::string> patterns) {
    return expose_cells(layout, patterns, protection);
  };
  const CheckCells cells(layout, protection.guard);
  EXPECT_EQ(exposed({}).bits, cells.end());
  EXPECT_EQ(exposed({"*:top"}).bits, layout.expose(std::vector<std::string>{"*:top"}).bits());
  const GuardedTensor& first = cells.tensors()[0];
  EXPECT_EQ(exposed({"layer1.*"}).bits,
            first.data_bits() + first.voted_bits() + first.check_bits());
}

TEST(ProtectedMemory, ProtectedCellsNeverFail) {
  const Model model = mixed_model();
  const Protection protection{.placement = parse_placement("protect:2"),
                              .guard = parse_guard("secded:24")};
  ProtectedMemory memory(model, {}, protection, {});
  AppliedFaults applied;
  memory.apply(draw(0, memory.bits(), 1), FaultKind::flip, applied);
  EXPECT_EQ(applied.faulty_bits, memory.exposed().bits);
  EXPECT_EQ(applied.changed_bits, memory.exposed().bits);
  memory.undo(applied);
  const ProtectionCost cost = protection_cost(protection, memory.image().layout());
  EXPECT_EQ(memory.exposed().bits, memory.bits() - cost.hardened);
}

TEST(ProtectedMemory, AllocatesNothingOnceWarm) {
  ProtectedMemory memory(large_model(), {},
                         {.placement = parse_placement("interleave:8+rotate:1"),
                          .guard = parse_guard("secded:64:zero+tmr:1+bound:1")},
                         {});
  AppliedFaults applied;
  memory.apply(draw(0, memory.bits(), 0.5), FaultKind::flip, applied);
  memory.undo(applied);
  const auto* writes = applied.writes.data();
  const auto* changed = applied.changed.data();
  for (std::uint64_t map = 1; map < 4; ++map) {
    memory.apply(draw(map, memory.bits(), 0.01), FaultKind::stuck, applied);
    memory.undo(applied);
    EXPECT_EQ(applied.writes.data(), writes);
    EXPECT_EQ(applied.changed.data(), changed);
  }
}

}  // namespace
}  // namespace flatenn
