#include "flatenn/config/document.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <bit>
#include <cmath>
#include <nlohmann/json.hpp>

#include "flatenn/base/error.h"

namespace flatenn {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

template <class Call>
std::string error_of(Call&& call) {
  try {
    call();
  } catch (const Error& e) {
    return e.what();
  }
  return "no error";
}

TEST(Document, EveryValueKnowsItsPlaceAndType) {
  const Value root = parse_document("a = 1\n[s]\nb = [1.5,\n 'x']\nc = 2020-01-01\n", "f.toml");
  const Table& table = *root.as<Table>();
  EXPECT_EQ(table.find("a")->where, "f.toml:1");
  EXPECT_EQ(*table.find("a")->as<std::int64_t>(), 1);
  const Table& section = *table.find("s")->as<Table>();
  const Array& list = *section.find("b")->as<Array>();
  EXPECT_EQ(list[1].where, "f.toml:4");
  EXPECT_EQ(type_name(list[0]), "a number");
  EXPECT_EQ(type_name(*section.find("c")), "a date or time");
  EXPECT_EQ(section.find("none"), nullptr);
}

TEST(Document, SyntaxErrorsNameFileAndLine) {
  EXPECT_THAT(error_of([] { parse_document("a = 1\nb = \n", "f.toml"); }),
              StartsWith("f.toml:2: "));
  EXPECT_THAT(error_of([] { parse_document("a = 1\na = 2\n", "f.toml"); }),
              StartsWith("f.toml:2: "));
  EXPECT_THAT(error_of([] { parse_document("a = \"\xff\xfe\"\n", "f.toml"); }),
              StartsWith("f.toml:1: "));
  EXPECT_THAT(error_of([] { parse_document(std::string_view("\0\0\0", 3), "f.toml"); }),
              StartsWith("f.toml:1: "));
}

TEST(Document, HostileDepthAndSizeAreErrors) {
  const std::string deep_list = "a = " + std::string(100000, '[');
  EXPECT_NE(error_of([&] { parse_document(deep_list, "f"); }), "no error");
  std::string deep_inline = "a = ", deep_key = "a", deep_header = "[a";
  for (int i = 0; i < 100000; ++i) deep_inline += "{a = ";
  for (int i = 0; i < 100000; ++i) deep_key += ".a";
  for (int i = 0; i < 100000; ++i) deep_header += ".a";
  EXPECT_NE(error_of([&] { parse_document(deep_inline, "f"); }), "no error");
  EXPECT_NE(error_of([&] { parse_document(deep_key + " = 1", "f"); }), "no error");
  EXPECT_NE(error_of([&] { parse_document(deep_header + "]", "f"); }), "no error");
  EXPECT_NE(error_of([] { parse_document(std::string(2 << 20, ' '), "f"); }), "no error");
}

TEST(Document, TheDeepestAllowedTreeIsHandled) {
  std::string key = "a";
  for (int i = 0; i < 1999; ++i) key += ".a";
  const Value root = parse_document(key + " = 1", "f");
  EXPECT_EQ(root.as<Table>()->keys.size(), 1u);
  // Many keys of one table must not cost quadratic time.
  std::string wide;
  for (int i = 0; i < 60000; ++i) wide += fmt::format("k{} = 1\n", i);
  EXPECT_EQ(parse_document(wide, "f").as<Table>()->keys.size(), 60000u);
}

TEST(Document, OverridesSetAnyDepthAndType) {
  Value root = parse_document("a = 1\n[s]\nb = 2\n[[arm]]\nr = 1\n[[arm]]\nr = 2\n", "f");
  apply_override(root, "a=x y", "--set");
  apply_override(root, "s.b=2.5", "--set");
  apply_override(root, "s.new=true", "--set");
  apply_override(root, "t.u.v=[1, 2]", "--set");
  apply_override(root, "arm.1.r=7", "--set");
  EXPECT_EQ(to_toml(root),
            "a = \"x y\"\n\n[[arm]]\nr = 1\n\n[[arm]]\nr = 7\n\n[s]\nb = 2.5\nnew = true\n"
            "\n[t]\n\n[t.u]\nv = [1, 2]\n");
  EXPECT_EQ(root.as<Table>()->find("a")->where, "--set a=x y");
}

TEST(Document, OverrideValuesThatAreNoTomlAreStrings) {
  for (const std::string text : {"flip,stuck0", "1e-3..5e-2:8", "a\"b\\c", "1\nw = 2", "", "{",
                                 "/some/path", "1 # not a comment\nx"}) {
    Value root = parse_document("", "f");
    apply_override(root, "k=" + text, "--set");
    ASSERT_NE(root.as<Table>()->find("k")->as<std::string>(), nullptr) << text;
    EXPECT_EQ(*root.as<Table>()->find("k")->as<std::string>(), text);
    EXPECT_EQ(root.as<Table>()->keys.size(), 1u);
  }
}

TEST(Document, BadOverridesAreErrors) {
  Value root = parse_document("a = 1\n[[arm]]\nr = 1\n", "f");
  const auto error = [&](std::string_view text) {
    return error_of([&] { apply_override(root, text, "--set"); });
  };
  EXPECT_EQ(error("a"), "--set a: not of the form key=value or section.key=value");
  EXPECT_THAT(error("=1"), HasSubstr("not of the form"));
  EXPECT_THAT(error("a..b=1"), HasSubstr("empty part"));
  EXPECT_THAT(error("a.b=1"), HasSubstr("lies below an integer"));
  EXPECT_THAT(error("arm.1.r=1"), HasSubstr("'1' is not an index below 1"));
  EXPECT_THAT(error("arm.x.r=1"), HasSubstr("'x' is not an index below 1"));
  EXPECT_THAT(error("arm.-1.r=1"), HasSubstr("not an index"));
  EXPECT_NE(error("k=\xff\xfe"), "no error");
  std::string deep = "a";
  for (int i = 0; i < 100000; ++i) deep += ".a";
  EXPECT_THAT(error(deep + "=1"), HasSubstr("too many parts"));
}

RC_GTEST_PROP(Document, DoublesSurviveTheRoundTrip, (std::uint64_t bits)) {
  const double x = std::bit_cast<double>(bits);
  RC_PRE(std::isfinite(x));
  Value root;
  root.as<Table>()->at("x").data = x;
  const Value again = parse_document(to_toml(root), "f");
  const double* y = again.as<Table>()->find("x")->as<double>();
  RC_ASSERT(y != nullptr);
  RC_ASSERT(std::bit_cast<std::uint64_t>(*y) == bits);
  RC_ASSERT(nlohmann::json::parse(to_json(root))["x"].get<double>() == x);
}

RC_GTEST_PROP(Document, StringsSurviveTheRoundTrip, ()) {
  const auto text = *rc::gen::container<std::string>(rc::gen::inRange<char>(0, 127));
  Value root;
  root.as<Table>()->at("x").data = text;
  const Value again = parse_document(to_toml(root), "f");
  RC_ASSERT(*again.as<Table>()->find("x")->as<std::string>() == text);
  RC_ASSERT(nlohmann::json::parse(to_json(root))["x"].get<std::string>() == text);
}

RC_GTEST_PROP(Document, NoTextCrashesTheParser, ()) {
  const auto text = *rc::gen::container<std::string>(
      rc::gen::elementOf(std::string("ab=.[]{}\"'\n\r\t #,0159-+eE_\\u\xff\x01")));
  try {
    parse_document(text, "f");
  } catch (const Error& e) {
    RC_ASSERT(std::string(e.what()).starts_with("f:"));
  }
}

}  // namespace
}  // namespace flatenn
