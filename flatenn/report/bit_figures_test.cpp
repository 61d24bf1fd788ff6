#include "flatenn/report/bit_figures.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "flatenn/analysis/example_testing.h"
#include "flatenn/report/page_sources.h"
#include "flatenn/report/testing.h"

namespace flatenn {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

TEST(BitFigures, WhatIsMissingIsSaidWithItsCommand) {
  const PageSection section = bits_section({});
  EXPECT_TRUE(section.figures.empty());
  EXPECT_THAT(section.missing, ElementsAre(HasSubstr("flatenn campaign MODEL --source single"),
                                           HasSubstr("flatenn analyze MODEL")));
}

TEST(BitFigures, TriedCellsByTensorAndBit) {
  const TestStore test;
  test.add_single_bits();  // bits 1 and 0 of the fc's codes, 10 and 0 points lost
  const PageSection section = bits_section(read_page(test.path()));
  const PageFigure& measured = figure(section, "bits-measured");
  EXPECT_THAT(column(measured, "bit"), ElementsAre(0, 1));
  EXPECT_THAT(column(measured, "cells"), ElementsAre(4, 4));
  EXPECT_THAT(column(measured, "tried"), ElementsAre(1, 1));
  EXPECT_THAT(column(measured, "critical"), ElementsAre(0, 100));
  EXPECT_THAT(column(measured, "masked"), ElementsAre(100, 0));
  EXPECT_THAT(column(measured, "worst_loss"), ElementsAre(0, 10));
  EXPECT_EQ(section.missing.size(), 1u);
}

TEST(BitFigures, TheThresholdIsTheOneThatWasCountedWith) {
  const TestStore test;
  test.add_single_bits();
  PageSourceOptions options;
  options.critical_points = 12.5;
  const PageSection section = bits_section(read_page(test.path(), options));
  const PageFigure& measured = figure(section, "bits-measured");
  EXPECT_THAT(measured.caption, HasSubstr("more than 12.5 points"));
  EXPECT_THAT(column(measured, "critical"), ElementsAre(0, 0));
}

TEST(BitFigures, PredictionsOfAnalyses) {
  PageInputs inputs;
  inputs.analyses = {example_analysis("one", 2)};
  const PageSection section = bits_section(inputs);
  const PageFigure& predicted = figure(section, "bits-predicted");
  // Two tensors of four bits under three kinds.
  EXPECT_EQ(predicted.table.rows(), 24u);
  EXPECT_EQ(column(predicted, "first").at(0), inputs.analyses[0].bits[0].kinds[0].first);
  EXPECT_EQ(column(predicted, "changed").at(1), 25);
  EXPECT_EQ(section.missing.size(), 1u);
}

}  // namespace
}  // namespace flatenn
