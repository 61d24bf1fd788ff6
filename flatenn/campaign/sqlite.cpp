#include "flatenn/campaign/sqlite.h"

#include <sqlite3.h>

#include <bit>
#include <filesystem>
#include <utility>

#include "flatenn/base/error.h"

namespace flatenn::sqlite {
namespace {

constexpr int kBusyMilliseconds = 10'000;

/// A file name as SQLite's URI, with `query` for example "mode=ro".
std::string file_uri(const std::string& path, std::string_view query) {
  std::string uri = "file:";
  for (const char c : path) {
    if (c == '?' || c == '#' || c == '%') {
      uri += fmt::format("%{:02x}", static_cast<unsigned char>(c));
    } else {
      uri += c;
    }
  }
  return fmt::format("{}?{}", uri, query);
}

std::string_view reason(int code, const char* message) {
  switch (code & 0xff) {
    case SQLITE_FULL:
      return "the disk is full; what was stored before is intact";
    case SQLITE_CORRUPT:
      return "the store is damaged; restore a copy or use another file";
    case SQLITE_NOTADB:
      return "not a database; is this the right file?";
    case SQLITE_BUSY:
      return "another program keeps the store locked; try again when it is done";
    case SQLITE_READONLY:
      return "the store or its folder cannot be written";
    case SQLITE_CANTOPEN:
      return "cannot open the store; does the folder exist and allow it?";
    default:
      return message;
  }
}

}  // namespace

Statement::Statement(Database& database, std::string_view sql) : database_(database) {
  if (sqlite3_prepare_v2(database.handle_.get(), sql.data(), static_cast<int>(sql.size()),
                         &statement_, nullptr) != SQLITE_OK) {
    database.fail_with_reason();
  }
}

Statement::~Statement() { sqlite3_finalize(statement_); }

void Statement::bind(int index, std::int64_t value) {
  FLATENN_ASSERT(sqlite3_bind_int64(statement_, index + 1, value) == SQLITE_OK);
}

void Statement::bind(int index, std::uint64_t value) {
  bind(index, std::bit_cast<std::int64_t>(value));
}

void Statement::bind(int index, double value) {
  FLATENN_ASSERT(sqlite3_bind_double(statement_, index + 1, value) == SQLITE_OK);
}

void Statement::bind(int index, std::string_view value) {
  const char* text = value.empty() ? "" : value.data();  // a null pointer would mean NULL
  FLATENN_ASSERT(sqlite3_bind_text(statement_, index + 1, text, static_cast<int>(value.size()),
                                   SQLITE_TRANSIENT) == SQLITE_OK);
}

void Statement::bind(int index, std::span<const std::uint8_t> value) {
  const int code = value.empty() ? sqlite3_bind_null(statement_, index + 1)
                                 : sqlite3_bind_blob64(statement_, index + 1, value.data(),
                                                       value.size(), SQLITE_TRANSIENT);
  FLATENN_ASSERT(code == SQLITE_OK);
}

bool Statement::step() {
  const int code = sqlite3_step(statement_);
  if (code == SQLITE_ROW) return true;
  if (code != SQLITE_DONE) database_.fail_with_reason();
  return false;
}

void Statement::reset() { sqlite3_reset(statement_); }

std::int64_t Statement::integer(int column) const {
  return sqlite3_column_int64(statement_, column);
}

std::uint64_t Statement::unsigned_integer(int column) const {
  return std::bit_cast<std::uint64_t>(integer(column));
}

double Statement::real(int column) const { return sqlite3_column_double(statement_, column); }

std::string Statement::text(int column) const {
  const auto* text = reinterpret_cast<const char*>(sqlite3_column_text(statement_, column));
  return {text == nullptr ? "" : text,
          static_cast<std::size_t>(sqlite3_column_bytes(statement_, column))};
}

std::vector<std::uint8_t> Statement::blob(int column) const {
  const auto* bytes = static_cast<const std::uint8_t*>(sqlite3_column_blob(statement_, column));
  if (bytes == nullptr) return {};
  return {bytes, bytes + sqlite3_column_bytes(statement_, column)};
}

Database::Database(std::string path, Access access) : path_(std::move(path)) {
  std::error_code missing;
  const std::uintmax_t log_size = std::filesystem::file_size(path_ + "-wal", missing);
  const bool had_log = !missing && log_size > 0;
  try {
    open(file_uri(path_, access == Access::create ? "mode=rwc" : "mode=rw"),
         SQLITE_OPEN_READWRITE | (access == Access::create ? SQLITE_OPEN_CREATE : 0));
    // Write-ahead logging touches the folder even to read: the first read tells.
    if (access == Access::read) integer("SELECT count(*) FROM sqlite_schema");
  } catch (const Error&) {
    // Without a log the file alone is the whole store: it can be read where nothing can be written.
    if (access != Access::read || had_log) throw;
    open(file_uri(path_, "mode=ro&immutable=1"), SQLITE_OPEN_READONLY);
  }
  if (access != Access::read) return;
  execute("PRAGMA query_only = 1");
  // A log that a killed program left stays where it is; one that reading made goes.
  set_checkpoint_on_close(!had_log);
}

void Database::Close::operator()(sqlite3* handle) const { sqlite3_close(handle); }

void Database::open(const std::string& uri, int flags) {
  sqlite3* handle = nullptr;
  const int code =
      sqlite3_open_v2(uri.c_str(), &handle, flags | SQLITE_OPEN_URI | SQLITE_OPEN_NOMUTEX, nullptr);
  handle_.reset(handle);  // also a failed open leaves one, which knows the reason
  if (code != SQLITE_OK) fail_with_reason();
  sqlite3_busy_timeout(handle, kBusyMilliseconds);
}

void Database::execute(const char* sql) {
  if (sqlite3_exec(handle_.get(), sql, nullptr, nullptr, nullptr) != SQLITE_OK) fail_with_reason();
}

std::int64_t Database::integer(std::string_view sql) {
  Statement statement(*this, sql);
  FLATENN_ASSERT(statement.step());
  return statement.integer(0);
}

std::int64_t Database::changed_rows() const { return sqlite3_changes64(handle_.get()); }

void Database::set_checkpoint_on_close(bool yes) {
  sqlite3_db_config(handle_.get(), SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, yes ? 0 : 1, nullptr);
}

void Database::fail_with_reason() const {
  fail("{}: {}", path_, reason(sqlite3_errcode(handle_.get()), sqlite3_errmsg(handle_.get())));
}

Transaction::Transaction(Database& database)
    : database_(database), inner_(sqlite3_get_autocommit(database.handle_.get()) == 0) {
  database_.execute(inner_ ? "SAVEPOINT inner_part" : "BEGIN IMMEDIATE");
}

Transaction::~Transaction() {
  // Rolling back can only fail when SQLite has already done it (a full disk).
  if (!open_) return;
  try {
    database_.execute(inner_ ? "ROLLBACK TO inner_part; RELEASE inner_part" : "ROLLBACK");
  } catch (const Error&) {
  }
}

void Transaction::commit() {
  database_.execute(inner_ ? "RELEASE inner_part" : "COMMIT");
  open_ = false;
}

}  // namespace flatenn::sqlite
