#include "flatenn/memory/memory_image.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "flatenn/base/error.h"
#include "flatenn/base/random.h"
#include "flatenn/memory/testing.h"

namespace flatenn {
namespace {

WeightTensor tensor(const std::string& name, CodeFormat format, std::size_t elements,
                    std::uint64_t seed) {
  WeightTensor weights;
  weights.name = name;
  weights.shape = {static_cast<int>(elements)};
  weights.format = format;
  RandomStream stream(seed, Purpose::test, elements);
  const auto levels = static_cast<std::uint64_t>(format.max_code() - format.min_code() + 1);
  for (std::size_t i = 0; i < elements; ++i) {
    const int code = format.min_code() + static_cast<int>(stream.below(levels));
    weights.codes.push_back(static_cast<std::int8_t>(code));
  }
  return weights;
}

/// Every width and encoding, sizes that leave codes across the borders of 64-bit words.
Model mixed_model() {
  Model model;
  for (int bits = 2; bits <= 8; ++bits) {
    for (const Encoding encoding :
         {Encoding::twos_complement, Encoding::offset_binary, Encoding::sign_magnitude}) {
      const CodeFormat format{bits, encoding, bits % 2 == 1};
      const std::string name =
          "layer" + std::to_string(bits) + "." + std::string(to_string(encoding));
      model.weights.push_back(tensor(name, format, static_cast<std::size_t>(20 + 3 * bits), 1));
    }
  }
  return model;
}

Model small_model() {
  Model model;
  model.weights = {tensor("conv1.weight", {4, Encoding::twos_complement}, 50, 1),
                   tensor("conv2.weight", {3, Encoding::offset_binary}, 70, 2),
                   tensor("linear1.weight", {8, Encoding::sign_magnitude}, 30, 3)};
  return model;
}

TEST(MemoryImage, HoldsTheCodesOfTheModel) {
  const Model model = mixed_model();
  const MemoryImage image(model);
  std::uint64_t address = 0;
  for (int t = 0; t < static_cast<int>(model.weights.size()); ++t) {
    const WeightTensor& weights = model.weights[static_cast<std::size_t>(t)];
    EXPECT_EQ(image.tensors()[static_cast<std::size_t>(t)].first_bit, address);
    for (std::size_t i = 0; i < weights.codes.size(); ++i) {
      EXPECT_EQ(image.code(t, i), weights.codes[i]);
      const std::uint8_t word = encode(weights.format, weights.codes[i]);
      for (int bit = 0; bit < weights.format.bits; ++bit, ++address) {
        EXPECT_EQ(image.bit(address), (word >> bit & 1) != 0);
      }
    }
  }
  EXPECT_EQ(image.bits(), address);
}

TEST(MemoryImage, AddressesAndCellsAreInverse) {
  const MemoryImage image(mixed_model());
  Cell last{-1, 0, 0};
  for (std::uint64_t address = 0; address < image.bits(); ++address) {
    const Cell cell = image.cell(address);
    EXPECT_EQ(image.address(cell), address);
    EXPECT_FALSE(cell == last);
    last = cell;
  }
  EXPECT_EQ(image.cell(0), (Cell{0, 0, 0}));
  EXPECT_THROW(image.cell(image.bits()), InternalError);
  EXPECT_THROW(image.address({0, 0, 2}), InternalError);  // the first tensor has two bits
  EXPECT_THROW(image.address({0, 1000, 0}), InternalError);
  EXPECT_THROW(image.address({99, 0, 0}), InternalError);
}

TEST(MemoryImage, AModelWithoutWeightsIsAnEmptyMemory) {
  MemoryImage image(Model{});
  EXPECT_EQ(image.bits(), 0u);
  AppliedFaults applied;
  image.apply({}, FaultKind::flip, image.expose_all(), applied);
  image.undo(applied);
  EXPECT_TRUE(applied.writes.empty());
}

// The reference: every bit of every code on its own, by the definitions.
RC_GTEST_PROP(MemoryImageProperty, ApplyIsTheDefinition, (std::uint64_t map)) {
  const Model model = mixed_model();
  MemoryImage image(model);
  const FaultKind kind = any_kind();
  const double rate = *rc::gen::inRange(0, 101) / 100.0;
  const auto faults = draw(map, image.bits(), rate);
  AppliedFaults applied;
  image.apply(faults, kind, image.expose_all(), applied);

  RC_ASSERT(applied.faulty_bits == faults.size());
  std::vector<std::uint64_t> changed;
  std::vector<CodeWrite> writes;
  auto fault = faults.begin();
  std::uint64_t address = 0;
  for (int t = 0; t < static_cast<int>(model.weights.size()); ++t) {
    const WeightTensor& weights = model.weights[static_cast<std::size_t>(t)];
    for (std::size_t i = 0; i < weights.codes.size(); ++i) {
      const std::uint8_t stored = encode(weights.format, weights.codes[i]);
      int word = stored;
      for (int bit = 0; bit < weights.format.bits; ++bit, ++address) {
        if (fault == faults.end() || fault->address != address) continue;
        const int mask = 1 << bit;
        const bool one = kind == FaultKind::stuck1 || (kind == FaultKind::stuck && fault->coin);
        if (kind == FaultKind::flip) {
          word ^= mask;
        } else {
          word = one ? word | mask : word & ~mask;
        }
        if ((word ^ stored) & mask) changed.push_back(address);
        ++fault;
      }
      const std::int8_t code = decode(weights.format, static_cast<std::uint8_t>(word));
      RC_ASSERT(image.code(t, i) == code);
      if (word != stored) writes.push_back({t, static_cast<std::int64_t>(i), code});
    }
  }
  RC_ASSERT(applied.changed == changed);
  RC_ASSERT(applied.writes == writes);
}

RC_GTEST_PROP(MemoryImageProperty, UndoIsExact, (std::uint64_t map)) {
  const Model model = mixed_model();
  MemoryImage image(model);
  const std::string before = image.hash();
  AppliedFaults applied;
  const double rate = *rc::gen::inRange(0, 101) / 100.0;
  image.apply(draw(map, image.bits(), rate), any_kind(), image.expose_all(), applied);
  RC_ASSERT((image.hash() == before) == applied.changed.empty());
  const std::vector<CodeWrite> writes = applied.writes;
  image.undo(applied);
  RC_ASSERT(image.hash() == before);
  RC_ASSERT(applied.changed.empty());
  RC_ASSERT(applied.writes.size() == writes.size());
  for (std::size_t i = 0; i < writes.size(); ++i) {
    const CodeWrite& write = applied.writes[i];
    RC_ASSERT(write.tensor == writes[i].tensor);
    RC_ASSERT(write.element == writes[i].element);
    RC_ASSERT(write.code == model.weights[static_cast<std::size_t>(write.tensor)]
                                .codes[static_cast<std::size_t>(write.element)]);
  }
}

RC_GTEST_PROP(MemoryImageProperty, MapsOnTopOfEachOtherAreUndoneInReverse, (std::uint64_t map)) {
  MemoryImage image(mixed_model());
  const std::string before = image.hash();
  AppliedFaults first, second;
  image.apply(draw(map, image.bits(), 0.2), any_kind(), image.expose_all(), first);
  const std::string between = image.hash();
  image.apply(draw(map + 1, image.bits(), 0.3), any_kind(), image.expose_all(), second);
  image.undo(second);
  RC_ASSERT(image.hash() == between);
  image.undo(first);
  RC_ASSERT(image.hash() == before);
}

TEST(MemoryImage, StuckKindsAreIdempotentAndFlipsAreNot) {
  for (const FaultKind kind : {FaultKind::stuck0, FaultKind::stuck1, FaultKind::stuck}) {
    MemoryImage image(mixed_model());
    const auto faults = draw(4, image.bits(), 0.3);
    AppliedFaults applied;
    image.apply(faults, kind, image.expose_all(), applied);
    EXPECT_FALSE(applied.changed.empty());
    const std::string once = image.hash();
    image.apply(faults, kind, image.expose_all(), applied);
    EXPECT_EQ(image.hash(), once);
    EXPECT_EQ(applied.faulty_bits, faults.size());
    EXPECT_TRUE(applied.changed.empty());
    EXPECT_TRUE(applied.writes.empty());
  }
  MemoryImage image(mixed_model());
  const std::string clean = image.hash();
  const auto faults = draw(4, image.bits(), 0.3);
  AppliedFaults applied;
  image.apply(faults, FaultKind::flip, image.expose_all(), applied);
  image.apply(faults, FaultKind::flip, image.expose_all(), applied);
  EXPECT_EQ(image.hash(), clean);
}

TEST(MemoryImage, EveryCellFaultyReadsAllZeroOrAllOne) {
  MemoryImage image(small_model());
  const auto faults = draw(0, image.bits(), 1);
  AppliedFaults applied;
  image.apply(faults, FaultKind::stuck1, image.expose_all(), applied);
  EXPECT_EQ(image.code(0, 7), -1);
  EXPECT_EQ(image.code(1, 7), 3);
  EXPECT_EQ(image.code(2, 7), -127);
  image.apply(faults, FaultKind::stuck0, image.expose_all(), applied);
  EXPECT_EQ(image.code(0, 7), 0);
  EXPECT_EQ(image.code(1, 7), -4);
  EXPECT_EQ(image.code(2, 7), 0);
}

TEST(MemoryImage, ExposureMasksAndNeverRenumbers) {
  MemoryImage image(small_model());
  const StoredTensor& second = image.tensors()[1];
  const auto faults = draw(2, image.bits(), 0.2);
  const std::vector<std::string> patterns = {"conv2*"};
  const Exposure exposure = image.expose(patterns);
  EXPECT_EQ(exposure.bits(), second.bits());

  std::vector<std::uint64_t> expected;
  for (const Fault& fault : faults) {
    if (fault.address >= second.first_bit && fault.address < second.first_bit + second.bits()) {
      expected.push_back(fault.address);
    }
  }
  ASSERT_FALSE(expected.empty());
  AppliedFaults applied;
  image.apply(faults, FaultKind::flip, exposure, applied);
  EXPECT_EQ(applied.changed, expected);
  EXPECT_EQ(applied.faulty_bits, expected.size());
  for (const CodeWrite& write : applied.writes) EXPECT_EQ(write.tensor, 1);
}

// The reference: the name and the bit of every cell.
TEST(MemoryImage, ExposedBitPositionsAloneChange) {
  MemoryImage image(mixed_model());
  const auto faults = draw(6, image.bits(), 0.3);
  const std::vector<std::string> patterns = {"layer4.*:1-2", "*.sign_magnitude:top", "layer7.*"};
  const Exposure exposure = image.expose(patterns);
  const auto exposed = [&](std::uint64_t address) {
    const Cell cell = image.cell(address);
    const StoredTensor& tensor = image.tensors()[static_cast<std::size_t>(cell.tensor)];
    return tensor.name.starts_with("layer7") ||
           (tensor.name.starts_with("layer4") && (cell.bit == 1 || cell.bit == 2)) ||
           (tensor.name.ends_with("sign_magnitude") && cell.bit == tensor.format.bits - 1);
  };
  std::vector<std::uint64_t> expected;
  for (const Fault& fault : faults) {
    if (exposed(fault.address)) expected.push_back(fault.address);
  }
  const std::string before = image.hash();
  AppliedFaults applied;
  image.apply(faults, FaultKind::flip, exposure, applied);
  EXPECT_EQ(applied.changed, expected);
  EXPECT_EQ(applied.faulty_bits, expected.size());
  image.undo(applied);
  EXPECT_EQ(image.hash(), before);
  image.apply(draw(6, image.bits(), 1), FaultKind::flip, exposure, applied);
  EXPECT_EQ(applied.faulty_bits, exposure.bits());
}

TEST(MemoryImage, AllocatesNothingOnceWarm) {
  MemoryImage image(small_model());
  expect_no_allocation_once_warm(image, FaultKind::flip, 20, [](const AppliedFaults& applied) {
    return std::pair(applied.changed.data(), applied.writes.data());
  });
}

TEST(MemoryImage, HashSeesLayoutAndContent) {
  Model model = small_model();
  const std::string hash = MemoryImage(model).hash();
  EXPECT_EQ(MemoryImage(model).hash(), hash);
  Model renamed = model;
  renamed.weights[0].name = "conv9.weight";
  EXPECT_NE(MemoryImage(renamed).hash(), hash);
  Model other = model;
  other.weights[1].codes[0] = static_cast<std::int8_t>(other.weights[1].codes[0] > 0 ? -1 : 1);
  EXPECT_NE(MemoryImage(other).hash(), hash);
}

TEST(MemoryImage, CodesOutsideTheirFormatAreBugs) {
  Model model = small_model();
  model.weights[0].codes[3] = 8;
  EXPECT_THROW(MemoryImage{model}, InternalError);
  model = small_model();
  model.weights[0].format.bits = 9;
  EXPECT_THROW(MemoryImage{model}, Error);
}

}  // namespace
}  // namespace flatenn
