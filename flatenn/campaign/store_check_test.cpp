#include "flatenn/campaign/store_check.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "flatenn/base/error.h"
#include "flatenn/base/file.h"
#include "flatenn/base/testing.h"
#include "flatenn/campaign/sqlite.h"
#include "flatenn/campaign/testing.h"

namespace flatenn {
namespace {

using testing::Contains;
using testing::Each;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

class StoreCheckTest : public testing::Test {
 protected:
  StoreCheckTest() {
    Store store = Store::open(path_);
    std::vector<Trial> trials;
    for (std::uint64_t map = 0; map < 200; ++map) {
      trials.push_back(example_trial(FaultKind::flip, 0.01, map));
    }
    trials[5] = without_images(trials[5]);
    store.append(store.add_subject(example_subject()), trials);
  }
  /// What check says after `sql`, which no constraint hinders; the store stays as the SQL left it.
  std::vector<std::string> problems_after(const char* sql) const {
    {
      sqlite::Database database(path_.string(), sqlite::Access::create);
      database.execute("PRAGMA ignore_check_constraints = 1");
      database.execute(sql);
    }
    const auto before = read_file(path_);
    const StoreReport report = check_store(path_);
    EXPECT_EQ(read_file(path_), before);
    return report.problems;
  }

  TemporaryFolder folder_;
  std::filesystem::path path_ = folder_ / "faults.db";
};

TEST_F(StoreCheckTest, ASoundStoreHasNoProblems) {
  const StoreReport report = check_store(path_);
  EXPECT_THAT(report.problems, IsEmpty());
  EXPECT_EQ(report.subjects, 1u);
  EXPECT_EQ(report.trials, 200u);
  EXPECT_EQ(report.per_image, 199u);
  EXPECT_FALSE(std::filesystem::exists(path_.string() + "-wal"));
}

TEST_F(StoreCheckTest, MoreRightThanImages) {
  EXPECT_THAT(problems_after("UPDATE trial SET correct = 101, per_image = NULL WHERE map = 3"),
              ElementsAre("subject 'standard', flip at rate 0.01, map 3: 101 of 100 images right"));
}

TEST_F(StoreCheckTest, UnknownKind) {
  EXPECT_THAT(problems_after("UPDATE trial SET kind = 'flop' WHERE map = 3"),
              ElementsAre(HasSubstr("subject 'standard', rate 0.01, map 3: unknown fault kind")));
}

TEST_F(StoreCheckTest, RateOutsideItsRange) {
  EXPECT_THAT(problems_after("UPDATE trial SET rate = 1.5 WHERE map = 3"),
              Contains(HasSubstr("flip at rate 1.5, map 3: the rate is outside [0, 1]")));
}

TEST_F(StoreCheckTest, KeyThatIsNotItsSubjects) {
  EXPECT_THAT(problems_after("UPDATE subject SET seed = 4"),
              ElementsAre("subject 'standard': the key is not its own"));
}

TEST_F(StoreCheckTest, PerImageResultsThatDoNotAddUp) {
  EXPECT_THAT(
      problems_after("UPDATE trial SET per_image = x'00' WHERE map = 3"),
      ElementsAre(HasSubstr("map 3: 1 bytes of per-image results, but 100 images need 13")));
  EXPECT_THAT(problems_after("UPDATE trial SET per_image = zeroblob(13) WHERE map = 3"),
              ElementsAre(HasSubstr("map 3: 0 images right one by one, but")));
  EXPECT_THAT(problems_after("UPDATE trial SET correct = 1, answers_changed = 89, per_image = "
                             "x'00000000000000000000000010' WHERE map = 3"),
              ElementsAre(HasSubstr("map 3: per-image results go on after the last image")));
}

TEST_F(StoreCheckTest, CountsThatContradictEachOther) {
  EXPECT_THAT(problems_after("UPDATE trial SET faulty_bits = 4001 WHERE map = 3"),
              ElementsAre(HasSubstr("map 3: 4001 faulty bits, but 4000 exposed")));
  EXPECT_THAT(problems_after("UPDATE trial SET faulty_bits = 1, changed_bits = 2 WHERE map = 3"),
              Contains(HasSubstr("map 3: 2 bits changed, but 1 faulty")));
  EXPECT_THAT(problems_after("UPDATE trial SET changed_bits = 0, answers_changed = 101 "
                             "WHERE map = 3"),
              ElementsAre(HasSubstr("map 3: 101 of 100 answers changed")));
  EXPECT_THAT(problems_after("UPDATE trial SET answers_changed = 1 WHERE map = 3"),
              ElementsAre(HasSubstr("90 without faults, but only 1 answers changed")));
}

TEST_F(StoreCheckTest, SubjectsThatCannotBe) {
  EXPECT_THAT(problems_after("UPDATE subject SET float_accuracy = 1e999"),
              ElementsAre("subject 'standard': the float accuracy is above 100 %"));
  EXPECT_THAT(problems_after("UPDATE subject SET float_accuracy = 1, clean_correct = 101"),
              Contains("subject 'standard': 101 of 100 images right without faults"));
}

TEST_F(StoreCheckTest, TrialsWithoutASubject) {
  EXPECT_THAT(problems_after("UPDATE trial SET subject = 9 WHERE map < 3"),
              ElementsAre("3 trials of a subject that is not there"));
}

TEST_F(StoreCheckTest, TablesOfAnotherMaking) {
  EXPECT_THAT(problems_after("CREATE TRIGGER t AFTER INSERT ON trial BEGIN SELECT 1; END"),
              ElementsAre("'t' does not belong into a store"));
  EXPECT_THAT(problems_after("DROP TRIGGER t; ALTER TABLE trial ADD COLUMN more ANY"),
              ElementsAre("table trial is another than this version makes"));
  EXPECT_THAT(problems_after("DROP TABLE trial"), Contains("a table is missing"));
}

TEST_F(StoreCheckTest, ManyProblemsAreCounted) {
  ASSERT_THAT(problems_after("UPDATE trial SET kind = 'flop'"), SizeIs(kMaxStoreProblems));
  EXPECT_EQ(check_store(path_).more, 200 - kMaxStoreProblems);
}

TEST_F(StoreCheckTest, DamagedPagesAreProblemsAndStay) {
  const auto size = std::filesystem::file_size(path_);
  std::fstream file(path_, std::ios::in | std::ios::out | std::ios::binary);
  file.seekp(static_cast<std::streamoff>(size - 4096));
  file << std::string(600, '\x5a');
  file.close();
  const auto before = read_file(path_);
  EXPECT_FALSE(check_store(path_).problems.empty());
  std::filesystem::resize_file(path_, 6000);
  const std::vector<std::string> problems = check_store(path_).problems;
  EXPECT_FALSE(problems.empty());
  EXPECT_THAT(problems, Each(testing::Not(HasSubstr("\n"))));
}

TEST_F(StoreCheckTest, WhatIsNoStoreIsAnError) {
  EXPECT_THROW(check_store(folder_ / "none.db"), Error);
  write_file(path_, std::string_view("a letter"));
  EXPECT_THROW(check_store(path_), Error);
}

}  // namespace
}  // namespace flatenn
