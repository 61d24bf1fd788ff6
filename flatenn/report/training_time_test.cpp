#include "flatenn/report/training_time.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "flatenn/base/error.h"
#include "flatenn/base/file.h"
#include "flatenn/base/testing.h"

namespace flatenn {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using testing::ThrowsMessage;

class TrainingTime : public testing::Test {
 protected:
  fs::path log(const std::string& label, std::string_view text) const {
    make_folder(folder_ / "arms" / label);
    write_file(folder_ / "arms" / label / "log.jsonl", text);
    return folder_ / "arms" / label / "log.jsonl";
  }

  static Arm arm(std::vector<std::string> labels) {
    Arm arm;
    arm.labels = std::move(labels);
    return arm;
  }

  TemporaryFolder folder_;
};

TEST_F(TrainingTime, IsTheSumOverEpochs) {
  EXPECT_DOUBLE_EQ(training_seconds(log("a",
                                        "{\"epoch\":1,\"seconds\":1.5}\n"
                                        "{\"epoch\":2,\"seconds\":2}\n")),
                   3.5);
}

TEST_F(TrainingTime, IsUnknownWithoutALogOrItsSeconds) {
  EXPECT_LT(training_seconds(folder_ / "log.jsonl"), 0);
  EXPECT_LT(training_seconds(log("a", "")), 0);
  EXPECT_LT(training_seconds(log("b", "{\"seconds\":1}\n{\"epoch\":2}\n")), 0);
}

TEST_F(TrainingTime, WhatIsNoLogIsNamedWithItsLine) {
  const fs::path path = log("a", "{\"seconds\":1}\nseconds\n");
  EXPECT_THAT([&] { training_seconds(path); }, ThrowsMessage<Error>(HasSubstr("log.jsonl:2: not")));
  for (const char* bad : {"-1", "\"long\"", "1e999", "null"}) {
    log("a", fmt::format("{{\"seconds\":{}}}\n", bad));
    EXPECT_THROW(training_seconds(path), Error) << bad;
  }
}

TEST_F(TrainingTime, OfAnArmIsTheMeanOverAllItsSeeds) {
  log("a-seed0", "{\"seconds\":1}\n");
  log("a-seed1", "{\"seconds\":4}\n");
  std::vector<Arm> arms = {arm({"a-seed0", "a-seed1"}), arm({"a-seed0", "a-seed2"})};
  add_training_seconds(folder_.path(), arms);
  EXPECT_DOUBLE_EQ(arms[0].training_seconds, 2.5);
  EXPECT_LT(arms[1].training_seconds, 0);
}

TEST_F(TrainingTime, ALabelDoesNotLeadOutOfTheFolder) {
  log("a", "{\"seconds\":1}\n");
  std::vector<Arm> arms = {arm({"../arms/a"}), arm({".."}), arm({""}),
                           arm({std::string(5000, 'a')})};
  add_training_seconds(folder_.path(), arms);
  for (const Arm& one : arms) EXPECT_LT(one.training_seconds, 0);
}

}  // namespace
}  // namespace flatenn
