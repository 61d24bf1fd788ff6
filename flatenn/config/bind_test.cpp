#include "flatenn/config/bind.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "flatenn/base/error.h"
#include "flatenn/base/file.h"
#include "flatenn/base/testing.h"

namespace flatenn {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

enum class Color { red, green };

struct Arm {
  std::string name;
  double radius = 0;
  int depth = 1;
  bool operator==(const Arm&) const = default;
};

struct Settings {
  bool on = false;
  int epochs = 12;
  std::uint64_t seed = 0;
  double rate = 0.5;
  std::string name = "default";
  std::vector<int> hidden = {2, 1};
  std::vector<double> rates = {0.1};
  std::vector<std::string> kinds = {"flip"};
  Color color = Color::red;
  Arm inner;
  std::vector<Arm> arms;
  bool operator==(const Settings&) const = default;
};

void bind(Binder& b, Arm& s) {
  b.value("name", s.name, "a name");
  b.value("radius", s.radius, "a radius", at_least(0));
  b.section("deep", [&] { b.value("depth", s.depth, "a depth"); });
}

// A section before plain values: writing has to put the plain values first.
void bind(Binder& b, Settings& s) {
  b.section("inner", [&] { bind(b, s.inner); });
  b.list(
      "arm",
      [&](std::size_t n) {
        if (n != Binder::kKeep) s.arms.resize(n);
        return s.arms.size();
      },
      [&](std::size_t i) { bind(b, s.arms[i]); });
  b.value("on", s.on, "a switch");
  b.value("epochs", s.epochs, "passes", between(1, 1000));
  b.value("seed", s.seed, "a seed");
  b.value("rate", s.rate, "a rate", between(0, 1));
  b.value("name", s.name, "a name");
  b.value("hidden", s.hidden, "sizes", at_least(1));
  b.value("rates", s.rates, "rates", between(0, 1));
  b.value("kinds", s.kinds, "kinds");
  b.choice("color", s.color, {"red", "green"}, "a colour");
}

Settings read(std::string_view text, const std::vector<std::string>& overrides = {}) {
  Settings s;
  read_config_text(text, "x.toml", overrides, [&](Binder& b) { bind(b, s); });
  return s;
}

std::string write(Settings s) {
  return write_config([&](Binder& b) { bind(b, s); });
}

std::string error_of(std::string_view text, const std::vector<std::string>& overrides = {}) {
  try {
    read(text, overrides);
  } catch (const Error& e) {
    return e.what();
  }
  return "no error";
}

TEST(Bind, ReadsEveryType) {
  const Settings s = read(R"(
on = true
epochs = 3
seed = 7
rate = 1
name = "n"
hidden = [5, 6]
rates = [0, 0.25]
kinds = ["a", "b,c"]
color = "green"
[inner]
name = "i"
deep.depth = 4
[[arm]]
name = "first"
[[arm]]
radius = 0.02
)");
  EXPECT_TRUE(s.on);
  EXPECT_EQ(s.epochs, 3);
  EXPECT_EQ(s.seed, 7u);
  EXPECT_EQ(s.rate, 1);
  EXPECT_EQ(s.name, "n");
  EXPECT_THAT(s.hidden, ElementsAre(5, 6));
  EXPECT_THAT(s.rates, ElementsAre(0, 0.25));
  EXPECT_THAT(s.kinds, ElementsAre("a", "b,c"));
  EXPECT_EQ(s.color, Color::green);
  EXPECT_EQ(s.inner, (Arm{"i", 0, 4}));
  EXPECT_THAT(s.arms, ElementsAre(Arm{"first", 0, 1}, Arm{"", 0.02, 1}));
}

TEST(Bind, MissingKeysKeepTheDefaults) { EXPECT_EQ(read(""), Settings{}); }

TEST(Bind, ListsAcceptGridsAndSingles) {
  EXPECT_THAT(read("rates = '0.001..0.1:3'").rates, ElementsAre(0.001, 0.01, 0.1));
  EXPECT_THAT(read("rates = 0.3").rates, ElementsAre(0.3));
  EXPECT_THAT(read("hidden = 7").hidden, ElementsAre(7));
  EXPECT_THAT(read("", {"hidden=7,8"}).hidden, ElementsAre(7, 8));
  EXPECT_THAT(read("", {"kinds=flip,stuck0"}).kinds, ElementsAre("flip", "stuck0"));
  EXPECT_THAT(read("kinds = ''").kinds, IsEmpty());
  EXPECT_THAT(read("rates = []").rates, IsEmpty());
}

TEST(Bind, UnknownKeysNamePlaceAndSuggest) {
  EXPECT_EQ(error_of("on = true\nepoch = 3\n"),
            "x.toml:2: unknown key 'epoch'; did you mean 'epochs'?");
  EXPECT_EQ(error_of("[inner]\nraduis = 3\n"),
            "x.toml:2: unknown key 'raduis' in [inner]; did you mean 'radius'?");
  EXPECT_EQ(error_of("[inner.deep]\nzzz = 3\n"),
            "x.toml:2: unknown key 'zzz' in [inner.deep]; known: depth");
  EXPECT_EQ(error_of("[[arm]]\n[[arm]]\nnmae = 'x'\n"),
            "x.toml:3: unknown key 'nmae' in [arm]; did you mean 'name'?");
  EXPECT_THAT(error_of("[iner]\nname = 'x'\n"),
              HasSubstr("x.toml:1: unknown key 'iner'; did you mean 'inner'?"));
  EXPECT_EQ(error_of("", {"epcohs=3"}),
            "--set epcohs=3: unknown key 'epcohs'; did you mean 'epochs'?");
}

TEST(Bind, WrongTypesNamePlaceAndExpectation) {
  EXPECT_EQ(error_of("\nepochs = '3'"), "x.toml:2: 'epochs' must be an integer, not a string");
  EXPECT_EQ(error_of("epochs = 3.5"), "x.toml:1: 'epochs' must be an integer, not a number");
  EXPECT_EQ(error_of("on = 1"), "x.toml:1: 'on' must be true or false, not an integer");
  EXPECT_EQ(error_of("rate = true"), "x.toml:1: 'rate' must be a number, not a boolean");
  EXPECT_EQ(error_of("name = 3"), "x.toml:1: 'name' must be a string, not an integer");
  EXPECT_EQ(error_of("seed = 'x'"), "x.toml:1: 'seed' must be an integer, not a string");
  EXPECT_EQ(error_of("seed = 1.0"), "x.toml:1: 'seed' must be an integer, not a number");
  EXPECT_EQ(error_of("seed = -1"), "x.toml:1: 'seed' must not be negative");
  EXPECT_EQ(error_of("hidden = [1, 'x']"), "x.toml:1: 'hidden' must be an integer, not a string");
  EXPECT_EQ(error_of("hidden = '1.5'"), "x.toml:1: 'hidden' must hold integers, not 1.5");
  EXPECT_EQ(error_of("kinds = 3"), "x.toml:1: 'kinds' must be a list of strings, not an integer");
  EXPECT_EQ(error_of("inner = 3"), "x.toml:1: 'inner' must be a table [inner], not an integer");
  EXPECT_EQ(error_of("inner.deep = 3"),
            "x.toml:1: 'inner.deep' must be a table [inner.deep], not an integer");
  EXPECT_EQ(error_of("arm = 3"),
            "x.toml:1: 'arm' must be an array of tables [[arm]], not an integer");
  EXPECT_EQ(error_of("arm = [3]"),
            "x.toml:1: 'arm' must be an array of tables [[arm]], not an integer");
  EXPECT_EQ(error_of("rate = 2020-01-01"), "x.toml:1: 'rate' must be a number, not a date or time");
}

TEST(Bind, LimitsHoldForValuesAndElements) {
  EXPECT_EQ(error_of("epochs = 0"), "x.toml:1: 'epochs' is 0; it must be between 1 and 1000");
  EXPECT_EQ(error_of("epochs = 9223372036854775807"),
            "x.toml:1: 'epochs' is 9.223372036854776e+18; it must be between 1 and 1000");
  EXPECT_EQ(error_of("inner.deep.depth = 3000000000"),
            "x.toml:1: 'inner.deep.depth' is out of range");
  EXPECT_EQ(error_of("rates = [0.5, 1.5]"), "x.toml:1: 'rates' is 1.5; it must be between 0 and 1");
  EXPECT_EQ(error_of("hidden = '1,0'"), "x.toml:1: 'hidden' is 0; it must be at least 1");
  EXPECT_EQ(error_of("rate = nan"), "x.toml:1: 'rate' must be finite");
  EXPECT_EQ(error_of("inner.radius = inf"), "x.toml:1: 'inner.radius' must be finite");
}

TEST(Bind, ChoicesSuggest) {
  EXPECT_EQ(error_of("color = 'gren'"),
            "x.toml:1: 'color' cannot be 'gren'; did you mean 'green'?");
  EXPECT_EQ(error_of("color = 'xyz'"), "x.toml:1: 'color' cannot be 'xyz'; known: red, green");
}

TEST(Bind, AFileReplacesAllElementsOfAList) {
  Settings s;
  s.arms = {{"old", 1, 1}, {"older", 2, 2}};
  read_config_text("arm = []", "x", {}, [&](Binder& b) { bind(b, s); });
  EXPECT_THAT(s.arms, IsEmpty());
}

TEST(Bind, DefaultsThenFileThenEnvironmentThenOverrides) {
  const TemporaryFolder folder;
  const auto path = folder / "settings.toml";
  write_file(path, std::string_view("epochs = 1\nseed = 1\nrate = 0.1\n[inner]\nname = 'f'\n"));
  ::setenv("FLATENN_SET", "seed=2;rate=0.2;inner.name=env", 1);
  Settings s;
  read_config({path, {"rate=0.3"}, true}, [&](Binder& b) { bind(b, s); });
  EXPECT_EQ(s.epochs, 1);
  EXPECT_EQ(s.seed, 2u);
  EXPECT_EQ(s.rate, 0.3);
  EXPECT_EQ(s.inner.name, "env");
  EXPECT_EQ(s.name, "default");

  Settings without;
  read_config({path, {}, false}, [&](Binder& b) { bind(b, without); });
  EXPECT_EQ(without.seed, 1u);

  ::setenv("FLATENN_SET", "sede=2", 1);
  try {
    read_config({path, {}, true}, [&](Binder& b) { bind(b, s); });
    ADD_FAILURE();
  } catch (const Error& e) {
    EXPECT_STREQ(e.what(), "FLATENN_SET sede=2: unknown key 'sede'; did you mean 'seed'?");
  }
  ::unsetenv("FLATENN_SET");
  std::filesystem::remove(path);
  EXPECT_THROW(read_config({path, {}, true}, [&](Binder& b) { bind(b, s); }), Error);
}

TEST(Bind, OverridesReachIntoLists) {
  const Settings s = read("[[arm]]\nradius = 1\n[[arm]]\nradius = 2\n", {"arm.1.radius=3"});
  EXPECT_EQ(s.arms[0].radius, 1);
  EXPECT_EQ(s.arms[1].radius, 3);
}

Settings arbitrary_settings() {
  Settings s;
  s.on = *rc::gen::arbitrary<bool>();
  s.epochs = *rc::gen::inRange(1, 1001);
  s.seed = *rc::gen::arbitrary<std::uint64_t>();
  s.rate = *rc::gen::inRange(0, 1 << 30) * 0x1p-30 / 3;
  const auto text = rc::gen::container<std::string>(rc::gen::inRange<char>(0, 127));
  s.name = *text;
  s.hidden = *rc::gen::container<std::vector<int>>(rc::gen::inRange(1, 1 << 30));
  s.rates.assign(*rc::gen::inRange<std::size_t>(0, 4), s.rate);
  s.kinds = *rc::gen::container<std::vector<std::string>>(text);
  s.color = *rc::gen::element(Color::red, Color::green);
  s.arms.resize(*rc::gen::inRange<std::size_t>(0, 4));
  for (Arm& arm : s.arms) arm = {*text, s.rate / 7, *rc::gen::arbitrary<int>()};
  return s;
}

RC_GTEST_PROP(Bind, WritingAndReadingIsLossless, ()) {
  const Settings s = arbitrary_settings();
  const std::string text = write(s);
  const Settings again = read(text);
  RC_ASSERT(again == s);
  RC_ASSERT(write(again) == text);
}

TEST(Bind, ResolvedSettingsHaveOneText) {
  Settings s;
  s.rates = {1e-3, 1.0 / 3};
  s.seed = ~std::uint64_t{0};
  s.arms = {{"a", 0.02, 2}};
  EXPECT_EQ(write(s), R"(on = false
epochs = 12
seed = "18446744073709551615"
rate = 0.5
name = "default"
hidden = [2, 1]
rates = [0.001, 0.3333333333333333]
kinds = ["flip"]
color = "red"

[inner]
name = ""
radius = 0.0

[inner.deep]
depth = 1

[[arm]]
name = "a"
radius = 0.02

[arm.deep]
depth = 2
)");
}

TEST(Bind, JsonHoldsTheSame) {
  Settings s;
  s.arms = {{"a", 0.02, 2}};
  const auto json = nlohmann::json::parse(config_json([&](Binder& b) { bind(b, s); }));
  EXPECT_EQ(json["epochs"], 12);
  EXPECT_EQ(json["color"], "red");
  EXPECT_EQ(json["arm"][0]["deep"]["depth"], 2);
  EXPECT_EQ(json["rates"][0], 0.1);
}

TEST(Bind, HelpHasOneLineAKey) {
  Settings s;
  const std::string help = config_help([&](Binder& b) { bind(b, s); });
  EXPECT_THAT(help, HasSubstr("epochs  (integer between 1 and 1000, default 12)  passes\n"));
  EXPECT_THAT(help, HasSubstr("arm.N.radius  (number at least 0, default 0)  a radius\n"));
  EXPECT_THAT(help, HasSubstr("color  (red|green, default red)  a colour\n"));
  EXPECT_THAT(help, HasSubstr("inner.name  (string, default \"\")  a name\n"));
  EXPECT_THAT(s.arms, IsEmpty());
}

TEST(Bind, BindingAKeyTwiceIsABug) {
  int x = 0;
  const auto twice = [&](Binder& b) {
    b.value("x", x, "");
    b.value("x", x, "");
  };
  EXPECT_THROW(read_config_text("", "x", {}, twice), InternalError);
}

}  // namespace
}  // namespace flatenn
