#include "flatenn/report/study_claims.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "flatenn/base/error.h"

namespace flatenn {
namespace {

constexpr const char* kSummary = R"({
  "claims": [{"id": "C3", "metric": "code", "holds": true, "points": 16.1, "lo": 15.4, "hi": 16.8,
              "kind": "flip", "rate": 0.05, "paper_points": null}],
  "claims_by_cell": [
    {"id": "C3", "metric": "code", "holds": false, "points": 0.1, "lo": null, "hi": null,
     "kind": "flip", "rate": 0.01},
    {"id": "C3", "metric": "code", "holds": true, "points": 16.1, "lo": 15.4, "hi": 16.8,
     "kind": "flip", "rate": 0.05}],
  "claims_on_drop": [],
  "claims_by_cell_on_drop": [
    {"id": "C1", "metric": "", "holds": false, "points": -1, "lo": -2, "hi": 0, "kind": "stuck0",
     "rate": 0.05}]})";

TEST(StudyClaims, AreReadWithTheirCellAndBasis) {
  const auto claims = read_study_claims(kSummary, "summary.json");
  ASSERT_EQ(claims.size(), 3u);
  EXPECT_FALSE(claims[0].chosen);
  EXPECT_TRUE(std::isinf(claims[0].lo));
  EXPECT_LT(claims[0].lo, 0);
  EXPECT_TRUE(claims[1].chosen);
  EXPECT_TRUE(claims[1].holds);
  EXPECT_EQ(claims[1].points, 16.1);
  EXPECT_TRUE(claims[2].on_drop);
  EXPECT_FALSE(claims[2].chosen);
  EXPECT_EQ(claims[2].kind, FaultKind::stuck0);
  EXPECT_EQ(claim_difference(claims[1]), "standard SAQ (code) \u2212 standard");
  EXPECT_THAT(claim_statement(claims[2]), testing::HasSubstr("sparse networks suffer more"));
}

TEST(StudyClaims, OtherTextIsAnErrorThatNamesTheFile) {
  for (const char* text :
       {"", "[]", "{}", R"({"claims": 3})", R"({"claims": [{"id": 3}], "claims_by_cell": []})",
        R"({"claims": [], "claims_by_cell": [{"id": "C1", "metric": "", "holds": true,
            "points": "x", "lo": 0, "hi": 0, "kind": "flip", "rate": 0}]})"}) {
    try {
      read_study_claims(text, "runs/x/summary.json");
      FAIL() << text;
    } catch (const Error& error) {
      EXPECT_THAT(error.what(), testing::HasSubstr("runs/x/summary.json"));
    }
  }
}

}  // namespace
}  // namespace flatenn
