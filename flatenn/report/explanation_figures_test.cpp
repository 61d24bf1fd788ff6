#include "flatenn/report/explanation_figures.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "flatenn/analysis/example_testing.h"
#include "flatenn/report/page_sources.h"
#include "flatenn/report/testing.h"

namespace flatenn {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;

/// Two networks of a study that lost 35 and 20 of 90 points at flips of 2 %.
PageInputs explained(const TestStore& test) {
  test.add("plain-seed0", 90, {{0, 50}, {1, 60}});
  test.add("saq-seed0", 90, {{0, 68}, {1, 72}});
  PageInputs inputs = read_page(test.path());
  StudyAnalysis study;
  study.networks = {{"plain", 0, example_analysis("plain-seed0", 3)},
                    {"saq", 0, example_analysis("saq-seed0", 1)}};
  study.correlations = {{"Hessian trace",
                         FaultKind::flip,
                         0.02,
                         {1, 0, 0.4, 1, 2},
                         {std::nan(""), 0, -1, 1, 0},
                         0.04}};
  study.best = "Hessian trace";
  study.best_mean = 1;
  study.rankings = {{"saq-seed0",
                     "layers",
                     FaultKind::flip,
                     0.05,
                     {{"conv.weight", 0.1, 2}, {"fc.weight", 0.2, 3}},
                     {1, 0, -1, 1, 2}}};
  inputs.study = study;
  return inputs;
}

TEST(ExplanationFigures, WithoutAStudysAnalysisTheCommandIsNamed) {
  const PageSection section = explanation_section({});
  EXPECT_TRUE(section.figures.empty());
  EXPECT_THAT(section.missing, ElementsAre(HasSubstr("flatenn analyze --study RUN")));
}

TEST(ExplanationFigures, CorrelationsWithTheirIntervalsAndWhatIsUnknown) {
  const TestStore test;
  const PageSection section = explanation_section(explained(test));
  const PageFigure& bars = figure(section, "correlations");
  EXPECT_THAT(column(bars, "measure"), ElementsAre("Hessian trace"));
  EXPECT_THAT(column(bars, "lo"), ElementsAre(0.4));
  EXPECT_THAT(column(bars, "within"), ElementsAre(nullptr));
  EXPECT_THAT(column(bars, "p"), ElementsAre(0.04));
}

TEST(ExplanationFigures, EveryMeasureStandsAgainstTheLossThatTheStoreMeasured) {
  const TestStore test;
  const PageSection section = explanation_section(explained(test));
  const PageFigure& points = figure(section, "explanation");
  const auto measures = column(points, "measure"), losses = column(points, "loss"),
             values = column(points, "value"), networks = column(points, "network");
  EXPECT_THAT(measures, Contains("clean loss"));
  int traces = 0;
  for (std::size_t i = 0; i < measures.size(); ++i) {
    EXPECT_EQ(losses[i], networks[i] == "plain-seed0" ? 35 : 20);
    if (measures[i] != "Hessian trace") continue;
    EXPECT_EQ(values[i], networks[i] == "plain-seed0" ? 30 : 10);
    ++traces;
  }
  EXPECT_EQ(traces, 2);
  EXPECT_EQ(points.options["chosen"], "Hessian trace");
}

TEST(ExplanationFigures, ANetworkThatTheStoreLacksHasNoLoss) {
  const TestStore test;
  PageInputs inputs = explained(test);
  inputs.stores.clear();
  const PageSection section = explanation_section(inputs);
  EXPECT_THAT(column(figure(section, "explanation"), "loss"), testing::Each(nullptr));
}

TEST(ExplanationFigures, RankingsPartByPart) {
  const TestStore test;
  const PageSection section = explanation_section(explained(test));
  const PageFigure& rankings = figure(section, "rankings");
  EXPECT_THAT(column(rankings, "part"), ElementsAre("conv.weight", "fc.weight"));
  EXPECT_THAT(column(rankings, "measured"), ElementsAre(2, 3));
  EXPECT_THAT(column(rankings, "ranking").at(0).get<std::string>(),
              HasSubstr("saq-seed0: layers, flip at 0.05"));
}

}  // namespace
}  // namespace flatenn
