#include "flatenn/config/reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <cmath>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "flatenn/base/error.h"

// Trees made by hand, without the TOML parser: also those that no TOML text gives.

namespace flatenn {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;

/// A value whose place is `where`.
template <class T>
Value at(std::string where, T data) {
  return {std::move(where), {std::move(data)}};
}

/// A table whose values have their keys as places.
Value table(std::vector<std::pair<std::string, Value>> entries, std::string where = "top") {
  Table result;
  for (auto& [key, value] : entries) {
    if (value.where.empty()) value.where = "at " + key;
    result.keys.push_back(key);
    result.values.push_back(std::move(value));
  }
  return at(std::move(where), std::move(result));
}

template <class T>
Value plain(T data) {
  return at("", std::move(data));
}
Value number(std::int64_t x) { return plain(x); }
Value text(std::string x) { return plain(std::move(x)); }

/// What binding the key "x" to a T that holds `before` makes of `value`.
template <class T, class... Limit>
T read(const Value& value, T before = {}, Limit... limits) {
  read_document(table({{"x", value}}), [&](Binder& b) { b.value("x", before, "", limits...); });
  return before;
}

/// The Error line of the same.
template <class T, class... Limit>
std::string error_of(const Value& value, Limit... limits) {
  try {
    read<T>(value, {}, limits...);
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

TEST(Reader, MissingKeysKeepEveryType) {
  bool on = true;
  int whole = 3;
  std::uint64_t seed = 4;
  double real = 0.5;
  std::string name = "n";
  std::vector<int> wholes = {1};
  std::vector<double> reals = {0.25};
  std::vector<std::string> names = {"a"};
  int index = 1, element = 7;
  read_document(table({}), [&](Binder& b) {
    b.value("on", on, "");
    b.value("whole", whole, "", at_least(100));  // defaults are the program's, not the user's
    b.value("seed", seed, "");
    b.value("real", real, "");
    b.value("name", name, "");
    b.value("wholes", wholes, "");
    b.value("reals", reals, "");
    b.value("names", names, "");
    b.choice("index", index, {"red", "green"}, "");
    b.section("inner", [&] { b.value("element", element, ""); });
    b.list(
        "many",
        [](std::size_t) -> std::size_t {
          ADD_FAILURE();
          return 0;
        },
        [](std::size_t) { ADD_FAILURE(); });
  });
  EXPECT_TRUE(on);
  EXPECT_EQ(whole, 3);
  EXPECT_EQ(seed, 4u);
  EXPECT_EQ(real, 0.5);
  EXPECT_EQ(name, "n");
  EXPECT_THAT(wholes, ElementsAre(1));
  EXPECT_THAT(reals, ElementsAre(0.25));
  EXPECT_THAT(names, ElementsAre("a"));
  EXPECT_EQ(index, 1);
  EXPECT_EQ(element, 7);
}

TEST(Reader, IntegersFitOrAreErrors) {
  constexpr std::int64_t low = std::numeric_limits<int>::min();
  constexpr std::int64_t high = std::numeric_limits<int>::max();
  EXPECT_EQ(read<int>(number(low)), low);
  EXPECT_EQ(read<int>(number(high)), high);
  EXPECT_EQ(error_of<int>(number(low - 1)), "at x: 'x' is out of range");
  EXPECT_EQ(error_of<int>(number(high + 1)), "at x: 'x' is out of range");
  EXPECT_EQ(error_of<int>(number(std::numeric_limits<std::int64_t>::min())),
            "at x: 'x' is out of range");
  EXPECT_EQ(error_of<int>(plain(3.0)), "at x: 'x' must be an integer, not a number");
  EXPECT_EQ(error_of<int>(plain(DateOrTime())), "at x: 'x' must be an integer, not a date or time");
}

TEST(Reader, LargeUnsignedNumbersAreText) {
  EXPECT_EQ(read<std::uint64_t>(number(std::numeric_limits<std::int64_t>::max())),
            (std::uint64_t{1} << 63) - 1);
  EXPECT_EQ(read<std::uint64_t>(text("18446744073709551615")), ~std::uint64_t{0});
  EXPECT_EQ(error_of<std::uint64_t>(number(-1)), "at x: 'x' must not be negative");
  for (const char* wrong : {"18446744073709551616", "-1", "+1", " 1", "1 ", "0x1", "1.0", ""}) {
    EXPECT_EQ(error_of<std::uint64_t>(text(wrong)), "at x: 'x' must be an integer, not a string")
        << wrong;
  }
  EXPECT_EQ(error_of<std::uint64_t>(text(std::string("1\0", 2))),
            "at x: 'x' must be an integer, not a string");
}

TEST(Reader, RealNumbersAreFiniteAndWithinTheirLimits) {
  EXPECT_EQ(read<double>(number(2)), 2);
  EXPECT_EQ(read<double>(plain(0.1)), 0.1);
  constexpr double infinity = std::numeric_limits<double>::infinity();
  for (const double wrong : {infinity, -infinity, std::nan("")}) {
    EXPECT_EQ(error_of<double>(plain(wrong)), "at x: 'x' must be finite");
    EXPECT_EQ(error_of<std::vector<double>>(plain(Array{plain(wrong)})), ": 'x' must be finite");
  }
  // Limits are closed.
  EXPECT_EQ(read<double>(plain(1.0), 0, between(0, 1)), 1);
  EXPECT_EQ(read<double>(plain(0.0), 0, between(0, 1)), 0);
  EXPECT_EQ(error_of<double>(plain(std::nextafter(1.0, 2)), between(0, 1)),
            "at x: 'x' is 1.0000000000000002; it must be between 0 and 1");
  EXPECT_EQ(error_of<int>(number(0), at_least(1)), "at x: 'x' is 0; it must be at least 1");
  EXPECT_EQ(error_of<std::uint64_t>(number(0), at_least(1)),
            "at x: 'x' is 0; it must be at least 1");
}

TEST(Reader, ListsReplaceTheDefaultsAndNameTheirElements) {
  using Ints = std::vector<int>;
  EXPECT_THAT(read<Ints>(plain(Array{number(5), number(6)}), {1, 2, 3}), ElementsAre(5, 6));
  EXPECT_THAT(read<Ints>(plain(Array{}), {1}), IsEmpty());
  EXPECT_THAT(read<Ints>(number(4), {1}), ElementsAre(4));
  EXPECT_THAT(read<Ints>(text("3,1"), {1}), ElementsAre(3, 1));
  EXPECT_EQ(error_of<Ints>(text("3,2147483648")), "at x: 'x' is out of range");
  EXPECT_EQ(error_of<Ints>(text("1e300")), "at x: 'x' must hold integers, not 1e+300");
  EXPECT_EQ(error_of<Ints>(plain(Array{number(2), at("line 5", std::int64_t{-1})}), at_least(0)),
            "line 5: 'x' is -1; it must be at least 0");
}

TEST(Reader, ListsOfTextAreArraysOrSeparatedByCommas) {
  using Names = std::vector<std::string>;
  EXPECT_THAT(read<Names>(plain(Array{text("a,b"), text("")}), {"old"}), ElementsAre("a,b", ""));
  EXPECT_THAT(read<Names>(text("a,,b"), {"old"}), ElementsAre("a", "", "b"));
  EXPECT_THAT(read<Names>(text(""), {"old"}), IsEmpty());
  EXPECT_EQ(error_of<Names>(plain(Array{text("a"), at("line 7", std::int64_t{3})})),
            "line 7: 'x' must be a string, not an integer");
  EXPECT_EQ(error_of<Names>(plain(true)), "at x: 'x' must be a list of strings, not a boolean");
}

TEST(Reader, ATypeIsNeverTakenForAnother) {
  EXPECT_EQ(error_of<bool>(number(1)), "at x: 'x' must be true or false, not an integer");
  EXPECT_EQ(error_of<bool>(text("true")), "at x: 'x' must be true or false, not a string");
  EXPECT_EQ(error_of<std::string>(plain(true)), "at x: 'x' must be a string, not a boolean");
  EXPECT_EQ(error_of<double>(text("0.5")), "at x: 'x' must be a number, not a string");
  EXPECT_EQ(error_of<double>(plain(Array{})), "at x: 'x' must be a number, not a list");
  EXPECT_EQ(error_of<double>(plain(Table{})), "at x: 'x' must be a number, not a table");
  EXPECT_EQ(error_of<std::vector<double>>(plain(Array{at("line 2", Array{})})),
            "line 2: 'x' must be a number, not a list");
}

/// Reads [outer] x, [outer.inner] y and an array of tables [[outer.many]] with z.
struct Nested {
  int x = 0, y = 0, after = 0;
  std::vector<int> z = {9};

  void read(const Value& root) {
    read_document(root, [&](Binder& b) {
      b.section("outer", [&] {
        b.section("inner", [&] { b.value("y", y, ""); });
        b.list(
            "many", [&](std::size_t n) { return z.resize(n), n; },
            [&](std::size_t i) { b.value("z", z[i], ""); });
        b.value("x", x, "");
      });
      b.value("after", after, "");
    });
  }
  std::string error(const Value& root) {
    try {
      read(root);
    } catch (const Error& error) {
      return error.what();
    }
    return "no error";
  }
};

TEST(Reader, SectionsAndListsEndWhereTheyBegan) {
  Nested nested;
  nested.read(table({{"outer", table({{"x", number(1)},
                                      {"inner", table({{"y", number(2)}})},
                                      {"many", plain(Array{table({{"z", number(3)}}), table({}),
                                                           table({{"z", number(4)}})})}})},
                     {"after", number(5)}}));
  EXPECT_EQ(nested.x, 1);
  EXPECT_EQ(nested.y, 2);
  EXPECT_EQ(nested.after, 5);
  EXPECT_EQ(nested.z.size(), 3u);
  EXPECT_EQ(nested.z[0], 3);
  EXPECT_EQ(nested.z[2], 4);
}

TEST(Reader, UnknownKeysAreFoundOnEveryLevel) {
  const auto unknown = [] { return number(1); };
  EXPECT_EQ(Nested().error(table({{"afer", unknown()}})),
            "at afer: unknown key 'afer'; did you mean 'after'?");
  EXPECT_EQ(Nested().error(table({{"x", unknown()}})),
            "at x: unknown key 'x'; known: outer, after");  // x is known, but elsewhere
  EXPECT_EQ(Nested().error(table({{"outer", table({{"y", unknown()}})}})),
            "at y: unknown key 'y' in [outer]; known: inner, many, x");
  EXPECT_EQ(Nested().error(table({{"outer", table({{"inner", table({{"x", unknown()}})}})}})),
            "at x: unknown key 'x' in [outer.inner]; known: y");
  const Value elements = plain(Array{table({{"z", number(1)}}), table({{"x", unknown()}})});
  EXPECT_EQ(Nested().error(table({{"outer", table({{"many", elements}})}})),
            "at x: unknown key 'x' in [outer.many]; known: z");
}

TEST(Reader, SectionsAndListsAreTables) {
  EXPECT_EQ(Nested().error(table({{"outer", plain(Array{})}})),
            "at outer: 'outer' must be a table [outer], not a list");
  EXPECT_EQ(Nested().error(table({{"outer", table({{"inner", text("y")}})}})),
            "at inner: 'outer.inner' must be a table [outer.inner], not a string");
  EXPECT_EQ(Nested().error(table({{"outer", table({{"many", table({})}})}})),
            "top: 'outer.many' must be an array of tables [[outer.many]], not a table");
  const Value mixed = plain(Array{table({}), at("line 4", std::int64_t{0})});
  EXPECT_EQ(Nested().error(table({{"outer", table({{"many", mixed}})}})),
            "line 4: 'outer.many' must be an array of tables [[outer.many]], not an integer");
}

TEST(Reader, ChoicesAreNamesOnly) {
  int index = 0;
  const auto choose = [&](Value value) {
    read_document(table({{"color", std::move(value)}}), [&](Binder& b) {
      b.choice("color", index, {"red", "green", "blue"}, "");
    });
  };
  choose(text("blue"));
  EXPECT_EQ(index, 2);
  EXPECT_THAT([&] { choose(text("gren")); },
              testing::ThrowsMessage<Error>("at color: 'color' cannot be 'gren'; did you mean "
                                            "'green'?"));
  EXPECT_THAT([&] { choose(text("")); }, testing::ThrowsMessage<Error>(HasSubstr("cannot be ''")));
  EXPECT_THAT([&] { choose(number(1)); },
              testing::ThrowsMessage<Error>(StartsWith("at color: 'color' must be a string")));
  EXPECT_EQ(index, 2);
}

TEST(Reader, BugsOfTheProgramAreBugs) {
  int x = 0;
  const auto twice = [&](Binder& b) {
    b.value("x", x, "");
    b.value("x", x, "");
  };
  EXPECT_THROW(read_document(table({}), twice), InternalError);
  EXPECT_THROW(read_document(number(1), [](Binder&) {}), InternalError);
}

RC_GTEST_PROP(ReaderProperty, NumbersArriveAsTheyAre, (std::int64_t whole, double real)) {
  RC_PRE(std::isfinite(real));
  RC_ASSERT(read<double>(plain(real)) == real);
  RC_ASSERT(read<double>(number(whole)) == static_cast<double>(whole));
  const auto bits = static_cast<std::uint64_t>(whole);
  RC_ASSERT(read<std::uint64_t>(text(std::to_string(bits))) == bits);
  const bool fits = whole == static_cast<std::int64_t>(static_cast<std::int32_t>(whole));
  RC_ASSERT((error_of<int>(number(whole)) == "no error") == fits);
}

}  // namespace
}  // namespace flatenn
