#include "flatenn/analysis/json_fields.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "flatenn/base/error.h"

namespace flatenn {
namespace {

using nlohmann::json;
using testing::AllOf;
using testing::HasSubstr;
using testing::ThrowsMessage;

TEST(JsonFields, ReadsEachTypeAndNullAsWhatItStandsFor) {
  const json value = json::parse(R"({"name": "a", "x": null, "n": 3, "list": [1, null],
      "kind": "stuck1", "i": {"mean": 1, "sd": null, "lo": null, "hi": 2, "n": 1},
      "points": {"loss": [1, 2], "accuracy": [3, 4]}})");
  JsonFields f(value, "here");
  EXPECT_EQ(f.text("name"), "a");
  EXPECT_TRUE(std::isnan(f.number("x")));
  EXPECT_EQ(f.number("x", 7), 7);
  EXPECT_EQ(f.count("n"), 3u);
  EXPECT_EQ(f.numbers("list").size(), 2u);
  EXPECT_EQ(f.kind("kind"), FaultKind::stuck1);
  const Interval interval = f.interval("i");
  EXPECT_EQ(interval.lo, -std::numeric_limits<double>::infinity());
  EXPECT_EQ(interval.hi, 2);
  EXPECT_EQ(f.points("points").at(1), (LossPoint{2, 4}));
  EXPECT_NO_THROW(f.done());
}

TEST(JsonFields, EveryErrorNamesItsPlace) {
  const json value = json::parse(R"({"a": {"x": "much", "n": -1}, "other": 1})");
  JsonFields f(value, "file.json");
  JsonFields inner = f.object("a");
  EXPECT_THAT([&] { inner.number("x"); },
              ThrowsMessage<Error>(AllOf(HasSubstr("file.json: a: x: must be a number"),
                                         HasSubstr("flatenn analyze"))));
  EXPECT_THAT([&] { inner.count("n"); }, ThrowsMessage<Error>(HasSubstr("n: must be a whole")));
  EXPECT_THAT([&] { f.done(); }, ThrowsMessage<Error>(HasSubstr("other")));
  EXPECT_THROW(JsonFields(json::array(), "file.json"), Error);
}

}  // namespace
}  // namespace flatenn
