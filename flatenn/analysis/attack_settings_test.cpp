#include "flatenn/analysis/attack_settings.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "flatenn/base/error.h"

namespace flatenn {
namespace {

AttackSettings read(std::string_view text) {
  AttackSettings settings;
  read_config_text(text, "a.toml", {}, [&](Binder& b) { bind(b, settings); });
  check_settings(settings);
  return settings;
}

std::string refusal(std::string_view text) {
  try {
    read(text);
  } catch (const Error& error) {
    return error.what();
  }
  return "accepted";
}

TEST(AttackSettings, AreReadAndChecked) {
  const AttackSettings settings = read("flips = [3, 30]\nmethods = ['random', 'progressive']");
  EXPECT_EQ(settings.largest_budget(), 30u);
  EXPECT_EQ(settings.chosen_methods(),
            (std::vector{AttackMethod::random, AttackMethod::progressive}));
  EXPECT_THAT(refusal("flips = [0, 3]"), testing::HasSubstr("flips: 0 bits"));
  EXPECT_THAT(refusal("flips = [3, 3]"), testing::HasSubstr("flips: 3 does not ascend from 3"));
  EXPECT_THAT(refusal("flips = []"), testing::HasSubstr("flips: no budget"));
  EXPECT_THAT(refusal("methods = []"), testing::HasSubstr("methods: none"));
  EXPECT_THAT(refusal("methods = ['random', 'random']"), testing::HasSubstr("random stands twice"));
  EXPECT_THAT(refusal("methods = ['gradiant']"), testing::HasSubstr("did you mean 'gradient'"));
  EXPECT_THAT(refusal("methods = ['xyz']"), testing::HasSubstr("progressive, gradient, random"));
  EXPECT_THAT(refusal("restarts = 0"), testing::HasSubstr("restarts"));
  EXPECT_THAT(refusal("images = 0"), testing::HasSubstr("images"));
}

TEST(AttackSettings, ThreadsAreNoPartOfWhatResultsDependOn) {
  AttackSettings a, b;
  b.threads = 7;
  EXPECT_EQ(attack_settings_text(a), attack_settings_text(b));
  b.steps = 3;
  EXPECT_NE(attack_settings_text(a), attack_settings_text(b));
}

}  // namespace
}  // namespace flatenn
