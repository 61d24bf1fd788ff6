#include "cli/terminal.h"

#include <gtest/gtest.h>

#include <cstdlib>

namespace flatenn::cli {
namespace {

using std::chrono::seconds;

/// A Terminal on a memory stream with a clock that the test moves.
class TerminalTest : public testing::Test {
 protected:
  TerminalTest() : stream_(open_memstream(&text_, &size_)) {}
  ~TerminalTest() override {
    std::fclose(stream_);
    std::free(text_);
  }
  Terminal::Options options(bool bars) {
    Terminal::Options result;
    result.stream = stream_;
    result.bars = bars;
    result.now = [this] { return now_; };
    return result;
  }
  std::string text() {
    std::fflush(stream_);
    return {text_, size_};
  }

  char* text_ = nullptr;
  std::size_t size_ = 0;
  std::FILE* stream_;
  Terminal::Clock::time_point now_{seconds(100)};
};

TEST(FormatDuration, ReadsAsAClock) {
  EXPECT_EQ(format_duration(65), "1:05");
  EXPECT_EQ(format_duration(7384), "2:03:04");
  EXPECT_EQ(format_duration(-1), "--:--");
  EXPECT_EQ(format_duration(1e300), "--:--");
}

TEST(RenderProgress, ShowsShareRateTimeLeftAndNote) {
  const Progress progress{"campaign", "trials", 50, 200, "worst 51.2 % at 0.05"};
  EXPECT_EQ(render_progress(progress, 10, 0),
            "campaign [#####...............]  25 % 50/200 trials, 10/s, left 0:15, "
            "worst 51.2 % at 0.05");
  EXPECT_EQ(render_progress(progress, 10, 30).size(), 30u);
}

TEST(RenderProgress, WithoutATotalCountsOnly) {
  EXPECT_EQ(render_progress({"scan", "images", 7, 0, ""}, 0, 80), "scan 7 images");
}

TEST_F(TerminalTest, PlainLinesComeAtMostEveryTenSeconds) {
  Terminal terminal(options(false));
  for (int second = 0; second <= 25; ++second) {
    terminal.progress({"train", "steps", double(second), 100, ""});
    now_ += seconds(1);
  }
  EXPECT_EQ(text(),
            "train [##..................]  10 % 10/100 steps, 1/s, left 1:30\n"
            "train [####................]  20 % 20/100 steps, 1/s, left 1:20\n");
}

TEST_F(TerminalTest, RateLeavesOutWhatAnEarlierRunDid) {
  Terminal terminal(options(false));
  terminal.progress({"campaign", "trials", 900, 1000, ""});
  now_ += seconds(10);
  terminal.progress({"campaign", "trials", 920, 1000, ""});
  EXPECT_NE(text().find("2/s, left 0:40"), std::string::npos) << text();
}

TEST_F(TerminalTest, BarsAreErasedBeforeOtherLines) {
  Terminal terminal(options(true));
  terminal.progress({"train", "steps", 1, 2, ""});
  terminal.note("hello");
  EXPECT_NE(text().find("\x1b[1A\x1b[2Khello\n"), std::string::npos) << text();
  terminal.finished("train");
  EXPECT_TRUE(text().ends_with("train: 1 steps in 0:00\n")) << text();
}

TEST_F(TerminalTest, BarsAreRedrawnAtMostTenTimesASecond) {
  Terminal terminal(options(true));
  for (int i = 0; i < 100; ++i) terminal.progress({"train", "steps", double(i), 100, ""});
  const std::string all = text();
  EXPECT_EQ(std::count(all.begin(), all.end(), '\n'), 1);
}

TEST_F(TerminalTest, WarningsSaySo) {
  Terminal terminal(options(false));
  terminal.warning("reference BLAS");
  EXPECT_EQ(text(), "warning: reference BLAS\n");
}

}  // namespace
}  // namespace flatenn::cli
