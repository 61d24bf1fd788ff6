#include "flatenn/campaign/store_format.h"

#include <array>
#include <fstream>

#include "flatenn/base/error.h"

namespace flatenn::store_format {
namespace {

constexpr std::uint32_t kApplicationId = 0x464c454e;  // "FLEN" in the header of the file
constexpr std::uint32_t kVersion = 2;

constexpr std::string_view kSubjectColumns =
    "label, model_hash, data_hash, dataset, split, exposure, source, layout, images, memory_bits, "
    "exposed_bits, seed, float_accuracy, sparsity, clean_correct";
constexpr std::string_view kTrialColumns =
    "kind, rate, map, correct, faulty_bits, changed_bits, answers_changed";

std::uint32_t big_endian(const char* bytes) {
  std::uint32_t value = 0;
  for (int i = 0; i < 4; ++i) value = value << 8 | static_cast<unsigned char>(bytes[i]);
  return value;
}

}  // namespace

const std::string_view kSubjectTable = R"(CREATE TABLE subject (
  id INTEGER PRIMARY KEY,
  key TEXT NOT NULL UNIQUE,
  label TEXT NOT NULL,
  model_hash TEXT NOT NULL,
  data_hash TEXT NOT NULL,
  dataset TEXT NOT NULL,
  split TEXT NOT NULL,
  exposure TEXT NOT NULL,
  source TEXT NOT NULL,
  layout TEXT NOT NULL,
  images INTEGER NOT NULL CHECK (images > 0),
  memory_bits INTEGER NOT NULL CHECK (memory_bits >= 0),
  exposed_bits INTEGER NOT NULL CHECK (exposed_bits BETWEEN 0 AND memory_bits),
  seed INTEGER NOT NULL,
  float_accuracy REAL NOT NULL,
  sparsity REAL NOT NULL,
  clean_correct INTEGER NOT NULL CHECK (clean_correct BETWEEN 0 AND images)
) STRICT)";

const std::string_view kTrialTable = R"(CREATE TABLE trial (
  subject INTEGER NOT NULL REFERENCES subject (id),
  kind TEXT NOT NULL,
  rate REAL NOT NULL CHECK (rate BETWEEN 0 AND 1),
  map INTEGER NOT NULL,
  correct INTEGER NOT NULL CHECK (correct >= 0),
  faulty_bits INTEGER NOT NULL CHECK (faulty_bits >= 0),
  changed_bits INTEGER NOT NULL CHECK (changed_bits BETWEEN 0 AND faulty_bits),
  answers_changed INTEGER NOT NULL CHECK (answers_changed >= 0),
  written_at INTEGER NOT NULL CHECK (written_at >= 0),
  per_image BLOB,
  PRIMARY KEY (subject, kind, rate, map)
) STRICT, WITHOUT ROWID)";

bool check_header(const std::filesystem::path& path) {
  std::error_code error;
  const auto status = std::filesystem::status(path, error);
  if (!std::filesystem::exists(status)) return false;
  if (!std::filesystem::is_regular_file(status)) fail("{}: not a file", path.string());
  std::array<char, 100> header{};
  std::ifstream file(path, std::ios::binary);
  if (!file) fail("{}: cannot read the store", path.string());
  file.read(header.data(), header.size());
  if (file.gcount() == 0) return false;
  if (file.gcount() < 100 || std::string_view(header.data(), 15) != "SQLite format 3") {
    fail("{}: not a store of fault campaigns (not a SQLite database)", path.string());
  }
  if (big_endian(&header[68]) != kApplicationId) {
    fail("{}: a SQLite database, but not a store of fault campaigns", path.string());
  }
  const std::uint32_t version = big_endian(&header[60]);
  if (version != kVersion) {
    fail("{}: store version {}, but this program reads version {}; {} flatenn or use a new store",
         path.string(), version, kVersion, version > kVersion ? "upgrade" : "use an older");
  }
  return true;
}

void require_store(const std::filesystem::path& path) {
  if (check_header(path)) return;
  fail("{}: no such store; 'flatenn campaign --store' makes one", path.string());
}

void create_tables(sqlite::Database& database) {
  // The smallest page that holds rows with the results of 10,000 images within it: on SQLite's
  // 4 KiB each such row takes a page of its own beside it.
  database.execute("PRAGMA page_size = 16384");
  sqlite::Transaction transaction(database);
  database.execute(fmt::format("{};\n{};", kSubjectTable, kTrialTable).c_str());
  database.execute(fmt::format("PRAGMA application_id = {}", kApplicationId).c_str());
  database.execute(fmt::format("PRAGMA user_version = {}", kVersion).c_str());
  transaction.commit();
}

std::string select_subjects(std::string_view rest) {
  return fmt::format("SELECT id, key, {} FROM subject {}", kSubjectColumns, rest);
}

SubjectRow read_subject(const sqlite::Statement& row) {
  Subject subject;
  subject.label = row.text(2);
  subject.model_hash = row.text(3);
  subject.data_hash = row.text(4);
  subject.dataset = row.text(5);
  subject.split = row.text(6);
  subject.exposure = row.text(7);
  subject.source = row.text(8);
  subject.layout = row.text(9);
  subject.images = row.unsigned_integer(10);
  subject.memory_bits = row.unsigned_integer(11);
  subject.exposed_bits = row.unsigned_integer(12);
  subject.seed = row.unsigned_integer(13);
  subject.float_accuracy = row.real(14);
  subject.sparsity = row.real(15);
  subject.clean_correct = row.unsigned_integer(16);
  return {row.integer(0), row.text(1), std::move(subject)};
}

std::string insert_subject() {
  return fmt::format(
      "INSERT INTO subject (key, {}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) "
      "ON CONFLICT DO NOTHING",
      kSubjectColumns);
}

void bind_subject(sqlite::Statement& statement, const Subject& subject) {
  statement.bind(0, subject.key());
  statement.bind(1, subject.label);
  statement.bind(2, subject.model_hash);
  statement.bind(3, subject.data_hash);
  statement.bind(4, subject.dataset);
  statement.bind(5, subject.split);
  statement.bind(6, subject.exposure);
  statement.bind(7, subject.source);
  statement.bind(8, subject.layout);
  statement.bind(9, subject.images);
  statement.bind(10, subject.memory_bits);
  statement.bind(11, subject.exposed_bits);
  statement.bind(12, subject.seed);
  statement.bind(13, subject.float_accuracy);
  statement.bind(14, subject.sparsity);
  statement.bind(15, subject.clean_correct);
}

std::string select_trials(Answers answers, std::string_view rest) {
  return fmt::format("SELECT {}{} FROM trial {}", kTrialColumns,
                     answers == Answers::load ? ", per_image" : "", rest);
}

Trial read_trial(const sqlite::Statement& row, Answers answers) {
  Trial trial;
  trial.kind = parse_fault_kind(row.text(0));
  trial.rate = row.real(1);
  trial.map = row.unsigned_integer(2);
  trial.correct = row.unsigned_integer(3);
  trial.faulty_bits = row.unsigned_integer(4);
  trial.changed_bits = row.unsigned_integer(5);
  trial.answers_changed = row.unsigned_integer(6);
  if (answers == Answers::load) trial.right = row.blob(7);
  return trial;
}

std::string insert_trial() {
  return fmt::format(
      "INSERT INTO trial (subject, {}, written_at, per_image) "
      "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) "
      "ON CONFLICT (subject, kind, rate, map) DO NOTHING",
      kTrialColumns);
}

void bind_trial(sqlite::Statement& statement, std::int64_t subject, const Trial& trial,
                std::int64_t written_at) {
  bind_trial_key(statement, subject, trial);
  statement.bind(4, trial.correct);
  statement.bind(5, trial.faulty_bits);
  statement.bind(6, trial.changed_bits);
  statement.bind(7, trial.answers_changed);
  statement.bind(8, written_at);
  statement.bind(9, std::span(trial.right));
}

void bind_trial_key(sqlite::Statement& statement, std::int64_t subject, const Trial& trial) {
  statement.bind(0, subject);
  statement.bind(1, to_string(trial.kind));
  statement.bind(2, trial.rate);
  statement.bind(3, trial.map);
}

}  // namespace flatenn::store_format
