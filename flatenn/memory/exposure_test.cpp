#include "flatenn/memory/exposure.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "flatenn/base/error.h"

namespace flatenn {
namespace {

using Patterns = std::vector<std::string>;

/// Widths 4, 3, 8, 2; the third has no elements.
std::vector<StoredTensor> tensors() {
  std::vector<StoredTensor> tensors = {{"conv1.weight", {4, Encoding::twos_complement}, 0, 50},
                                       {"conv2.weight", {3, Encoding::offset_binary}, 0, 70},
                                       {"empty.weight", {5, Encoding::offset_binary}, 0, 0},
                                       {"linear1.weight", {8, Encoding::sign_magnitude}, 0, 30},
                                       {"linear2.weight", {2, Encoding::sign_magnitude}, 0, 9}};
  std::uint64_t next = 0;
  for (StoredTensor& tensor : tensors) {
    tensor.first_bit = next;
    next += tensor.bits();
  }
  return tensors;
}

std::string error_of(const Patterns& patterns) {
  try {
    expose(tensors(), patterns);
  } catch (const Error& error) {
    return error.what();
  }
  return "accepted";
}

/// The exposed addresses, cell by cell.
std::set<std::uint64_t> cells(const Exposure& exposure) {
  std::set<std::uint64_t> cells;
  for (const Exposure::Range& range : exposure.ranges) {
    for (std::uint64_t address = range.first; address < range.last; ++address) {
      const std::uint64_t position = (address - range.first) % static_cast<unsigned>(range.bits);
      if (range.mask >> position & 1) cells.insert(address);
    }
  }
  return cells;
}

/// A pattern made of its meaning, so that nothing has to be parsed to know what it chooses.
struct Meaning {
  std::string prefix;
  int first = 0, last = -1;  ///< no positions: all
  bool top = false;

  std::string text() const {
    if (top) return prefix + "*:top";
    if (last < 0) return prefix + "*";
    const std::string range = "-" + std::to_string(last);
    return prefix + "*:" + std::to_string(first) + (first == last ? "" : range);
  }
  bool chooses(const StoredTensor& tensor, int bit) const {
    if (!tensor.name.starts_with(prefix)) return false;
    if (top) return bit == tensor.format.bits - 1;
    return last < 0 || (first <= bit && bit <= last);
  }
};

Meaning any_meaning() {
  // With the widest tensor that the prefix matches.
  const std::vector<std::pair<std::string, int>> prefixes = {
      {"", 8}, {"conv", 4}, {"conv2", 3}, {"linear", 8}, {"linear2", 2}, {"empty", 5}};
  const auto [prefix, widest] = *rc::gen::elementOf(prefixes);
  Meaning meaning{prefix};
  meaning.top = *rc::gen::inRange(0, 4) == 0;
  if (*rc::gen::inRange(0, 4) != 0) {
    meaning.last = *rc::gen::inRange(0, widest);
    meaning.first = *rc::gen::inRange(0, meaning.last + 1);
  }
  return meaning;
}

RC_GTEST_PROP(ExposureProperty, IsTheDefinition, ()) {
  const auto count = *rc::gen::inRange<std::size_t>(1, 5);
  std::vector<Meaning> meanings;
  Patterns patterns;
  for (std::size_t i = 0; i < count; ++i) {
    meanings.push_back(any_meaning());
    patterns.push_back(meanings.back().text());
  }
  std::set<std::uint64_t> expected;
  std::uint64_t address = 0;
  for (const StoredTensor& tensor : tensors()) {
    for (std::uint64_t element = 0; element < tensor.elements; ++element) {
      for (int bit = 0; bit < tensor.format.bits; ++bit, ++address) {
        if (std::any_of(meanings.begin(), meanings.end(),
                        [&](const Meaning& meaning) { return meaning.chooses(tensor, bit); })) {
          expected.insert(address);
        }
      }
    }
  }
  const Exposure exposure = expose(tensors(), patterns);
  RC_ASSERT(cells(exposure) == expected);
  RC_ASSERT(exposure.bits() == expected.size());
  std::uint64_t after = 0;
  for (const Exposure::Range& range : exposure.ranges) {
    RC_ASSERT(range.first >= after && range.first < range.last && range.mask != 0);
    after = range.last;
  }

  // One way of writing, whatever the order and repetitions, and it chooses the same.
  const Patterns canonical = canonical_patterns(patterns);
  RC_ASSERT(expose(tensors(), canonical) == exposure);
  RC_ASSERT(canonical_patterns(canonical) == canonical);
  Patterns shuffled = patterns;
  std::reverse(shuffled.begin(), shuffled.end());
  shuffled.push_back(patterns.front());
  RC_ASSERT(canonical_patterns(shuffled) == canonical);
}

TEST(Exposure, NoPatternsIsEverything) {
  const Exposure all = expose(tensors(), {});
  EXPECT_EQ(all.bits(), 200u + 210 + 240 + 18);
  EXPECT_EQ(expose(tensors(), Patterns{"*"}), all);
  EXPECT_EQ(expose(tensors(), Patterns{"*:top", "*:0", "*", "conv*:1"}), all);
  ASSERT_EQ(all.ranges.size(), 4u);
  EXPECT_EQ(all.ranges[1], (Exposure::Range{200, 410, 3, 7}));
  EXPECT_TRUE(expose({}, {}).ranges.empty());
}

TEST(Exposure, RangesByHand) {
  using Ranges = std::vector<Exposure::Range>;
  const auto ranges = [](const Patterns& patterns) { return expose(tensors(), patterns).ranges; };
  EXPECT_EQ(ranges({"linear1.weight", "conv1.weight"}),
            (Ranges{{0, 200, 4, 15}, {410, 650, 8, 255}}));
  EXPECT_EQ(ranges({"*:3"}), (Ranges{{0, 200, 4, 8}, {410, 650, 8, 8}}));
  EXPECT_EQ(ranges({"conv?.weight:top"}), (Ranges{{0, 200, 4, 8}, {200, 410, 3, 4}}));
  EXPECT_EQ(ranges({"conv1*:0", "conv1*:2-3"}), (Ranges{{0, 200, 4, 13}}));
  EXPECT_EQ(ranges({"[[:alpha:]]*2.*"}), (Ranges{{200, 410, 3, 7}, {650, 668, 2, 3}}));
  EXPECT_EQ(ranges({"[[:alpha:]]*2.*:1"}), (Ranges{{200, 410, 3, 2}, {650, 668, 2, 2}}));
}

TEST(Exposure, CanonicalByHand) {
  EXPECT_EQ(canonical_patterns({}), Patterns{});
  EXPECT_EQ(canonical_patterns(Patterns{"b.*", "*", "a.*:3"}), Patterns{});
  EXPECT_EQ(canonical_patterns(Patterns{"b.*:2", "a.*", "b.*:0-1", "b.*:top", "b.*:4", "a.*:1"}),
            (Patterns{"a.*", "b.*:0-2", "b.*:4", "b.*:top"}));
  EXPECT_EQ(canonical_patterns(Patterns{"*:30", "*:07-8"}), (Patterns{"*:7-8", "*:30"}));
  EXPECT_THROW(canonical_patterns(Patterns{"a:b"}), Error);
}

TEST(Exposure, LayersCoverEveryCellOnce) {
  const Patterns layers = layer_patterns(tensors());
  EXPECT_EQ(layers[1], "conv2.weight");
  std::uint64_t sum = 0;
  for (const std::string& pattern : layers) sum += expose(tensors(), Patterns{pattern}).bits();
  EXPECT_EQ(sum, expose(tensors(), {}).bits());
  EXPECT_EQ(expose(tensors(), layers), expose(tensors(), {}));
}

TEST(Exposure, ContainsWhatItsMaskSays) {
  const Exposure exposure = expose(tensors(), Patterns{"conv2.*:1", "linear1.*"});
  std::uint64_t contained = 0;
  for (std::uint64_t a = 0; a < exposure.ranges.back().last + 100; ++a) {
    contained += exposure.contains(a);
  }
  EXPECT_EQ(contained, exposure.bits());
  const Exposure::Range& conv2 = exposure.ranges.front();
  EXPECT_FALSE(exposure.contains(conv2.first));
  EXPECT_TRUE(exposure.contains(conv2.first + 1));
  EXPECT_FALSE(exposure.contains(conv2.first - 1));
}

TEST(Exposure, APatternWithoutAMatchNamesTheTensors) {
  EXPECT_EQ(error_of({"conv1.*", "convv2.*:1"}),
            "exposed: no tensor matches \"convv2.*\"; the model has conv1.weight, conv2.weight, "
            "empty.weight, linear1.weight, linear2.weight");
  EXPECT_THROW(expose(tensors(), Patterns{""}), Error);
  EXPECT_THROW(expose(tensors(), Patterns{":3"}), Error);
}

TEST(Exposure, MalformedBitsAreRefused) {
  EXPECT_EQ(error_of({"*:2-"}),
            "exposed: the bits in \"*:2-\" should be a position from 0 to 30 (\"*:3\"), a range of "
            "them (\"*:0-2\") or top (\"*:top\")");
  for (const char* bits : {"", "x", "-1", "1-0", "0-1-2", "1,2", " 1", "1 ", "0x1", "Top", "31",
                           "99999999999999999999", "0-99999999999", "--1", "0--1", "+1", "1.5"}) {
    EXPECT_NE(error_of({std::string("conv1.*:") + bits}), "accepted") << bits;
  }
}

TEST(Exposure, BitsThatNoMatchedTensorHasAreRefused) {
  EXPECT_EQ(error_of({"conv*:2-4"}),
            "exposed: \"conv*:2-4\" names a bit that no tensor has: the widest that matches has "
            "bits 0 to 3");
  EXPECT_NE(error_of({"conv2*:3"}), "accepted");
  EXPECT_NE(error_of({"*:8"}), "accepted");
  EXPECT_EQ(error_of({"*:7"}), "accepted");
}

}  // namespace
}  // namespace flatenn
