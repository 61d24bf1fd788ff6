#include "flatenn/base/events.h"

#include <gtest/gtest.h>

#include "flatenn/base/error.h"

namespace flatenn {
namespace {

TEST(Events, DefaultContextIgnoresEventsAndNeverStops) {
  const Context context = default_context();
  ASSERT_NE(context.events, nullptr);
  context.events->progress({"task", "steps", 1, 2, ""});
  context.events->note("a line");
  EXPECT_FALSE(context.stop.stop_possible());
  EXPECT_NO_THROW(throw_if_stopped(context));
}

TEST(Events, StopRequestThrowsInterrupted) {
  std::stop_source source;
  Context context = default_context();
  context.stop = source.get_token();
  EXPECT_NO_THROW(throw_if_stopped(context));
  source.request_stop();
  EXPECT_THROW(throw_if_stopped(context), Interrupted);
}

}  // namespace
}  // namespace flatenn
