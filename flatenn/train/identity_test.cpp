#include "flatenn/train/identity.h"

#include <gtest/gtest.h>

namespace flatenn {
namespace {

TrainingIdentity identity() {
  TrainingIdentity one;
  one.settings.epochs = 7;
  one.settings.data_folder = "/here";
  one.data_hash = "0123";
  return one;
}

TEST(TrainingIdentity, IsItsText) {
  const TrainingIdentity one = identity();
  EXPECT_TRUE(describes(to_text(one), one));
  TrainingIdentity other = one;
  other.settings.optimizer.learning_rate *= 2;
  EXPECT_FALSE(describes(to_text(one), other));
  other = one;
  other.data_hash = "0124";
  EXPECT_FALSE(describes(to_text(one), other));
}

TEST(TrainingIdentity, PicturesMayLieElsewhere) {
  TrainingIdentity moved = identity();
  moved.settings.data_folder = "/there";
  EXPECT_TRUE(describes(to_text(identity()), moved));
}

TEST(TrainingIdentity, KeysOfLaterProgramsHaveTheirDefaults) {
  EXPECT_TRUE(describes("epochs = 7\n", identity()));
  TrainingIdentity other = identity();
  other.settings.precision = TrainPrecision::bfloat16;
  EXPECT_FALSE(describes("epochs = 7\n", other));
}

TEST(TrainingIdentity, OtherTextsAreOtherTrainings) {
  for (const char* text :
       {"epochs = 7\nunknown = 1\n", "epochs = 'seven'", "\xff\x00", "epochs ="}) {
    EXPECT_FALSE(describes(text, identity())) << text;
  }
}

}  // namespace
}  // namespace flatenn
