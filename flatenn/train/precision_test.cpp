#include "flatenn/train/precision.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "flatenn/base/error.h"

namespace flatenn {
namespace {

using ::testing::HasSubstr;

TEST(TrainPrecision, RefusesWhatTheProcessorLacks) {
  check_precision(TrainPrecision::float32, false);
  check_precision(TrainPrecision::bfloat16, true);
  try {
    check_precision(TrainPrecision::bfloat16, false);
    ADD_FAILURE();
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("precision = \"bfloat16\""));
    EXPECT_THAT(error.what(), HasSubstr("AVX512_BF16"));
    EXPECT_THAT(error.what(), HasSubstr("set precision = \"float32\""));
  }
}

}  // namespace
}  // namespace flatenn
