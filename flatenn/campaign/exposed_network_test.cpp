#include "flatenn/campaign/exposed_network.h"

#include <gtest/gtest.h>

#include "flatenn/base/error.h"
#include "flatenn/engine/testing.h"
#include "flatenn/graph/builders.h"

namespace flatenn {
namespace {

Model small_model() {
  NetworkOptions options;
  options.input = {1, 4, 4, 1.0f / 255, 0};
  options.hidden = {6};
  return random_model(mlp(options), 3);
}

TEST(ExposedNetwork, IsTheModelItselfWhereBiasesAreSafe) {
  const Model model = small_model();
  CampaignSettings settings;
  settings.memory = {"weights", "activations"};
  const ExposedNetwork network(settings, model);
  EXPECT_EQ(&network.model(), &model);
  EXPECT_EQ(network.exposure().bits() + 16 * 16, network.memory().bits());  // all but the biases
}

TEST(ExposedNetwork, HasCodedBiasesWhereTheyAreExposed) {
  const Model model = small_model();
  CampaignSettings settings;
  settings.memory = {"biases"};
  settings.exposed = {"fc2.*"};
  const ExposedNetwork network(settings, model);
  EXPECT_NE(&network.model(), &model);
  EXPECT_EQ(network.exposure().bits(), 160u);
  settings.exposed = {"fc1.weight"};
  EXPECT_THROW(ExposedNetwork(settings, model), Error);
}

TEST(ExposureText, ComesBackFromWhatItSays) {
  CampaignSettings settings;
  EXPECT_EQ(exposure_text(settings), "");
  settings.exposed = {"fc2.*", "fc1.*:top"};
  EXPECT_EQ(exposure_text(settings), "fc1.*:top,fc2.*");
  settings.memory = {"activations", "biases"};
  const std::string text = exposure_text(settings);
  EXPECT_EQ(text, "biases,activations|fc1.*:top,fc2.*");
  const NamedExposure parsed = parse_exposure_text(text);
  EXPECT_EQ(parsed.parts, (MemoryParts{false, true, true}));
  EXPECT_EQ(parsed.patterns, (std::vector<std::string>{"fc1.*:top", "fc2.*"}));
  EXPECT_TRUE(parse_exposure_text("").patterns.empty());
  EXPECT_EQ(parse_exposure_text("").parts, MemoryParts{});
}

}  // namespace
}  // namespace flatenn
