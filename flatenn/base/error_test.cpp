#include "flatenn/base/error.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace flatenn {
namespace {

using testing::HasSubstr;

TEST(Error, FailFormatsOneLine) {
  try {
    fail("{}:{}: no key '{}'", "a.toml", 3, "x");
    FAIL();
  } catch (const Error& e) {
    EXPECT_STREQ(e.what(), "a.toml:3: no key 'x'");
  }
}

TEST(Error, AssertionNamesConditionFileAndLine) {
  const int line = __LINE__ + 2;
  try {
    FLATENN_ASSERT(1 + 1 == 3);
    FAIL();
  } catch (const InternalError& e) {
    EXPECT_THAT(e.what(), HasSubstr("error_test.cpp:" + std::to_string(line)));
    EXPECT_THAT(e.what(), HasSubstr("1 + 1 == 3"));
  }
}

TEST(Error, TrueAssertionIsSilentAndEvaluatesOnce) {
  int count = 0;
  FLATENN_ASSERT(++count == 1);
  EXPECT_EQ(count, 1);
}

}  // namespace
}  // namespace flatenn
