#include "flatenn/memory/layout.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "flatenn/base/error.h"
#include "flatenn/graph/builders.h"
#include "flatenn/graph/testing.h"

namespace flatenn {
namespace {

TEST(Layout, SaysWhereEveryTensorLies) {
  NetworkOptions options;
  options.input = {1, 28, 28, 1.0f / 255, 0};
  options.weights.code.bits = 4;
  options.first_weight_bits = 8;
  const MemoryLayout memory(random_model(lenet5(options), 1));
  const std::string text = memory.text();
  EXPECT_THAT(text, testing::StartsWith("conv1.weight 150x8, conv2.weight 2400x4, "));
  const std::vector<StoredTensor> tensors = MemoryLayout::parse(text).tensors();
  ASSERT_EQ(tensors.size(), memory.tensors().size());
  for (std::size_t t = 0; t < tensors.size(); ++t) {
    EXPECT_EQ(tensors[t].name, memory.tensors()[t].name);
    EXPECT_EQ(tensors[t].first_bit, memory.tensors()[t].first_bit);
    EXPECT_EQ(tensors[t].bits(), memory.tensors()[t].bits());
  }
  EXPECT_EQ(MemoryLayout::parse("").bits(), 0u);
  const std::string parts = "fc1.weight 20x4, fc1.bias 2x16b, act1 2x4a";
  EXPECT_EQ(MemoryLayout::parse(parts).tensors()[1].part, MemoryPart::biases);
  EXPECT_EQ(MemoryLayout::parse(parts).text(), parts);
  // A buffer may have the name of a bias.
  EXPECT_EQ(MemoryLayout::parse("x 2x16b, x 3x4a").bits(), 44u);
  EXPECT_EQ(MemoryLayout::parse(parts).stored_bits(), 80u + 32);
}

TEST(Layout, NormalizationsHaveBiasesOfTheirOwn) {
  NetworkOptions options;
  options.hidden = {5};
  options.norm = Normalization::group;
  const Model model = random_model(mlp(options), 1);
  const MemoryLayout memory(model, {.biases = true});
  EXPECT_EQ(memory.text(),
            "fc1.weight 3920x4, fc2.weight 50x4, fc1.bias 5x16b, fc1_gn.bias 5x16b, "
            "fc2.bias 10x16b");
  EXPECT_EQ(memory.tensors()[3].node, model.graph.find("fc1_gn"));
}

TEST(Layout, RefusesAnythingElse) {
  for (const char* text :
       {"a", "a 4", "a x4", "a 4x", " 4x4", "a 4x0", "a 4x32", "a -4x4", "a 4x4,b 4x4", "a 4x4, ",
        "a 4x4, a 4x4", ", a 4x4", "a 99999999999999999999x4",
        "a 8796093022208x31, b 8796093022208x31", "a 4x4x", "a 4x4a, b 4x4"}) {
    EXPECT_THROW(MemoryLayout::parse(text), Error) << text;
  }
}

}  // namespace
}  // namespace flatenn
