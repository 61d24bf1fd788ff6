#include "flatenn/base/thread_time.h"

#include <gtest/gtest.h>

#include <chrono>
#include <thread>

namespace flatenn {
namespace {

TEST(ThreadTime, CountsWorkAndNotWaiting) {
  const double start = thread_seconds();
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
  const double waited = thread_seconds() - start;
  EXPECT_GE(waited, 0);
  EXPECT_LT(waited, 0.04);
  const auto begun = std::chrono::steady_clock::now();
  while (thread_seconds() - start < waited + 0.05) continue;
  // Nor does work count twice.
  EXPECT_GE(std::chrono::steady_clock::now() - begun, std::chrono::milliseconds(49));
}

TEST(ThreadTime, IsTheCallingThreadsAlone) {
  const double start = thread_seconds();
  std::thread([] {
    const double other = thread_seconds();
    while (thread_seconds() - other < 0.05) continue;
  }).join();
  EXPECT_LT(thread_seconds() - start, 0.04);
}

}  // namespace
}  // namespace flatenn
