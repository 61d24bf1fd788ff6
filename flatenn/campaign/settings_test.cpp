#include "flatenn/campaign/settings.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "flatenn/base/error.h"

namespace flatenn {
namespace {

TEST(CampaignSettings, ReadAndWriteBack) {
  CampaignSettings settings;
  read_config_text("kinds = ['stuck', 'flip']\nrates = '1e-3..1e-1:3'\nmaps = 7\n", "x.toml",
                   {"engine=int8"}, [&](Binder& b) { bind(b, settings); });
  EXPECT_EQ(settings.kinds, (std::vector{FaultKind::stuck, FaultKind::flip}));
  EXPECT_EQ(settings.rates.size(), 3u);
  EXPECT_EQ(settings.maps, 7u);
  EXPECT_EQ(settings.engine, Engine::int8);
  const std::string text = write_config([&](Binder& b) { bind(b, settings); });
  CampaignSettings again;
  read_config_text(text, "again.toml", {}, [&](Binder& b) { bind(b, again); });
  EXPECT_EQ(write_config([&](Binder& b) { bind(b, again); }), text);
}

TEST(CampaignSettings, UnknownKindsAreErrors) {
  CampaignSettings settings;
  EXPECT_THROW(
      read_config_text("kinds = ['flop']", "x.toml", {}, [&](Binder& b) { bind(b, settings); }),
      Error);
}

TEST(CampaignSettings, SourcesWithoutARateHaveTheRateZero) {
  CampaignSettings settings;
  EXPECT_EQ(trial_rates(settings), settings.rates);
  settings.source = "burst:4";
  EXPECT_EQ(trial_rates(settings), settings.rates);
  settings.source = "single";
  EXPECT_EQ(trial_rates(settings), std::vector<double>{0});
  settings.source = "file:chip.map";
  EXPECT_EQ(trial_rates(settings), std::vector<double>{0});
}

TEST(CampaignSettings, SweepsHaveNames) {
  EXPECT_EQ(parse_sweep("layers"), Sweep::layers);
  EXPECT_EQ(parse_sweep("bits"), Sweep::bits);
  EXPECT_EQ(parse_sweep("none"), Sweep::none);
  EXPECT_THROW(parse_sweep("layer"), Error);
}

}  // namespace
}  // namespace flatenn
