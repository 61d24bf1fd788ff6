#include "flatenn/base/writer_lock.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>

#include "flatenn/base/error.h"
#include "flatenn/base/file.h"

namespace flatenn {
namespace {

class WriterLockTest : public testing::Test {
 protected:
  WriterLockTest() { make_folder(folder_); }
  ~WriterLockTest() override { std::filesystem::remove_all(folder_); }
  std::filesystem::path folder_ =
      std::filesystem::temp_directory_path() / fmt::format("flatenn_lock_test_{}", getpid());
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
  EXPECT_TRUE(std::filesystem::is_empty(folder_));
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
