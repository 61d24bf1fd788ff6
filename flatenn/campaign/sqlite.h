// Sqlite: the few calls of SQLite that the store needs, with errors as exceptions.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

struct sqlite3;
struct sqlite3_stmt;

namespace flatenn::sqlite {

enum class Access {
  create,  ///< read and write, created when missing
  read,    ///< only reads; also from folders that cannot be written
};

class Database;

/// A prepared statement. Parameters and columns count from 0. Failures throw Error naming the file.
class Statement {
 public:
  Statement(Database& database, std::string_view sql);
  ~Statement();
  Statement(const Statement&) = delete;
  Statement& operator=(const Statement&) = delete;

  void bind(int index, std::int64_t value);
  /// Stored as the signed integer of the same bits.
  void bind(int index, std::uint64_t value);
  void bind(int index, double value);
  void bind(int index, std::string_view value);
  /// Bytes; none of them: NULL.
  void bind(int index, std::span<const std::uint8_t> value);

  /// True when there is a row to read, false at the end.
  bool step();
  /// Ready to be bound and stepped again.
  void reset();

  std::int64_t integer(int column) const;
  std::uint64_t unsigned_integer(int column) const;
  double real(int column) const;
  std::string text(int column) const;
  /// Empty for NULL.
  std::vector<std::uint8_t> blob(int column) const;

 private:
  Database& database_;
  sqlite3_stmt* statement_ = nullptr;
};

/// One connection. Waits up to ten seconds for other connections.
class Database {
 public:
  Database(std::string path, Access access);
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  /// Statements without parameters and results.
  void execute(const char* sql);
  /// First column of the first row.
  std::int64_t integer(std::string_view sql);
  /// Rows that the last insertion really added.
  std::int64_t changed_rows() const;
  /// Whether closing may fold the write-ahead log into the file.
  void set_checkpoint_on_close(bool yes);

  const std::string& path() const { return path_; }
  /// Throws Error: "PATH: reason".
  [[noreturn]] void fail_with_reason() const;

 private:
  friend class Statement;
  friend class Transaction;
  void open(const std::string& uri, int flags);

  struct Close {
    void operator()(sqlite3* handle) const;
  };

  std::string path_;
  std::unique_ptr<sqlite3, Close> handle_;
};

/// All or nothing: rolls back unless committed. Within another transaction of the same connection
/// it is a part of that one, which still can roll back both.
class Transaction {
 public:
  explicit Transaction(Database& database);
  ~Transaction();
  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;
  void commit();

 private:
  Database& database_;
  bool inner_ = false;
  bool open_ = true;
};

}  // namespace flatenn::sqlite
