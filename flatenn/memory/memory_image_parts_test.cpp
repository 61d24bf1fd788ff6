#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "flatenn/base/error.h"
#include "flatenn/graph/builders.h"
#include "flatenn/graph/testing.h"
#include "flatenn/memory/bias_codes.h"
#include "flatenn/memory/memory_image.h"
#include "flatenn/memory/testing.h"

// MemoryImage with biases and activation buffers.

namespace flatenn {
namespace {

constexpr MemoryParts all_parts{true, true, true};

/// Activations of three bits and branches of five, so that words lie across all borders.
Model small_model() {
  NetworkOptions options{.input = {1, 8, 8, 0.1f, 60}, .activation_bits = 3, .branch_bits = 5};
  options.weights.code.bits = 3;
  return with_coded_biases(random_model(resnet20(options), 4));
}

/// Few cells, for statements about each of them.
Model tiny_model() {
  const WeightFormat format{WeightQuantizer::lsq, {3, Encoding::twos_complement}};
  Graph graph;
  graph.nodes = {
      {"input", Input{1, 5, 4, 1, 9}, {}},  {"conv1", Conv2d{3, 3, 1, 1, true, format}, {0}},
      {"codes", Activation{3}, {1}},        {"conv2", Conv2d{3, 3, 1, 1, true, format}, {2}},
      {"branch", Quantize{5}, {3}},         {"add", Add{}, {2, 4}},
      {"sum", Activation{8}, {5}},          {"flatten", Flatten{}, {6}},
      {"fc", Linear{4, true, format}, {7}}, {"output", Output{}, {8}}};
  return with_coded_biases(random_model(graph, 6));
}

/// What one cell that holds `stored` reads.
bool read(FaultKind kind, bool stored, bool coin) {
  if (kind == FaultKind::flip) return !stored;
  return kind == FaultKind::stuck1 || (kind == FaultKind::stuck && coin);
}

/// Of a word that holds `stored`, of which the faults from `next` on hit `bits` cells at `address`.
int read_word(int stored, int bits, std::uint64_t address, FaultKind kind,
              const std::vector<Fault>& faults, std::size_t next) {
  int word = 0;
  for (int bit = 0; bit < bits; ++bit) {
    bool value = (stored >> bit & 1) != 0;
    if (next < faults.size() && faults[next].address == address + static_cast<unsigned>(bit)) {
      value = read(kind, value, faults[next++].coin);
    }
    word |= static_cast<int>(value) << bit;
  }
  return word;
}

/// The faults below an address.
std::size_t before(const std::vector<Fault>& faults, std::uint64_t address) {
  return static_cast<std::size_t>(std::count_if(
      faults.begin(), faults.end(), [&](const Fault& fault) { return fault.address < address; }));
}

TEST(MemoryImageParts, LieBehindEachOther) {
  const Model model = small_model();
  const MemoryImage image(model, all_parts);
  const std::vector<NodeInfo> infos = check_graph(model.graph);
  std::vector<StoredTensor> expected;
  for (const WeightTensor& weights : model.weights) {
    expected.push_back({weights.name, weights.format, 0, weights.codes.size()});
  }
  for (const WeightTensor& weights : model.weights) {
    const std::string& name = model.graph.nodes[static_cast<std::size_t>(weights.node)].name;
    expected.push_back({name + ".bias",
                        {16, Encoding::twos_complement},
                        0,
                        static_cast<std::uint64_t>(weights.shape[0]),
                        MemoryPart::biases});
  }
  int buffers = 0;
  for (std::size_t n = 0; n < infos.size(); ++n) {
    const Node& node = model.graph.nodes[n];
    const bool activation = std::holds_alternative<Activation>(node.op);
    if (!activation && !std::holds_alternative<Quantize>(node.op)) continue;
    ++buffers;
    expected.push_back(
        {node.name,
         {activation ? node.name == "pool_act" ? 8 : 3 : 5, Encoding::twos_complement},
         0,
         static_cast<std::uint64_t>(infos[n].shape.elements()),
         MemoryPart::activations});
  }
  // Two activations and a branch in each of 9 blocks, two shortcuts, one activation at each end.
  ASSERT_EQ(buffers, 9 * 3 + 2 + 2);
  ASSERT_EQ(image.tensors().size(), expected.size());
  std::uint64_t address = 0;
  for (std::size_t t = 0; t < expected.size(); ++t) {
    const StoredTensor& tensor = image.tensors()[t];
    EXPECT_EQ(tensor.name, expected[t].name);
    EXPECT_EQ(tensor.part, expected[t].part) << tensor.name;
    EXPECT_EQ(tensor.elements, expected[t].elements) << tensor.name;
    EXPECT_EQ(tensor.format.bits, expected[t].format.bits) << tensor.name;
    EXPECT_EQ(tensor.first_bit, address) << tensor.name;
    const bool activation = tensor.part == MemoryPart::activations &&
                            std::holds_alternative<Activation>(
                                model.graph.nodes[static_cast<std::size_t>(tensor.node)].op);
    EXPECT_EQ(tensor.unsigned_words, activation) << tensor.name;
    address += tensor.bits();
  }
  EXPECT_EQ(image.bits(), address);
}

TEST(MemoryImageParts, NoChoiceRenumbers) {
  const Model model = small_model();
  const MemoryImage all(model, all_parts);
  for (int choice = 1; choice < 8; ++choice) {
    const MemoryParts parts{(choice & 1) != 0, (choice & 2) != 0, (choice & 4) != 0};
    const MemoryImage image(model, parts);
    EXPECT_EQ(image.parts(), parts);
    const std::size_t layers = model.weights.size();
    const std::size_t count = parts.activations ? all.tensors().size()
                              : parts.biases    ? 2 * layers
                                                : layers;
    ASSERT_EQ(image.tensors().size(), count);
    std::uint64_t exposed = 0;
    for (std::size_t t = 0; t < count; ++t) {
      const StoredTensor& tensor = image.tensors()[t];
      EXPECT_EQ(tensor.name, all.tensors()[t].name);
      EXPECT_EQ(tensor.first_bit, all.tensors()[t].first_bit);
      if (parts.has(tensor.part)) exposed += tensor.bits();
    }
    EXPECT_EQ(image.expose_all().bits(), exposed);
    EXPECT_EQ(flatenn::expose(all.tensors(), {}, parts), image.expose_all());
    if (!parts.weights) {
      EXPECT_THROW(image.expose(std::vector<std::string>{"*.weight"}), Error);
    }
  }
  EXPECT_EQ(flatenn::expose(all.tensors(), {}), MemoryImage(model).expose_all());
  for (std::uint64_t address = 0; address < all.bits(); address += 7) {
    EXPECT_EQ(all.address(all.cell(address)), address);
  }
}

TEST(MemoryImageParts, PatternsChooseWithinTheExposedParts) {
  const Model model = small_model();
  const MemoryImage image(model, {.weights = false, .biases = true, .activations = true});
  const std::vector<std::string> top = {"*:top"};
  std::uint64_t words = 0;
  for (const StoredTensor& tensor : image.tensors()) {
    if (tensor.part != MemoryPart::weights) words += tensor.elements;
  }
  EXPECT_EQ(image.expose(top).bits(), words);
  const std::vector<std::string> sixteenth = {"*:15"};
  const Exposure signs = image.expose(sixteenth);
  EXPECT_EQ(signs.ranges.size(), model.weights.size());
  for (const Exposure::Range& range : signs.ranges) EXPECT_EQ(range.bits, 16);
  const MemoryParts biases{false, true, false};
  EXPECT_EQ(layer_patterns(image.tensors(), biases).size(), model.weights.size());
  EXPECT_EQ(layer_patterns(image.tensors(), biases)[0], "conv1.bias");
  EXPECT_EQ(layer_patterns(image.tensors()).back(), model.weights.back().name);
}

// The reference: every cell on its own, by the definitions.
RC_GTEST_PROP(MemoryImagePartsProperty, ApplyIsTheDefinition, (std::uint64_t map)) {
  const Model model = tiny_model();
  MemoryImage image(model, all_parts);
  const std::string hash = image.hash();
  const FaultKind kind = any_kind();
  const std::vector<Fault> faults = draw(map, image.bits(), *rc::gen::element(0.001, 0.1, 1.0));
  AppliedFaults applied;
  image.apply(faults, kind, image.expose_all(), applied);
  RC_ASSERT(applied.faulty_bits == faults.size());

  std::vector<AddendWrite> addends, undone;
  std::size_t buffer = 0;
  std::uint64_t changed = 0;
  for (std::size_t t = 0; t < image.tensors().size(); ++t) {
    const StoredTensor& tensor = image.tensors()[t];
    const int bits = tensor.format.bits;
    std::size_t next = before(faults, tensor.first_bit);
    if (tensor.part == MemoryPart::weights) {
      changed += static_cast<std::uint64_t>(
          std::count_if(applied.changed.begin(), applied.changed.end(), [&](std::uint64_t a) {
            return a >= tensor.first_bit && a < tensor.first_bit + tensor.bits();
          }));
      continue;
    }
    const std::vector<float>& addend = model.affine[static_cast<std::size_t>(tensor.node)].addend;
    const BiasCodes biases = code_biases(addend);
    for (std::uint64_t e = 0; e < tensor.elements; ++e) {
      const std::uint64_t address = tensor.first_bit + e * static_cast<unsigned>(bits);
      const std::size_t first = next;
      while (next < faults.size() && faults[next].address < address + unsigned(bits)) ++next;
      if (tensor.part == MemoryPart::activations) {
        if (first == next) continue;
        RC_ASSERT(buffer < applied.buffers.size());
        const BufferFault& fault = applied.buffers[buffer++];
        RC_ASSERT(fault.node == tensor.node);
        RC_ASSERT(fault.element == static_cast<std::int64_t>(e));
        for (int word = 0; word < 1 << bits; ++word) {
          RC_ASSERT(((word & fault.keep) ^ fault.toggle) ==
                    read_word(word, bits, address, kind, faults, first));
        }
        continue;
      }
      const std::int16_t code = biases.codes[e];
      const int stored = code & 0xffff;
      const int word = read_word(stored, bits, address, kind, faults, first);
      const auto value = biases.value(static_cast<std::int16_t>(word));
      RC_ASSERT(image.addend(static_cast<int>(t), e) == value);
      for (int bit = 0; bit < bits; ++bit) changed += (word ^ stored) >> bit & 1;
      if (word == stored) continue;
      addends.push_back({tensor.node, static_cast<int>(e), value});
      undone.push_back({tensor.node, static_cast<int>(e), addend[e]});
    }
  }
  RC_ASSERT(applied.addends == addends);
  RC_ASSERT(applied.buffers.size() == buffer);
  RC_ASSERT(applied.changed.size() == changed);
  RC_ASSERT((image.hash() == hash) == applied.changed.empty());

  image.undo(applied);
  RC_ASSERT(image.hash() == hash);
  RC_ASSERT(applied.addends == undone);
  RC_ASSERT(applied.changed.empty());
  RC_ASSERT(applied.buffers.empty());
}

TEST(MemoryImageParts, WeightsMeetTheSameFaultsWhateverFollows) {
  const Model model = small_model();
  MemoryImage weights(model);
  MemoryImage all(model, all_parts);
  MemoryImage biases(model, {.weights = false, .biases = true});
  AppliedFaults alone, together, other;
  const FaultKind kind = FaultKind::stuck;
  weights.apply(draw(3, weights.bits(), 0.01), kind, weights.expose_all(), alone);
  all.apply(draw(3, all.bits(), 0.01), kind, all.expose_all(), together);
  biases.apply(draw(3, biases.bits(), 0.01), kind, biases.expose_all(), other);
  EXPECT_FALSE(alone.writes.empty());
  EXPECT_EQ(together.writes, alone.writes);
  EXPECT_FALSE(other.addends.empty());
  EXPECT_EQ(together.addends, other.addends);
  EXPECT_TRUE(other.writes.empty());
  EXPECT_TRUE(other.buffers.empty());
  EXPECT_TRUE(alone.addends.empty());
  EXPECT_TRUE(alone.buffers.empty());
}

TEST(MemoryImageParts, AllocatesNothingOnceWarm) {
  MemoryImage image(small_model(), all_parts);
  expect_no_allocation_once_warm(image, FaultKind::stuck, 5, [](const AppliedFaults& applied) {
    return std::pair(applied.addends.data(), applied.buffers.data());
  });
}

TEST(MemoryImageParts, ModelsWithoutCodedBiasesAreBugs) {
  NetworkOptions options{.input = {1, 8, 8, 0.1f, 60}};
  const Model model = random_model(mlp(options), 4);
  EXPECT_THROW(MemoryImage(model, {.biases = true}), InternalError);
  EXPECT_THROW(MemoryImage(model, {.weights = false}), InternalError);
  // Biases that no fault reaches need no codes: only their addresses count.
  EXPECT_NO_THROW(MemoryImage(model, {.activations = true}));
}

TEST(MemoryImageParts, TheHashSeesTheParts) {
  const Model model = small_model();
  const std::string weights = MemoryImage(model).hash();
  const std::string biases = MemoryImage(model, {.biases = true}).hash();
  const std::string all = MemoryImage(model, all_parts).hash();
  EXPECT_NE(weights, biases);
  EXPECT_NE(biases, all);
  Model other = model;
  for (float& addend : other.affine[1].addend) addend = -addend;
  EXPECT_EQ(MemoryImage(other).hash(), weights);
  EXPECT_NE(MemoryImage(other, {.biases = true}).hash(), biases);
}

}  // namespace
}  // namespace flatenn
