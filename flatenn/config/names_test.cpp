#include "flatenn/config/names.h"

#include <gtest/gtest.h>

namespace flatenn {
namespace {

TEST(Names, FindsTheTypingMistake) {
  const std::vector<std::string> names = {"epochs", "batch", "seed", "learning_rate"};
  EXPECT_EQ(closest_name("epoch", names), "epochs");
  EXPECT_EQ(closest_name("epcohs", names), "epochs");
  EXPECT_EQ(closest_name("learnig_rte", names), "learning_rate");
  EXPECT_EQ(closest_name("sede", names), "seed");
  EXPECT_EQ(closest_name("epochs", names), "epochs");
}

TEST(Names, DoesNotGuessWildly) {
  const std::vector<std::string> names = {"epochs", "batch"};
  EXPECT_EQ(closest_name("momentum", names), "");
  EXPECT_EQ(closest_name("", names), "");
  EXPECT_EQ(closest_name("x", {}), "");
  EXPECT_EQ(closest_name(std::string(1000000, 'e'), names), "");
}

TEST(Names, TakesTheClosestAndTheFirstOfEqual) {
  EXPECT_EQ(closest_name("stuck", {"stuck0", "stuck1"}), "stuck0");
  EXPECT_EQ(closest_name("stuck1", {"stuck0", "stuck1"}), "stuck1");
}

TEST(Names, SuggestionFallsBackToTheList) {
  EXPECT_EQ(suggestion("flipp", {"flip", "stuck0"}), "; did you mean 'flip'?");
  EXPECT_EQ(suggestion("toggle", {"flip", "stuck0"}), "; known: flip, stuck0");
  EXPECT_EQ(suggestion("toggle", {}), "");
}

}  // namespace
}  // namespace flatenn
