#include "flatenn/campaign/store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <fstream>

#include "flatenn/base/error.h"
#include "flatenn/base/file.h"
#include "flatenn/base/testing.h"
#include "flatenn/campaign/sqlite.h"
#include "flatenn/campaign/testing.h"

namespace flatenn {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class StoreTest : public testing::Test {
 protected:
  /// The Error line of opening the store, to write or to read.
  std::string open_error(bool write = true) const {
    try {
      write ? Store::open(path_) : Store::open_read_only(path_);
    } catch (const Error& error) {
      return error.what();
    }
    return "no error";
  }
  std::vector<std::byte> bytes() const { return read_file(path_); }
  /// A store with one subject and 200 trials.
  void fill() const {
    Store store = Store::open(path_);
    std::vector<Trial> trials;
    for (std::uint64_t map = 0; map < 200; ++map) {
      trials.push_back({FaultKind::flip, 0.01, map, map % 100, 40, 40});
    }
    store.append(store.add_subject(example_subject()), trials);
  }
  void overwrite(std::uint64_t offset, const std::string& text) const {
    std::fstream file(path_, std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(static_cast<std::streamoff>(offset));
    file << text;
  }

  TemporaryFolder folder_;
  std::filesystem::path path_ = folder_ / "faults.db";
};

TEST_F(StoreTest, KeepsSubjectsAndTrialsInCanonicalOrder) {
  const Trial late{FaultKind::stuck1, 0.001, 0, 5, 4, 2};
  const Trial first{FaultKind::flip, 0.001, 7, 50, 4, 4, 41};
  const Trial second{FaultKind::flip, 0.1, 3, 20, 400, 400};
  {
    Store store = Store::open(path_);
    const std::int64_t other = store.add_subject(example_subject("other"));
    const std::int64_t id = store.add_subject(example_subject());
    EXPECT_EQ(store.add_subject(example_subject()), id);
    store.append(other, {late});
    store.append(id, {late, second});
    store.append(id, {first});
  }
  const Store store = Store::open_read_only(path_);
  EXPECT_THAT(store.subjects(), ElementsAre(example_subject("other"), example_subject()));
  EXPECT_THAT(store.trials(example_subject().key()), ElementsAre(first, second, late));
  EXPECT_THAT(store.trials("unknown"), ElementsAre());
  EXPECT_EQ(store.find_subject(example_subject().key()), example_subject());
  EXPECT_EQ(store.find_subject("unknown"), std::nullopt);
}

TEST_F(StoreTest, KeyFollowsWhatDeterminesTrialsAndNothingElse) {
  const std::string key = example_subject().key();
  Subject same = example_subject();
  same.label = "x", same.dataset = "x", same.split = "x";
  same.clean_correct = 1, same.float_accuracy = 1, same.sparsity = 1;
  EXPECT_EQ(same.key(), key);
  const auto differs = [&](auto change) {
    Subject other = example_subject();
    change(other);
    return other.key() != key;
  };
  EXPECT_TRUE(differs([](Subject& s) { s.model_hash = "x"; }));
  EXPECT_TRUE(differs([](Subject& s) { s.data_hash = "x"; }));
  EXPECT_TRUE(differs([](Subject& s) { s.exposure = "conv1.*"; }));
  EXPECT_TRUE(differs([](Subject& s) { s.source = "burst 4"; }));
  EXPECT_TRUE(differs([](Subject& s) { s.images = 1; }));
  EXPECT_TRUE(differs([](Subject& s) { s.memory_bits = 1; }));
  EXPECT_TRUE(differs([](Subject& s) { s.exposed_bits = 1; }));
  EXPECT_TRUE(differs([](Subject& s) { s.seed = 1; }));
  // Text may not wander from one field to the next.
  Subject left = example_subject();
  Subject right = example_subject();
  left.exposure = "a", left.source = "b";
  right.exposure = "ab";
  EXPECT_NE(left.key(), right.key());
}

TEST_F(StoreTest, EqualTrialsAreIgnoredConflictingOnesAddNothing) {
  Store store = Store::open(path_);
  const std::int64_t id = store.add_subject(example_subject());
  const Trial trial{FaultKind::flip, 0.01, 1, 50, 40, 40};
  store.append(id, {trial, trial});
  store.append(id, {trial});
  Trial conflict = trial;
  conflict.correct = 51;
  Trial fresh = trial;
  fresh.map = 2;
  try {
    store.append(id, {fresh, conflict});
    FAIL();
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("flip at rate 0.01, map 1 is stored with another result"));
  }
  EXPECT_THAT(store.trials(example_subject().key()), ElementsAre(trial));
}

TEST_F(StoreTest, AnotherNumberOfChangedAnswersIsAConflict) {
  Store store = Store::open(path_);
  const std::int64_t id = store.add_subject(example_subject());
  const Trial trial{FaultKind::flip, 0.01, 1, 50, 40, 40, 41};
  Trial conflict = trial;
  conflict.answers_changed = 42;
  EXPECT_EQ(store.append(id, {trial, trial}), 1u);
  try {
    store.append(id, {conflict});
    FAIL();
  } catch (const TrialConflict& error) {
    EXPECT_EQ(error.stored, trial);
    EXPECT_EQ(error.offered, conflict);
    EXPECT_THAT(error.what(), HasSubstr("41 answers changed; now 50 correct"));
  }
}

TEST_F(StoreTest, PerImageResultsJoinARowWithoutThemAndStay) {
  Store store = Store::open(path_);
  const std::int64_t id = store.add_subject(example_subject());
  const std::string key = example_subject().key();
  const Trial bare{FaultKind::flip, 0.01, 1, 2, 40, 40};
  Trial full = bare;
  full.right = {0x81, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0};
  store.append(id, {bare});
  EXPECT_EQ(store.append(id, {full}), 0u);
  EXPECT_EQ(store.append(id, {bare}), 0u);
  EXPECT_THAT(store.trials(key), ElementsAre(bare));
  EXPECT_THAT(store.trials(key, Answers::load), ElementsAre(full));
  EXPECT_EQ(store.find_trial(key, bare), full);
  Trial other = full;
  other.right[0] = 0x82;
  EXPECT_THROW(store.append(id, {other}), TrialConflict);
  EXPECT_THAT(store.trials(key, Answers::load), ElementsAre(full));
}

TEST_F(StoreTest, AllOrNothingTakesBackWhatWasAppended) {
  Store store = Store::open(path_);
  const std::int64_t id = store.add_subject(example_subject());
  const auto add = [&](std::uint64_t map) {
    store.append(id, {{FaultKind::flip, 0.01, map, 50, 40, 40}});
  };
  store.all_or_nothing([&] { add(0); });
  EXPECT_THROW(store.all_or_nothing([&] {
    add(1);
    store.add_subject(example_subject("other"));
    fail("broken");
  }),
               Error);
  EXPECT_EQ(store.trials(example_subject().key()).size(), 1u);
  EXPECT_EQ(store.subjects().size(), 1u);
  add(2);
  EXPECT_EQ(store.trials(example_subject().key()).size(), 2u);
}

TEST_F(StoreTest, VisitsInCanonicalOrderWithLargeMapsLast) {
  Store store = Store::open(path_);
  const std::int64_t id = store.add_subject(example_subject());
  const std::vector<Trial> trials = {{FaultKind::flip, 0.01, 7, 1, 4, 4},
                                     {FaultKind::flip, 0.01, ~std::uint64_t{0}, 1, 4, 4},
                                     {FaultKind::flip, 0.1, 0, 1, 4, 4},
                                     {FaultKind::stuck, 0.01, 0, 1, 4, 4},
                                     {FaultKind::stuck0, 0.01, 0, 1, 4, 4}};
  store.append(id, {trials.rbegin(), trials.rend()});
  std::vector<Trial> visited;
  store.visit_trials(example_subject().key(), Answers::skip,
                     [&](const Trial& trial) { visited.push_back(trial); });
  EXPECT_EQ(visited, trials);
  EXPECT_EQ(store.trials(example_subject().key()).back(), trials[3]);
}

TEST_F(StoreTest, RowsSayWhenTheyWereWritten) {
  const auto now = [] {
    return std::chrono::duration_cast<std::chrono::milliseconds>(
               std::chrono::system_clock::now().time_since_epoch())
        .count();
  };
  const std::int64_t before = now();
  fill();
  const std::int64_t after = now();
  sqlite::Database database(path_.string(), sqlite::Access::read);
  EXPECT_GE(database.integer("SELECT min(written_at) FROM trial"), before);
  EXPECT_LE(database.integer("SELECT max(written_at) FROM trial"), after);
}

TEST_F(StoreTest, AKeyThatIsNotItsSubjectsIsDamage) {
  fill();
  sqlite::Database(path_.string(), sqlite::Access::create)
      .execute("UPDATE subject SET key = 'another'");
  const Store store = Store::open_read_only(path_);
  EXPECT_THROW(store.subjects(), Error);
  EXPECT_THROW(store.find_subject("another"), Error);
}

TEST_F(StoreTest, MergedSubjectsDoNotDependOnTheOrder) {
  Subject first = example_subject();
  Subject second = example_subject();
  first.label = "b", first.dataset = "a", first.float_accuracy = -1, first.sparsity = 3;
  second.label = "a", second.dataset = "b", second.split = "\xc3\xa4";
  Subject merged = second;
  merged.dataset = "a", merged.split = "test";
  for (const bool swapped : {false, true}) {
    std::filesystem::remove(path_);
    Store store = Store::open(path_);
    const std::int64_t id = store.merge_subject(swapped ? second : first);
    EXPECT_EQ(store.merge_subject(swapped ? first : second), id);
    EXPECT_THAT(store.subjects(), ElementsAre(merged));
  }
}

TEST_F(StoreTest, ASubjectWithAnotherCleanCountIsAnError) {
  Store store = Store::open(path_);
  store.add_subject(example_subject());
  Subject changed = example_subject();
  changed.clean_correct = 91;
  EXPECT_THROW(store.add_subject(changed), Error);
}

TEST_F(StoreTest, OneWriterButReadersAnyTime) {
  Store writer = Store::open(path_);
  const std::int64_t id = writer.add_subject(example_subject());
  EXPECT_THAT(open_error(), HasSubstr("another program is writing this store"));
  const Store reader = Store::open_read_only(path_);
  writer.append(id, {{FaultKind::flip, 0.01, 1, 50, 40, 40}});
  EXPECT_EQ(reader.trials(example_subject().key()).size(), 1u);
}

TEST_F(StoreTest, NothingStaysBesideAClosedStore) {
  fill();
  { Store::open_read_only(path_); }
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(folder_.path())) {
    names.push_back(entry.path().filename());
  }
  EXPECT_THAT(names, ElementsAre("faults.db"));
}

TEST_F(StoreTest, SurvivesAKilledWriter) {
  const pid_t child = fork();
  if (child == 0) {
    Store store = Store::open(path_);
    store.append(store.add_subject(example_subject()), {{FaultKind::flip, 0.01, 1, 50, 40, 40}});
    kill(getpid(), SIGKILL);
  }
  int status = 0;
  waitpid(child, &status, 0);
  ASSERT_TRUE(WIFSIGNALED(status));
  EXPECT_EQ(Store::open(path_).trials(example_subject().key()).size(), 1u);
}

TEST_F(StoreTest, ReadsFromAFolderThatCannotBeWritten) {
  fill();
  if (geteuid() == 0) {
    // Permissions do not bind root; an immutable read is what such a folder gets.
    sqlite::Database database(path_.string(), sqlite::Access::read);
    EXPECT_EQ(database.integer("SELECT count(*) FROM trial"), 200);
    EXPECT_THROW(database.execute("DELETE FROM trial"), Error);
    return;
  }
  std::filesystem::permissions(
      folder_.path(), std::filesystem::perms::owner_read | std::filesystem::perms::owner_exec);
  EXPECT_EQ(Store::open_read_only(path_).trials(example_subject().key()).size(), 200u);
  std::filesystem::permissions(folder_.path(), std::filesystem::perms::owner_all);
}

TEST_F(StoreTest, AMissingStoreIsAnErrorForReading) {
  EXPECT_THAT(open_error(false), HasSubstr("no such store"));
  EXPECT_FALSE(std::filesystem::exists(path_));
}

TEST_F(StoreTest, AFolderOrAForeignFileIsNamedAndUntouched) {
  std::ofstream(path_) << std::string(5000, 'x');
  const auto before = bytes();
  EXPECT_THAT(open_error(), HasSubstr("not a SQLite database"));
  EXPECT_THAT(open_error(false), HasSubstr("not a SQLite database"));
  EXPECT_EQ(bytes(), before);
  std::filesystem::remove(path_);
  make_folder(path_);
  EXPECT_THAT(open_error(), HasSubstr("not a file"));
}

TEST_F(StoreTest, MakesItsFolderOrNamesTheStoreThatCannotBe) {
  path_ = folder_ / "new" / "faults.db";
  EXPECT_EQ(open_error(), "no error");
  path_ = folder_ / "new" / "faults.db" / "x.db";
  EXPECT_THAT(open_error(), HasSubstr(path_.string()));
}

TEST_F(StoreTest, AnotherDatabaseIsNotAStore) {
  sqlite::Database(path_.string(), sqlite::Access::create).execute("CREATE TABLE x (y)");
  const auto before = bytes();
  EXPECT_THAT(open_error(), HasSubstr("not a store of fault campaigns"));
  EXPECT_EQ(bytes(), before);
}

TEST_F(StoreTest, AnotherVersionIsNamedAndUntouched) {
  fill();
  overwrite(60, std::string("\0\0\0\x09", 4));
  const auto before = bytes();
  EXPECT_THAT(open_error(),
              HasSubstr("store version 9, but this program reads version 2; upgrade flatenn"));
  EXPECT_EQ(bytes(), before);
  overwrite(60, std::string("\0\0\0\x01", 4));
  EXPECT_THAT(open_error(), HasSubstr("store version 1, but this program reads version 2"));
  EXPECT_THAT(open_error(false), HasSubstr("store version 1"));
}

TEST_F(StoreTest, ATruncatedFileIsDamagedAndUntouched) {
  fill();
  std::filesystem::resize_file(path_, 6000);
  const auto before = bytes();
  EXPECT_THAT(open_error(), HasSubstr("damaged"));
  EXPECT_THAT(open_error(false), HasSubstr("damaged"));
  EXPECT_EQ(bytes(), before);
  std::filesystem::resize_file(path_, 50);
  EXPECT_THAT(open_error(), HasSubstr("not a store"));
}

TEST_F(StoreTest, AnOverwrittenPageIsDamagedAndUntouched) {
  fill();
  overwrite(std::filesystem::file_size(path_) - 4096, std::string(600, '\x5a'));
  const auto before = bytes();
  EXPECT_THAT(open_error(), HasSubstr("damaged"));
  EXPECT_EQ(bytes(), before);
}

}  // namespace
}  // namespace flatenn
