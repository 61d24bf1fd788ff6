#include "flatenn/campaign/store_format.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>
#include <sys/stat.h>

#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include "flatenn/base/error.h"
#include "flatenn/base/file.h"
#include "flatenn/base/testing.h"
#include "flatenn/campaign/testing.h"

namespace flatenn::store_format {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;

/// A number of the header of a SQLite file, most significant byte first (SQLite file format 1.3).
void put(std::string& header, std::size_t offset, std::uint32_t value) {
  for (std::size_t i = 0; i < 4; ++i) header[offset + i] = static_cast<char>(value >> (24 - 8 * i));
}

/// The first 100 bytes of a store.
std::string header(std::uint32_t version = 2, std::uint32_t application = 0x464c454e) {
  std::string bytes(100, '\0');
  bytes.replace(0, 15, "SQLite format 3");
  put(bytes, 60, version);
  put(bytes, 68, application);
  return bytes;
}

class StoreHeader : public testing::Test {
 protected:
  /// "store", "nothing" or the Error line, for a file of these bytes, which stay as they are.
  std::string verdict(const std::string& bytes) const {
    write_file(path_, bytes);
    const std::string result = verdict();
    EXPECT_EQ(read_text_file(path_), bytes);
    return result;
  }
  std::string verdict() const {
    try {
      return check_header(path_) ? "store" : "nothing";
    } catch (const Error& error) {
      return error.what();
    }
  }

  TemporaryFolder folder_;
  std::filesystem::path path_ = folder_ / "a.db";
};

TEST_F(StoreHeader, TellsAStoreFromNothing) {
  EXPECT_EQ(verdict(), "nothing");
  EXPECT_EQ(verdict(""), "nothing");
  EXPECT_EQ(verdict(header()), "store");
  EXPECT_EQ(verdict(header() + "more"), "store");
}

TEST_F(StoreHeader, ForeignAndShortFilesAreRefused) {
  const std::string foreign =
      path_.string() + ": not a store of fault campaigns (not a SQLite database)";
  EXPECT_EQ(verdict(std::string(5000, 'x')), foreign);
  EXPECT_EQ(verdict(std::string(100, '\0')), foreign);
  EXPECT_EQ(verdict("SQLite format 2" + header().substr(15)), foreign);
  for (const std::size_t length : {1, 15, 16, 60, 72, 99}) {
    EXPECT_EQ(verdict(header().substr(0, length)), foreign) << length << " bytes";
  }
}

TEST_F(StoreHeader, AnotherApplicationIsRefusedBeforeItsVersion) {
  const std::string other =
      path_.string() + ": a SQLite database, but not a store of fault campaigns";
  for (const std::uint32_t application : {0u, 0x4e454c46u, 0x464c454fu, 0xc64c454eu, ~0u}) {
    EXPECT_EQ(verdict(header(2, application)), other) << application;
    EXPECT_EQ(verdict(header(9, application)), other) << application;
  }
}

TEST_F(StoreHeader, OtherVersionsSayWhatToDo) {
  const std::string start = path_.string() + ": store version ";
  EXPECT_EQ(verdict(header(1)),
            start + "1, but this program reads version 2; use an older flatenn or use a new store");
  EXPECT_THAT(verdict(header(0)), StartsWith(start + "0, "));
  EXPECT_EQ(verdict(header(3)),
            start + "3, but this program reads version 2; upgrade flatenn or use a new store");
  EXPECT_EQ(
      verdict(header(0x02000000)),
      start + "33554432, but this program reads version 2; upgrade flatenn or use a new store");
  EXPECT_THAT(verdict(header(~0u)), StartsWith(start + "4294967295, "));
}

TEST_F(StoreHeader, WhatIsNoFileIsRefusedWithoutWaiting) {
  make_folder(path_);
  EXPECT_EQ(verdict(), path_.string() + ": not a file");
  path_ = folder_ / "pipe";
  ASSERT_EQ(::mkfifo(path_.c_str(), 0600), 0);
  EXPECT_EQ(verdict(), path_.string() + ": not a file");
}

TEST_F(StoreHeader, RequiringAStoreRefusesNothingToo) {
  const auto no_store =
      testing::ThrowsMessage<Error>(StartsWith(path_.string() + ": no such store; "));
  EXPECT_THAT([&] { require_store(path_); }, no_store);
  write_file(path_, std::string_view(""));
  EXPECT_THAT([&] { require_store(path_); }, no_store);
  write_file(path_, header(1));
  EXPECT_THAT([&] { require_store(path_); },
              testing::ThrowsMessage<Error>(HasSubstr("store version 1, ")));
  write_file(path_, header());
  EXPECT_NO_THROW(require_store(path_));
}

class StoreRows : public testing::Test {
 protected:
  StoreRows() {
    database_.execute("PRAGMA synchronous = OFF");  // nobody pulls the plug
    create_tables(database_);
  }

  std::int64_t add(const Subject& subject) {
    sqlite::Statement statement(database_, insert_subject());
    bind_subject(statement, subject);
    EXPECT_FALSE(statement.step());
    return database_.integer("SELECT last_insert_rowid()");
  }
  std::vector<SubjectRow> subjects(std::string_view rest = "ORDER BY id") {
    sqlite::Statement statement(database_, select_subjects(rest));
    std::vector<SubjectRow> rows;
    while (statement.step()) rows.push_back(read_subject(statement));
    return rows;
  }
  void add(std::int64_t subject, const Trial& trial, std::int64_t written_at = 1) {
    sqlite::Statement statement(database_, insert_trial());
    bind_trial(statement, subject, trial, written_at);
    EXPECT_FALSE(statement.step());
  }
  std::vector<Trial> trials(Answers answers, std::string_view rest = "ORDER BY map") {
    sqlite::Statement statement(database_, select_trials(answers, rest));
    std::vector<Trial> rows;
    while (statement.step()) rows.push_back(read_trial(statement, answers));
    return rows;
  }

  TemporaryFolder folder_;
  std::filesystem::path path_ = folder_ / "a.db";
  sqlite::Database database_{path_.string(), sqlite::Access::create};
};

TEST_F(StoreRows, NewTablesHaveTheHeaderOfAStore) {
  EXPECT_TRUE(check_header(path_));
  const std::string bytes = read_text_file(path_);
  EXPECT_EQ(bytes.substr(68, 4), "FLEN");
  EXPECT_EQ(bytes.substr(60, 4), std::string("\0\0\0\2", 4));
  sqlite::Statement statement(database_,
                              "SELECT sql FROM sqlite_schema WHERE sql <> '' ORDER BY name");
  std::vector<std::string> tables;
  while (statement.step()) tables.push_back(statement.text(0));
  EXPECT_THAT(tables, ElementsAre(kSubjectTable, kTrialTable));
}

TEST_F(StoreRows, TablesThatCannotAllBeMadeLeaveNoneAndNoHeader) {
  const std::string path = (folder_ / "half.db").string();
  sqlite::Database half(path, sqlite::Access::create);
  half.execute("CREATE TABLE trial (x)");
  EXPECT_THROW(create_tables(half), Error);
  EXPECT_EQ(half.integer("SELECT count(*) FROM sqlite_schema"), 1);
  EXPECT_THROW(check_header(path), Error);
}

TEST_F(StoreRows, EveryFieldOfASubjectComesBack) {
  // No two fields alike, so that none can stand for another.
  Subject subject;
  subject.label = "l\xc3\xa4 'b'";
  subject.model_hash = "model";
  subject.data_hash = "data";
  subject.dataset = "set";
  subject.split = "validation";
  subject.exposure = "conv1.*, !fc";
  subject.source = "burst 4";
  subject.layout = "a 3x2";
  subject.images = 1000;
  subject.memory_bits = 800;
  subject.exposed_bits = 700;
  subject.seed = ~std::uint64_t{0} - 5;
  subject.float_accuracy = 0.1 + 0.2;
  subject.sparsity = -1;
  subject.clean_correct = 900;
  const std::int64_t first = add(subject);
  Subject plain;
  plain.images = 1;
  const std::int64_t second = add(plain);
  const std::vector<SubjectRow> rows = subjects();
  ASSERT_EQ(rows.size(), 2u);
  EXPECT_EQ(rows[0].id, first);
  EXPECT_EQ(rows[0].key, subject.key());
  EXPECT_EQ(rows[0].subject, subject);
  EXPECT_EQ(rows[1].id, second);
  EXPECT_EQ(rows[1].subject, plain);
  EXPECT_EQ(database_.integer("SELECT images FROM subject WHERE label LIKE 'l%'"), 1000);
}

TEST_F(StoreRows, AKeyThatIsThereStaysAsItIs) {
  add(example_subject());
  Subject again = example_subject();
  again.label = "again";
  add(again);
  EXPECT_EQ(database_.changed_rows(), 0);
  const std::vector<SubjectRow> rows = subjects();
  ASSERT_EQ(rows.size(), 1u);
  EXPECT_EQ(rows[0].subject, example_subject());
  EXPECT_EQ(rows[0].key, again.key());
}

TEST_F(StoreRows, ImpossibleSubjectsAreRefused) {
  const auto refused = [&](auto change) {
    Subject subject = example_subject();
    change(subject);
    EXPECT_THROW(add(subject), Error);
    return subjects().empty();
  };
  EXPECT_TRUE(refused([](Subject& s) { s.images = s.clean_correct = 0; }));
  EXPECT_TRUE(refused([](Subject& s) { s.clean_correct = s.images + 1; }));
  EXPECT_TRUE(refused([](Subject& s) { s.exposed_bits = s.memory_bits + 1; }));
  EXPECT_TRUE(refused([](Subject& s) { s.memory_bits = ~std::uint64_t{0}; }));
  EXPECT_TRUE(refused([](Subject& s) { s.float_accuracy = std::nan(""); }));
}

TEST_F(StoreRows, TrialsComeBackWithAndWithoutAnswers) {
  const std::int64_t subject = add(example_subject());
  const Trial full{FaultKind::stuck0, 0.1 + 0.2, 1, 11, 13, 12, 17, {0x80, 0, 0xff}};
  const Trial bare{FaultKind::flip, 0, 2, 21, 23, 22, 27};
  add(subject, full, 1234567890123);
  add(subject, bare);
  EXPECT_THAT(trials(Answers::load), ElementsAre(full, bare));
  EXPECT_THAT(trials(Answers::skip), ElementsAre(without_images(full), bare));
  EXPECT_EQ(database_.integer("SELECT written_at FROM trial WHERE map = 1"), 1234567890123);
  EXPECT_EQ(database_.integer("SELECT subject FROM trial WHERE map = 1"), subject);
  EXPECT_EQ(database_.integer("SELECT per_image IS NULL FROM trial WHERE map = 2"), 1);
}

TEST_F(StoreRows, ATrialThatIsThereStaysAndItsKeyFindsItAlone) {
  const std::int64_t subject = add(example_subject());
  const std::int64_t other = add(example_subject("other"));
  const Trial trial{FaultKind::stuck, 0.01, ~std::uint64_t{0}, 50, 40, 30, 20};
  Trial changed = trial;
  changed.correct = 51;
  add(subject, trial);
  add(subject, changed);
  EXPECT_EQ(database_.changed_rows(), 0);
  // Neighbours that differ in one part of the key.
  add(other, {FaultKind::stuck, 0.01, ~std::uint64_t{0}, 1, 1, 1});
  add(subject, {FaultKind::stuck0, 0.01, ~std::uint64_t{0}, 2, 1, 1});
  add(subject, {FaultKind::stuck, std::nextafter(0.01, 1), ~std::uint64_t{0}, 3, 1, 1});
  add(subject, {FaultKind::stuck, 0.01, 0, 4, 1, 1});
  EXPECT_EQ(database_.integer("SELECT count(*) FROM trial"), 5);

  sqlite::Statement found(
      database_,
      select_trials(Answers::load, "WHERE subject = ? AND kind = ? AND rate = ? AND map = ?"));
  bind_trial_key(found, subject, trial);
  ASSERT_TRUE(found.step());
  EXPECT_EQ(read_trial(found, Answers::load), trial);
  EXPECT_FALSE(found.step());
}

TEST_F(StoreRows, ImpossibleTrialsAreRefused) {
  const std::int64_t subject = add(example_subject());
  for (const Trial& trial :
       {Trial{FaultKind::flip, 1.5, 0, 1, 1, 1}, Trial{FaultKind::flip, -0.1, 0, 1, 1, 1},
        Trial{FaultKind::flip, std::nan(""), 0, 1, 1, 1},
        Trial{FaultKind::flip, 0.1, 0, ~std::uint64_t{0}, 1, 1},
        Trial{FaultKind::flip, 0.1, 0, 1, 1, 2}}) {
    EXPECT_THROW(add(subject, trial), Error) << trial_name(trial) << ": " << trial_result(trial);
  }
  EXPECT_EQ(database_.integer("SELECT count(*) FROM trial"), 0);
}

TEST_F(StoreRows, AnUnknownKindIsAnError) {
  add(add(example_subject()), {FaultKind::flip, 0.1, 0, 1, 1, 1});
  database_.execute("UPDATE trial SET kind = 'melt'");
  EXPECT_THAT([&] { trials(Answers::skip); }, testing::ThrowsMessage<Error>(HasSubstr("melt")));
}

RC_GTEST_FIXTURE_PROP(StoreRows, AnyTrialComesBack, ()) {
  Trial trial;
  trial.kind =
      *rc::gen::element(FaultKind::flip, FaultKind::stuck0, FaultKind::stuck1, FaultKind::stuck);
  trial.rate = *rc::gen::inRange(0, 1 << 30) / 1073741824.0;
  trial.map = *rc::gen::arbitrary<std::uint64_t>();
  trial.correct = *rc::gen::inRange<std::uint64_t>(0, std::uint64_t{1} << 62);
  trial.faulty_bits = *rc::gen::inRange<std::uint64_t>(0, std::uint64_t{1} << 62);
  trial.changed_bits = *rc::gen::inRange<std::uint64_t>(0, trial.faulty_bits + 1);
  trial.answers_changed = *rc::gen::inRange<std::uint64_t>(0, std::uint64_t{1} << 62);
  trial.right = *rc::gen::arbitrary<std::vector<std::uint8_t>>();
  add(add(example_subject()), trial);
  RC_ASSERT(trials(Answers::load) == std::vector{trial});
}

}  // namespace
}  // namespace flatenn::store_format
