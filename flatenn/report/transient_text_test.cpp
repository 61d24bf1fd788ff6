#include "flatenn/report/transient_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace flatenn {
namespace {

using testing::HasSubstr;

TransientReport example() {
  TransientCell cell;
  cell.error = 100;
  cell.accuracy = {.mean = 70, .lo = 69, .hi = 71};
  cell.changed = {.mean = 25, .lo = 24, .hi = 26};
  cell.layers = {{"conv1.weight", 60, 35}, {"fc.weight", 80, 15}};
  return {"net", "synthetic", "test", {{100}, MaskShape::square, 0, 0}, {1000, 90, {cell}}};
}

TEST(TransientText, NamesEveryCountAndTheWorstLayer) {
  const std::string text = transient_text({example()});
  for (const char* part : {"70.00 [69.00, 71.00]", "25.00 [24.00, 26.00]", "conv1.weight 35.0",
                           "1000 test images of synthetic", "shape square"}) {
    EXPECT_THAT(text, HasSubstr(part));
  }
}

TEST(TransientText, JsonHasTheLayers) {
  const nlohmann::json cell = transient_json({example()})["models"][0]["cells"][0];
  EXPECT_EQ(cell["changed"], (std::vector<double>{25, 24, 26}));
  EXPECT_EQ(cell["layers"][1]["name"], "fc.weight");
}

}  // namespace
}  // namespace flatenn
