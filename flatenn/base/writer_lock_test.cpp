#include "flatenn/base/writer_lock.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "flatenn/base/error.h"
#include "flatenn/base/file.h"
#include "flatenn/base/testing.h"

namespace flatenn {
namespace {

class WriterLockTest : public testing::Test {
 protected:
  TemporaryFolder folder_;
};

TEST_F(WriterLockTest, HasOneHolderAndLeavesNothing) {
  const auto path = folder_ / "a.db";
  {
    const WriterLock lock(path, "store");
    EXPECT_TRUE(std::filesystem::exists(folder_ / "a.db-lock"));
    EXPECT_THAT([&] { WriterLock(path, "store"); },
                testing::ThrowsMessage<Error>(testing::HasSubstr(
                    "a.db: another program is writing this store; wait for it")));
    const WriterLock other(folder_ / "b.db", "store");
  }
  EXPECT_TRUE(std::filesystem::is_empty(folder_.path()));
  const WriterLock again(path, "store");
}

TEST_F(WriterLockTest, AFileThatADeadProgramLeftDoesNotMatter) {
  write_file(folder_ / "a.db-lock", "");
  const WriterLock lock(folder_ / "a.db", "store");
}

TEST_F(WriterLockTest, AFolderThatIsNotThereIsAMistake) {
  EXPECT_THAT([&] { WriterLock(folder_ / "gone" / "a.db", "store"); },
              testing::ThrowsMessage<Error>(testing::HasSubstr("cannot write here")));
}

}  // namespace
}  // namespace flatenn
