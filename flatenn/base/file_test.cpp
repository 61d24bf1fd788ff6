#include "flatenn/base/file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>

#include "flatenn/base/error.h"
#include "flatenn/base/testing.h"

namespace flatenn {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

template <class Call>
std::string error_of(Call&& call) {
  try {
    call();
  } catch (const Error& e) {
    return e.what();
  }
  return "no error";
}

class File : public testing::Test {
 protected:
  std::size_t entries() const {
    return static_cast<std::size_t>(
        std::distance(fs::directory_iterator(folder_.path()), fs::directory_iterator()));
  }
  TemporaryFolder folder_;
};

TEST_F(File, WritesAndReadsBack) {
  const std::string text("a\0b\n", 4);
  write_file(folder_ / "x", text);
  EXPECT_EQ(read_text_file(folder_ / "x"), text);
  EXPECT_EQ(read_file(folder_ / "x").size(), 4u);
  write_file(folder_ / "x", std::string_view(""));
  EXPECT_EQ(read_text_file(folder_ / "x"), "");
  EXPECT_EQ(entries(), 1u);
}

TEST_F(File, WritesToANameWithoutFolder) {
  fs::current_path(folder_.path());
  write_file("plain", std::string_view("text"));
  EXPECT_EQ(read_text_file("plain"), "text");
  fs::current_path("/");
}

TEST_F(File, FollowsTheUmask) {
  const mode_t old = ::umask(022);
  write_file(folder_ / "x", std::string_view("t"));
  ::umask(old);
  EXPECT_EQ(fs::status(folder_ / "x").permissions(), static_cast<fs::perms>(0644));
}

TEST_F(File, ReadErrorsNamePathAndReason) {
  EXPECT_THAT(error_of([&] { read_file(folder_ / "none"); }),
              HasSubstr("none: cannot read: No such file"));
  EXPECT_THAT(error_of([&] { read_file(folder_.path()); }), HasSubstr("not a regular file"));
  EXPECT_THAT(error_of([&] { read_file("/dev/zero"); }), HasSubstr("not a regular file"));
  ASSERT_EQ(::mkfifo((folder_ / "pipe").c_str(), 0600), 0);
  EXPECT_THAT(error_of([&] { read_file(folder_ / "pipe"); }), HasSubstr("not a regular file"));
  write_file(folder_ / "x", std::string_view("12345"));
  EXPECT_THAT(error_of([&] { read_file(folder_ / "x", 4); }), HasSubstr("5 bytes"));
  EXPECT_EQ(read_file(folder_ / "x", 5).size(), 5u);
}

TEST_F(File, FailedWriteLeavesTheOldFileAndNothingElse) {
  write_file(folder_ / "x", std::string_view("old"));
  // A limit on the size of files fails a write in its middle, as a full disk does.
  rlimit old{};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &old), 0);
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  const rlimit small{1000, old.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &small), 0);
  const std::string error = error_of([&] { write_file(folder_ / "x", std::string(5000, 'n')); });
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &old), 0);
  std::signal(SIGXFSZ, handler);
  EXPECT_THAT(error, HasSubstr("x: cannot write: File too large"));
  EXPECT_EQ(read_text_file(folder_ / "x"), "old");
  EXPECT_EQ(entries(), 1u);
}

TEST_F(File, UnwritablePlacesAreErrors) {
  write_file(folder_ / "x", std::string_view("t"));
  EXPECT_THAT(error_of([&] { write_file(folder_ / "x" / "y", std::string_view("t")); }),
              HasSubstr("Not a directory"));
  EXPECT_THAT(error_of([&] { write_file(folder_ / "none" / "y", std::string_view("t")); }),
              HasSubstr("No such file"));
  EXPECT_THAT(error_of([&] { make_folder(folder_ / "x" / "y"); }),
              HasSubstr("cannot create the folder"));
  EXPECT_THAT(error_of([&] { make_folder(folder_ / "x"); }), HasSubstr("folder"));
  if (::geteuid() != 0) {
    fs::permissions(folder_.path(), fs::perms::owner_read | fs::perms::owner_exec);
    EXPECT_THAT(error_of([&] { write_file(folder_ / "z", std::string_view("t")); }),
                HasSubstr("Permission denied"));
    fs::permissions(folder_.path(), fs::perms::owner_all);
  }
}

TEST_F(File, NeverReplacesADeviceOrAFolder) {
  EXPECT_THAT(error_of([&] { write_file("/dev/full", std::string_view("t")); }),
              HasSubstr("not a regular file"));
  EXPECT_TRUE(fs::is_character_file("/dev/full"));
  EXPECT_THAT(error_of([&] { write_file(folder_.path(), std::string_view("t")); }),
              HasSubstr("not a regular file"));
}

TEST_F(File, MakeFolderMakesParentsAndIsIdempotent) {
  make_folder(folder_ / "a" / "b" / "c");
  make_folder(folder_ / "a" / "b" / "c");
  EXPECT_TRUE(fs::is_directory(folder_ / "a" / "b" / "c"));
}

}  // namespace
}  // namespace flatenn
