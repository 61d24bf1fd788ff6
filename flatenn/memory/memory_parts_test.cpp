#include "flatenn/memory/memory_parts.h"

#include <gtest/gtest.h>

#include <string>

#include "flatenn/base/error.h"

namespace flatenn {
namespace {

TEST(MemoryParts, EveryChoiceIsWrittenInOneWayAndReadBack) {
  for (int choice = 1; choice < 8; ++choice) {
    const MemoryParts parts{(choice & 1) != 0, (choice & 2) != 0, (choice & 4) != 0};
    EXPECT_EQ(parse_memory_parts(to_string(parts)), parts) << choice;
    EXPECT_EQ(parts.has(MemoryPart::weights), parts.weights);
    EXPECT_EQ(parts.has(MemoryPart::biases), parts.biases);
    EXPECT_EQ(parts.has(MemoryPart::activations), parts.activations);
  }
  EXPECT_EQ(to_string(MemoryParts{}), "");
  EXPECT_EQ(to_string(MemoryParts{true, true, true}), "weights,biases,activations");
  EXPECT_EQ(to_string(parse_memory_parts("activations,biases")), "biases,activations");
  EXPECT_EQ(to_string(parse_memory_parts("weights")), "");
  EXPECT_EQ(parse_memory_parts("biases,biases"), (MemoryParts{false, true, false}));
  EXPECT_EQ(to_string(MemoryPart::activations), "activations");
  EXPECT_THROW(to_string(MemoryParts{.weights = false}), InternalError);
}

TEST(MemoryParts, MistakesNameWhatIsKnown) {
  for (const std::string text : {"bias", "weights,bias", "bias,weights", "Weights", " biases"}) {
    EXPECT_THROW(parse_memory_parts(text), Error) << text;
  }
  for (const std::string text : {",", "weights,", ",weights", "weights,,biases"}) {
    EXPECT_THROW(parse_memory_parts(text), Error) << text;
  }
  try {
    parse_memory_parts("weights,bias");
    FAIL();
  } catch (const Error& error) {
    EXPECT_STREQ(error.what(), "unknown memory 'bias'; known: weights, biases, activations");
  }
}

}  // namespace
}  // namespace flatenn
