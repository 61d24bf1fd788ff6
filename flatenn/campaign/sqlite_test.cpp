#include "flatenn/campaign/sqlite.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <limits>

#include "flatenn/base/error.h"
#include "flatenn/base/file.h"
#include "flatenn/base/testing.h"

namespace flatenn::sqlite {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;

class SqliteTest : public testing::Test {
 protected:
  Database open(Access access = Access::create) const { return {path_, access}; }

  /// The Error line of `action`.
  template <class Action>
  static std::string error_of(Action&& action) {
    try {
      action();
    } catch (const Error& error) {
      return error.what();
    }
    return "no error";
  }
  static std::vector<std::int64_t> numbers(Database& database) {
    Statement statement(database, "SELECT x FROM t ORDER BY x");
    std::vector<std::int64_t> all;
    while (statement.step()) all.push_back(statement.integer(0));
    return all;
  }
  static void insert(Database& database, std::int64_t x) {
    Statement statement(database, "INSERT INTO t VALUES (?)");
    statement.bind(0, x);
    EXPECT_FALSE(statement.step());
  }

  TemporaryFolder folder_;
  std::string path_ = (folder_ / "a.db").string();
};

TEST_F(SqliteTest, ValuesComeBackAsTheyWereBound) {
  Database database = open();
  Statement statement(database, "SELECT ?, ?, ?, ?, ?, ?");
  const std::string text("a\0\xc3\xa4'", 5);
  const std::vector<std::uint8_t> bytes = {0, 255, 0};
  statement.bind(0, std::numeric_limits<std::int64_t>::min());
  statement.bind(1, ~std::uint64_t{0});
  statement.bind(2, std::numeric_limits<double>::denorm_min());
  statement.bind(3, -std::numeric_limits<double>::infinity());
  statement.bind(4, text);
  statement.bind(5, std::span(bytes));
  ASSERT_TRUE(statement.step());
  EXPECT_EQ(statement.integer(0), std::numeric_limits<std::int64_t>::min());
  EXPECT_EQ(statement.unsigned_integer(1), ~std::uint64_t{0});
  EXPECT_EQ(statement.integer(1), -1);
  EXPECT_EQ(statement.real(2), std::numeric_limits<double>::denorm_min());
  EXPECT_EQ(statement.real(3), -std::numeric_limits<double>::infinity());
  EXPECT_EQ(statement.text(4), text);
  EXPECT_EQ(statement.blob(5), bytes);
  EXPECT_FALSE(statement.step());
}

TEST_F(SqliteTest, NoBytesAreNullAndNoTextIsText) {
  Database database = open();
  Statement statement(database, "SELECT typeof(?1), ?1, typeof(?2), ?2, typeof(?3)");
  statement.bind(0, std::span<const std::uint8_t>());
  statement.bind(1, std::string_view(""));
  statement.bind(2, std::string_view());
  ASSERT_TRUE(statement.step());
  EXPECT_EQ(statement.text(0), "null");
  EXPECT_THAT(statement.blob(1), IsEmpty());
  EXPECT_EQ(statement.text(1), "");
  EXPECT_EQ(statement.text(2), "text");
  EXPECT_EQ(statement.text(3), "");
  EXPECT_EQ(statement.text(4), "text");
}

TEST_F(SqliteTest, AStatementIsUsedAgainWithOtherValues) {
  Database database = open();
  database.execute("CREATE TABLE t (x INTEGER PRIMARY KEY)");
  Statement statement(database, "INSERT INTO t VALUES (?) ON CONFLICT DO NOTHING");
  for (const std::int64_t x : {5, 3, 4}) {
    statement.bind(0, x);
    EXPECT_FALSE(statement.step());
    EXPECT_EQ(database.changed_rows(), 1);
    statement.reset();
  }
  statement.bind(0, std::int64_t{3});
  EXPECT_FALSE(statement.step());
  EXPECT_EQ(database.changed_rows(), 0);
  EXPECT_THAT(numbers(database), ElementsAre(3, 4, 5));
  EXPECT_EQ(database.integer("SELECT max(x) FROM t"), 5);
}

TEST_F(SqliteTest, BindingBeyondTheParametersIsABug) {
  Database database = open();
  Statement statement(database, "SELECT ?");
  EXPECT_THROW(statement.bind(1, std::int64_t{0}), InternalError);
  EXPECT_THROW(statement.bind(-1, 0.5), InternalError);
  EXPECT_THROW(database.integer("SELECT 1 WHERE 0"), InternalError);
}

TEST_F(SqliteTest, ErrorsNameTheFileAndTheReason) {
  Database database = open();
  database.execute("CREATE TABLE t (x INTEGER NOT NULL CHECK (x < 3)) STRICT");
  EXPECT_EQ(error_of([&] { Statement(database, "SELECT y FROM t"); }),
            path_ + ": no such column: y");
  EXPECT_THAT(error_of([&] { database.execute("SELEC"); }), StartsWith(path_ + ": near \"SELEC\""));
  EXPECT_THAT(error_of([&] { insert(database, 3); }),
              StartsWith(path_ + ": CHECK constraint failed"));
  EXPECT_THAT(error_of([&] { database.execute("INSERT INTO t VALUES ('a')"); }),
              StartsWith(path_ + ": cannot store TEXT"));
  EXPECT_THAT(numbers(database), IsEmpty());
}

TEST_F(SqliteTest, FilesThatCannotBeOpenedAreNamed) {
  EXPECT_THAT(error_of([&] { open(Access::read); }), StartsWith(path_ + ": cannot open the store"));
  EXPECT_FALSE(std::filesystem::exists(path_));
  path_ = (folder_ / "gone" / "a.db").string();
  EXPECT_THAT(error_of([&] { open(); }), StartsWith(path_ + ": cannot open the store"));
  path_ = (folder_ / "text.db").string();
  write_file(path_, std::string(5000, 'x'));
  EXPECT_EQ(error_of([&] { open(Access::read).integer("SELECT count(*) FROM sqlite_schema"); }),
            path_ + ": not a database; is this the right file?");
}

TEST_F(SqliteTest, ADamagedPageIsNamed) {
  open().execute("CREATE TABLE t (x); INSERT INTO t VALUES (1)");
  {
    std::fstream file(path_, std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(4096);  // the page of the table
    file << std::string(4096, '\xff');
  }
  Database database = open(Access::read);
  EXPECT_EQ(error_of([&] { database.integer("SELECT x FROM t"); }),
            path_ + ": the store is damaged; restore a copy or use another file");
}

TEST_F(SqliteTest, ReadingConnectionsDoNotWrite) {
  open().execute("CREATE TABLE t (x); INSERT INTO t VALUES (1)");
  Database database = open(Access::read);
  EXPECT_EQ(error_of([&] { database.execute("DELETE FROM t"); }),
            path_ + ": the store or its folder cannot be written");
  EXPECT_THAT(numbers(database), ElementsAre(1));
}

TEST_F(SqliteTest, NamesWithTheMarksOfUrisAreFiles) {
  path_ = (folder_ / "a?mode=memory#%41 b.db").string();
  open().execute("CREATE TABLE t (x); INSERT INTO t VALUES (7)");
  EXPECT_TRUE(std::filesystem::exists(path_));
  Database database = open(Access::read);
  EXPECT_THAT(numbers(database), ElementsAre(7));
}

TEST_F(SqliteTest, TheLogStaysWhereClosingMustNotFoldIt) {
  const std::string log = path_ + "-wal";
  for (const bool fold : {false, true}) {
    {
      Database database = open();
      database.execute("PRAGMA journal_mode = WAL");
      database.execute("CREATE TABLE IF NOT EXISTS t (x); INSERT INTO t VALUES (1)");
      database.set_checkpoint_on_close(fold);
    }
    EXPECT_EQ(std::filesystem::exists(log), !fold);
  }
}

class TransactionTest : public SqliteTest {
 protected:
  TransactionTest() { database_.execute("PRAGMA journal_mode = WAL; CREATE TABLE t (x)"); }

  Database database_ = open();
};

TEST_F(TransactionTest, OthersSeeAllAtOnceOrNothing) {
  Database reader = open(Access::read);
  {
    Transaction transaction(database_);
    insert(database_, 1);
    insert(database_, 2);
    EXPECT_THAT(numbers(reader), IsEmpty());
    transaction.commit();
  }
  EXPECT_THAT(numbers(reader), ElementsAre(1, 2));
  {
    Transaction transaction(database_);
    insert(database_, 3);
  }
  EXPECT_THAT(numbers(database_), ElementsAre(1, 2));
  insert(database_, 4);  // outside any transaction: stays
  EXPECT_THAT(numbers(reader), ElementsAre(1, 2, 4));
}

TEST_F(TransactionTest, AnInnerOneRollsBackAlone) {
  Transaction outer(database_);
  insert(database_, 1);
  {
    Transaction inner(database_);
    insert(database_, 2);
    {
      Transaction innermost(database_);
      insert(database_, 3);
      innermost.commit();
    }
    EXPECT_THAT(numbers(database_), ElementsAre(1, 2, 3));
  }
  EXPECT_THAT(numbers(database_), ElementsAre(1));
  {
    Transaction inner(database_);
    insert(database_, 4);
    inner.commit();
  }
  outer.commit();
  EXPECT_THAT(numbers(database_), ElementsAre(1, 4));
}

TEST_F(TransactionTest, AnOuterOneRollsBackWhatInnerOnesCommitted) {
  {
    Transaction outer(database_);
    {
      Transaction inner(database_);
      insert(database_, 1);
      inner.commit();
    }
    EXPECT_THAT(numbers(database_), ElementsAre(1));
  }
  EXPECT_THAT(numbers(database_), IsEmpty());
}

TEST_F(TransactionTest, AnErrorRollsBackAndTheConnectionGoesOn) {
  EXPECT_THAT(error_of([&] {
                Transaction outer(database_);
                insert(database_, 1);
                Transaction inner(database_);
                insert(database_, 2);
                database_.execute("INSERT INTO gone VALUES (1)");
              }),
              HasSubstr("no such table: gone"));
  EXPECT_THAT(numbers(database_), IsEmpty());
  Transaction transaction(database_);
  insert(database_, 5);
  transaction.commit();
  EXPECT_THAT(numbers(database_), ElementsAre(5));
}

TEST_F(TransactionTest, HoldsUpWhatSqliteHasRolledBackItself) {
  const auto broken = [&] {
    Transaction transaction(database_);
    insert(database_, 1);
    database_.execute("CREATE UNIQUE INDEX one ON t (x); INSERT OR ROLLBACK INTO t VALUES (1)");
  };
  EXPECT_THAT(error_of(broken), HasSubstr("UNIQUE constraint failed"));
  EXPECT_THAT(numbers(database_), IsEmpty());
}

}  // namespace
}  // namespace flatenn::sqlite
