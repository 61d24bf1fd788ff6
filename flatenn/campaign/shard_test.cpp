#include "flatenn/campaign/shard.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <string>

#include "flatenn/base/error.h"

namespace flatenn {
namespace {

using testing::HasSubstr;
using testing::ThrowsMessage;

Shard launched(const std::map<std::string, std::string>& variables) {
  return launched_shard([&](const char* name) -> const char* {
    const auto found = variables.find(name);
    return found == variables.end() ? nullptr : found->second.c_str();
  });
}

TEST(Shard, EveryPieceOfWorkHasOneOwner) {
  for (std::uint64_t number = 0; number < 30; ++number) {
    int owners = 0;
    for (int i = 0; i < 7; ++i) owners += Shard{i, 7, 1}.owns(number);
    EXPECT_EQ(owners, 1) << number;
  }
  EXPECT_TRUE(Shard{}.owns(5));
}

TEST(Shard, ReadsIndexAndCount) {
  EXPECT_EQ(parse_shard("2/8"), (Shard{2, 8, 1}));
  EXPECT_EQ(parse_shard("0/1"), Shard{});
  for (const char* text : {"", "2", "8/8", "-1/8", "1/0", "1/8x", "a/b", "1/99999999999", "1//2"}) {
    EXPECT_THAT([&] { parse_shard(text); }, ThrowsMessage<Error>(HasSubstr("0/4"))) << text;
  }
}

TEST(Shard, WithoutALauncherThereIsOnePart) {
  EXPECT_TRUE(launched({}).whole());
  // Inside a batch script, outside srun: the rank is set, but there is no step.
  EXPECT_TRUE(launched({{"SLURM_PROCID", "0"}, {"SLURM_NTASKS", "8"}}).whole());
  EXPECT_TRUE(launched({{"RANK", "3"}}).whole());
}

TEST(Shard, KnowsTheLaunchers) {
  EXPECT_EQ(launched({{"RANK", "3"}, {"WORLD_SIZE", "4"}, {"LOCAL_WORLD_SIZE", "2"}}),
            (Shard{3, 4, 2}));
  EXPECT_EQ(launched({{"OMPI_COMM_WORLD_RANK", "1"},
                      {"OMPI_COMM_WORLD_SIZE", "3"},
                      {"OMPI_COMM_WORLD_LOCAL_SIZE", "3"}}),
            (Shard{1, 3, 3}));
  EXPECT_EQ(launched({{"PMI_RANK", "1"}, {"PMI_SIZE", "2"}}), (Shard{1, 2, 1}));
  EXPECT_EQ(launched({{"SLURM_PROCID", "5"}, {"SLURM_STEP_NUM_TASKS", "6"}}), (Shard{5, 6, 1}));
}

TEST(Shard, NumbersTheTasksOfAnArray) {
  const std::map<std::string, std::string> array = {{"SLURM_ARRAY_TASK_ID", "7"},
                                                    {"SLURM_ARRAY_TASK_MIN", "1"},
                                                    {"SLURM_ARRAY_TASK_MAX", "9"},
                                                    {"SLURM_ARRAY_TASK_STEP", "2"},
                                                    {"SLURM_ARRAY_TASK_COUNT", "5"}};
  EXPECT_EQ(launched(array), (Shard{3, 5, 1}));
  auto parallel = array;
  parallel["SLURM_PROCID"] = "1";
  parallel["SLURM_STEP_NUM_TASKS"] = "4";
  EXPECT_EQ(launched(parallel), (Shard{13, 20, 1}));
  auto gaps = array;
  gaps["SLURM_ARRAY_TASK_COUNT"] = "3";
  EXPECT_THAT([&] { launched(gaps); }, ThrowsMessage<Error>(HasSubstr("gaps")));
}

TEST(Shard, RefusesVariablesThatMakeNoSense) {
  EXPECT_THAT(
      [&] {
        launched({{"RANK", "x"}, {"WORLD_SIZE", "4"}});
      },
      ThrowsMessage<Error>(HasSubstr("RANK")));
  EXPECT_THAT(
      [&] {
        launched({{"RANK", "4"}, {"WORLD_SIZE", "4"}});
      },
      ThrowsMessage<Error>(HasSubstr("count from 0")));
}

TEST(Shard, PartsHaveStoresOfTheirOwn) {
  EXPECT_EQ(shard_path("runs/faults.db", {2, 8, 1}), "runs/faults.part-2-of-8.db");
  EXPECT_EQ(shard_path("runs/faults.db", {}), "runs/faults.db");
}

}  // namespace
}  // namespace flatenn
