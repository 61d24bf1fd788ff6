#include "flatenn/train/process.h"

#include <ATen/Parallel.h>
#include <gtest/gtest.h>

#include <thread>

namespace flatenn {
namespace {

TEST(Process, ThreadsAreThoseOfTheCallingThread) {
  prepare_process(2);
  EXPECT_EQ(at::get_num_threads(), 2);
  prepare_process(1);
  EXPECT_EQ(at::get_num_threads(), 1);
}

TEST(Process, MayBeCalledFromSeveralThreads) {
  int seen[2] = {};
  {
    std::jthread one([&] { prepare_process(1), seen[0] = at::get_num_threads(); });
    std::jthread two([&] { prepare_process(1), seen[1] = at::get_num_threads(); });
  }
  EXPECT_EQ(seen[0], 1);
  EXPECT_EQ(seen[1], 1);
}

}  // namespace
}  // namespace flatenn
