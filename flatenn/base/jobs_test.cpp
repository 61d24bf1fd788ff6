#include "flatenn/base/jobs.h"

#include <gtest/gtest.h>

#include <atomic>
#include <latch>
#include <numeric>

#include "flatenn/base/error.h"

namespace flatenn {
namespace {

using Jobs = std::vector<std::function<void(const Context&)>>;

TEST(Jobs, EveryJobRunsOnce) {
  std::vector<int> runs(20, 0);
  Jobs jobs;
  for (int& run : runs) jobs.push_back([&run](const Context&) { ++run; });
  run_jobs(jobs, 3, default_context());
  EXPECT_EQ(runs, std::vector<int>(20, 1));
  run_jobs({}, 3, default_context());
}

TEST(Jobs, RunSideBySide) {
  // Each job waits for the other: one after the other they would never end.
  std::latch both(2);
  const auto job = [&](const Context&) { both.arrive_and_wait(); };
  run_jobs({job, job}, 2, default_context());
  EXPECT_TRUE(both.try_wait());
}

TEST(Jobs, NeverMoreThanAllowed) {
  std::atomic<int> running{0}, most{0};
  const auto job = [&](const Context&) {
    const int now = ++running;
    int before = most;
    while (before < now && !most.compare_exchange_weak(before, now)) {
    }
    --running;
  };
  run_jobs(Jobs(200, job), 2, default_context());
  EXPECT_LE(most, 2);
}

TEST(Jobs, AMistakeStopsTheOthersAndIsTold) {
  std::atomic<int> later{0};
  const auto waits = [](const Context& context) {
    while (!context.stop.stop_requested()) std::this_thread::yield();
    throw_if_stopped(context);
  };
  const auto fails = [](const Context&) { fail("the mistake"); };
  const auto counts = [&](const Context&) { ++later; };
  try {
    run_jobs({waits, fails, counts, counts}, 2, default_context());
    FAIL();
  } catch (const Error& e) {
    EXPECT_STREQ(e.what(), "the mistake");
  }
  EXPECT_EQ(later, 0);
}

TEST(Jobs, StopFromOutsideInterruptsAll) {
  std::stop_source source;
  Context context = default_context();
  context.stop = source.get_token();
  std::atomic<int> later{0};
  const auto stops = [&](const Context& inner) {
    source.request_stop();
    throw_if_stopped(inner);
  };
  EXPECT_THROW(run_jobs({stops, [&](const Context&) { ++later; }}, 1, context), Interrupted);
  EXPECT_EQ(later, 0);
}

}  // namespace
}  // namespace flatenn
