#include "flatenn/campaign/exposed_network.h"

#include <gtest/gtest.h>

#include "flatenn/base/error.h"
#include "flatenn/engine/testing.h"
#include "flatenn/graph/builders.h"
#include "flatenn/memory/headroom.h"

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
  EXPECT_EQ(network.memory().exposed().bits + 16 * 16,
            network.memory().bits());  // all but the biases
}

TEST(ExposedNetwork, HasCodedBiasesWhereTheyAreExposed) {
  const Model model = small_model();
  CampaignSettings settings;
  settings.memory = {"biases"};
  settings.exposed = {"fc2.*"};
  const ExposedNetwork network(settings, model);
  EXPECT_NE(&network.model(), &model);
  EXPECT_EQ(network.memory().exposed().bits, 160u);
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

TEST(ExposedNetwork, IsProtectedAsTheSettingsSay) {
  const Model model = small_model();
  CampaignSettings settings;
  settings.headroom = 2;
  settings.placement = "protect:1";
  settings.guard = "parity:16";
  const ExposedNetwork network(settings, model);
  EXPECT_NE(&network.model(), &model);
  for (const WeightTensor& weights : network.model().weights) EXPECT_GE(headroom(weights), 1.6);
  const MemoryImage& image = network.memory().image();
  EXPECT_EQ(network.memory().bits(), image.bits() + image.bits() / 16);
  EXPECT_EQ(network.memory().exposed().bits, network.memory().bits() - image.bits() / 4);
}

TEST(SourceText, SaysWhatProtects) {
  const Protection protection = parse_protection("headroom:2+secded:64");
  EXPECT_EQ(source_text({}, {}), "");
  EXPECT_EQ(source_text(parse_fault_source("burst:4"), {}), "burst 4");
  EXPECT_EQ(source_text({}, protection), "cells | headroom:2+secded:64");
  EXPECT_EQ(source_text(parse_fault_source("burst:4"), protection),
            "burst 4 | headroom:2+secded:64");
  EXPECT_EQ(parse_source_protection("burst 4 | headroom:2+secded:64"), protection);
  EXPECT_EQ(parse_source_protection("burst 4"), Protection{});
  EXPECT_EQ(unprotected_source("burst 4 | headroom:2+secded:64"), "burst 4");
  EXPECT_EQ(unprotected_source("cells | secded:64"), "");
  EXPECT_EQ(unprotected_source("burst 4"), "burst 4");
  EXPECT_THROW(parse_source_protection("cells | secded"), Error);
}

}  // namespace
}  // namespace flatenn
