#include "flatenn/graph/strict_json.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "flatenn/base/error.h"

namespace flatenn {
namespace {

using ::testing::HasSubstr;

template <class Call>
std::string error_of(Call call) {
  try {
    call();
  } catch (const Error& e) {
    return e.what();
  }
  return "no error";
}

std::string parse_error(std::string_view text) {
  return error_of([&] { parse_strict_json(text, "here"); });
}

TEST(StrictJson, RefusesWhatIsNotOneValue) {
  EXPECT_EQ(parse_error(R"({"a": [1, {"a": 2}], "b": {"a": null}})"), "no error");
  EXPECT_THAT(parse_error(""), HasSubstr("here: not valid JSON near byte 1"));
  EXPECT_THAT(parse_error("{} {}"), HasSubstr("not valid JSON near byte 4"));
  EXPECT_THAT(parse_error("{\"a\": \xff}"), HasSubstr("not valid JSON"));
  EXPECT_THAT(parse_error("[1e999]"), HasSubstr("beyond the range of double"));
  EXPECT_THAT(parse_error("[NaN]"), HasSubstr("not valid JSON"));
}

TEST(StrictJson, RefusesDuplicateKeys) {
  EXPECT_THAT(parse_error(R"({"x": {"a": 1, "b": 2, "a": 3}})"),
              HasSubstr("here: the key 'a' stands twice"));
}

TEST(StrictJson, RefusesDeepNesting) {
  const auto nested = [](int depth) { return std::string(depth, '[') + std::string(depth, ']'); };
  EXPECT_EQ(parse_error(nested(60)), "no error");
  EXPECT_THAT(parse_error(nested(100)), HasSubstr("more than 64 levels"));
  EXPECT_THAT(parse_error(std::string(5000000, '[')), HasSubstr("more than 64 levels"));
  std::string objects;
  for (int i = 0; i < 100000; ++i) objects += "{\"a\":";
  EXPECT_THAT(parse_error(objects), HasSubstr("more than 64 levels"));
}

TEST(JsonReader, ReadsTypedValues) {
  const auto value = parse_strict_json(
      R"({"i": -3, "u": 18446744073709551615, "b": true, "n": 0.25, "r": 0.1, "t": "x", "l": []})",
      "here");
  JsonReader reader(value, "here");
  EXPECT_EQ(reader.integer("i", -5, 5), -3);
  EXPECT_EQ(reader.integer("missing", 0, 9, 4), 4);
  EXPECT_EQ(reader.unsigned_integer("u", 0), 18446744073709551615u);
  EXPECT_TRUE(reader.boolean("b", false));
  EXPECT_EQ(reader.number("n", 0), 0.25);
  EXPECT_EQ(reader.real("r"), 0.1f);
  EXPECT_EQ(reader.text("t"), "x");
  EXPECT_EQ(reader.text("missing", "y"), "y");
  EXPECT_TRUE(reader.array("l").empty());
  EXPECT_EQ(error_of([&] { reader.refuse_unknown_keys(); }), "no error");
}

TEST(JsonReader, NamesPlaceAndKey) {
  const auto value = parse_strict_json(
      R"({"i": 1.5, "big": 18446744073709551615, "huge": 1e300, "t": 3, "l": ["a", 1]})", "here");
  JsonReader reader(value, "place");
  EXPECT_THAT(error_of([&] { reader.integer("i", 0, 9); }),
              HasSubstr("place: 'i' must be a whole number from 0 to 9"));
  EXPECT_THAT(error_of([&] { reader.integer("big", 0, 9); }), HasSubstr("'big' must be a whole"));
  EXPECT_THAT(error_of([&] { reader.integer("gone", 0, 9); }), HasSubstr("'gone' is missing"));
  EXPECT_THAT(error_of([&] { reader.unsigned_integer("i", 0); }), HasSubstr("'i' must be a whole"));
  EXPECT_THAT(error_of([&] { reader.boolean("t", true); }), HasSubstr("'t' must be true or false"));
  EXPECT_THAT(error_of([&] { reader.number("l", 0); }), HasSubstr("'l' must be a number"));
  EXPECT_THAT(error_of([&] { reader.real("huge"); }), HasSubstr("'huge' is 1e+300, beyond"));
  EXPECT_THAT(error_of([&] { reader.text("t"); }), HasSubstr("'t' must be a string, is number"));
  EXPECT_THAT(error_of([&] { reader.array("t"); }), HasSubstr("'t' must be an array"));
  EXPECT_THAT(error_of([&] { string_list(reader.array("l"), "list"); }),
              HasSubstr("list: must hold strings, has number"));
  EXPECT_THAT(error_of([&] { JsonReader(reader.array("l"), "list"); }),
              HasSubstr("list: must be a JSON object, is array"));
}

TEST(JsonReader, UnknownKeysAreRefused) {
  const auto value = parse_strict_json(R"({"kernel": 3, "strides": 1})", "here");
  JsonReader reader(value, "node 'a'");
  reader.integer("kernel", 1, 9);
  reader.integer("stride", 1, 9, 1);
  EXPECT_EQ(error_of([&] { reader.refuse_unknown_keys(); }),
            "node 'a': unknown key 'strides'; known: kernel, stride");
}

}  // namespace
}  // namespace flatenn
