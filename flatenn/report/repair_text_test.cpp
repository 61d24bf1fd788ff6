#include "flatenn/report/repair_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace flatenn {
namespace {

using testing::HasSubstr;

RepairReport example() {
  RepairCell cell{FaultKind::stuck1, 0.05, {50, 52}, {60, 64}, {}};
  cell.gain = paired_interval(cell.repaired, cell.faulty);
  return {"net", "synthetic", "test", "validation", 300, 1000, {90, 89.5, {cell}}};
}

TEST(RepairText, NamesEveryCount) {
  const std::string text = repair_text({example()});
  for (const char* part : {"stuck1", "0.05", "90.00", "89.50", "51.00 [", "62.00 [", "11.00 [",
                           "1000 test images of synthetic", "300 validation images"}) {
    EXPECT_THAT(text, HasSubstr(part));
  }
}

TEST(RepairText, JsonHasTheMaps) {
  const nlohmann::json json = repair_json({example()});
  const nlohmann::json& cell = json["models"][0]["cells"][0];
  EXPECT_EQ(cell["repaired"], (std::vector<double>{60, 64}));
  EXPECT_EQ(cell["gain"], 11);
  EXPECT_LT(cell["lo"], 11);
}

}  // namespace
}  // namespace flatenn
