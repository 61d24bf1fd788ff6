// StoreFormat: the file behind a Store: its header, its tables, its rows. docs/formats.md tells it
// to readers in other languages. For the store and its tools only.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

#include "flatenn/campaign/sqlite.h"
#include "flatenn/campaign/store.h"

namespace flatenn::store_format {

/// The tables as SQLite remembers them; any other text is another schema.
extern const std::string_view kSubjectTable;
extern const std::string_view kTrialTable;

/// Looks at the first bytes before SQLite does, which could change a foreign file. True when there
/// is a store, false when there is nothing yet. Throws Error for what is no store of this version.
bool check_header(const std::filesystem::path& path);
/// The same, but nothing is an Error too.
void require_store(const std::filesystem::path& path);

/// The tables of an empty store, in one transaction.
void create_tables(sqlite::Database& database);

struct SubjectRow {
  std::int64_t id = 0;
  std::string key;  ///< as stored: equal to subject.key() in a sound store
  Subject subject;
};
/// "SELECT ... FROM subject REST", for read_subject.
std::string select_subjects(std::string_view rest);
SubjectRow read_subject(const sqlite::Statement& row);
/// For bind_subject. A key that is there already stays as it is.
std::string insert_subject();
void bind_subject(sqlite::Statement& statement, const Subject& subject);

/// "SELECT ... FROM trial REST", for read_trial; without `answers`, Trial::right is left out.
std::string select_trials(Answers answers, std::string_view rest);
/// Throws Error for an unknown kind.
Trial read_trial(const sqlite::Statement& row, Answers answers);
/// For bind_trial. A trial that is there already stays as it is.
std::string insert_trial();
/// `written_at` in milliseconds since 1970.
void bind_trial(sqlite::Statement& statement, std::int64_t subject, const Trial& trial,
                std::int64_t written_at);
/// The four parameters of "subject = ? AND kind = ? AND rate = ? AND map = ?".
void bind_trial_key(sqlite::Statement& statement, std::int64_t subject, const Trial& trial);

}  // namespace flatenn::store_format
