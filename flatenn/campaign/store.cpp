#include "flatenn/campaign/store.h"

#include <algorithm>
#include <array>
#include <bit>
#include <fstream>
#include <map>
#include <tuple>
#include <utility>

#include "flatenn/base/error.h"
#include "flatenn/base/file.h"
#include "flatenn/base/hash.h"
#include "flatenn/campaign/sqlite.h"
#include "flatenn/campaign/writer_lock.h"

namespace flatenn {
namespace {

constexpr std::uint32_t kApplicationId = 0x464c454e;  // "FLEN" in the header of the file
constexpr std::uint32_t kVersion = 1;

constexpr const char* kSchema = R"(
CREATE TABLE subject (
  id INTEGER PRIMARY KEY,
  key TEXT NOT NULL UNIQUE,
  label TEXT NOT NULL,
  model_hash TEXT NOT NULL,
  data_hash TEXT NOT NULL,
  dataset TEXT NOT NULL,
  split TEXT NOT NULL,
  exposure TEXT NOT NULL,
  images INTEGER NOT NULL CHECK (images > 0),
  memory_bits INTEGER NOT NULL CHECK (memory_bits >= 0),
  exposed_bits INTEGER NOT NULL CHECK (exposed_bits BETWEEN 0 AND memory_bits),
  seed INTEGER NOT NULL,
  float_accuracy REAL NOT NULL,
  sparsity REAL NOT NULL,
  clean_correct INTEGER NOT NULL CHECK (clean_correct BETWEEN 0 AND images)
) STRICT;
CREATE TABLE trial (
  subject INTEGER NOT NULL REFERENCES subject (id),
  kind TEXT NOT NULL,
  rate REAL NOT NULL CHECK (rate BETWEEN 0 AND 1),
  map INTEGER NOT NULL,
  correct INTEGER NOT NULL CHECK (correct >= 0),
  faulty_bits INTEGER NOT NULL CHECK (faulty_bits >= 0),
  changed_bits INTEGER NOT NULL CHECK (changed_bits BETWEEN 0 AND faulty_bits),
  PRIMARY KEY (subject, kind, rate, map)
) STRICT, WITHOUT ROWID;
)";

constexpr const char* kSubjectColumns =
    "label, model_hash, data_hash, dataset, split, exposure, images, memory_bits, exposed_bits, "
    "seed, float_accuracy, sparsity, clean_correct";

std::uint32_t big_endian(const char* bytes) {
  std::uint32_t value = 0;
  for (int i = 0; i < 4; ++i) value = value << 8 | static_cast<unsigned char>(bytes[i]);
  return value;
}

/// Looks at the first bytes before SQLite does, which could change a foreign file. True when there
/// is a store, false when there is nothing yet.
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

void check_content(sqlite::Database& database) {
  sqlite::Statement check(database, "PRAGMA quick_check(1)");
  const std::string verdict = check.step() ? check.text(0) : "no answer";
  if (verdict != "ok") {
    fail("{}: the store is damaged ({}); restore a copy or use another file", database.path(),
         verdict.substr(0, verdict.find('\n')));
  }
}

void make_parent_folder(const std::filesystem::path& path) {
  if (!path.has_parent_path()) return;
  try {
    make_folder(path.parent_path());
  } catch (const Error& error) {
    fail("{}: {}", path.string(), error.what());
  }
}

void create_tables(sqlite::Database& database) {
  sqlite::Transaction transaction(database);
  database.execute(kSchema);
  database.execute(fmt::format("PRAGMA application_id = {}", kApplicationId).c_str());
  database.execute(fmt::format("PRAGMA user_version = {}", kVersion).c_str());
  transaction.commit();
}

Subject read_subject(const sqlite::Statement& row) {
  Subject subject;
  subject.label = row.text(0);
  subject.model_hash = row.text(1);
  subject.data_hash = row.text(2);
  subject.dataset = row.text(3);
  subject.split = row.text(4);
  subject.exposure = row.text(5);
  subject.images = row.unsigned_integer(6);
  subject.memory_bits = row.unsigned_integer(7);
  subject.exposed_bits = row.unsigned_integer(8);
  subject.seed = row.unsigned_integer(9);
  subject.float_accuracy = row.real(10);
  subject.sparsity = row.real(11);
  subject.clean_correct = row.unsigned_integer(12);
  return subject;
}

void bind_subject(sqlite::Statement& row, const Subject& subject) {
  row.bind(0, subject.key());
  row.bind(1, subject.label);
  row.bind(2, subject.model_hash);
  row.bind(3, subject.data_hash);
  row.bind(4, subject.dataset);
  row.bind(5, subject.split);
  row.bind(6, subject.exposure);
  row.bind(7, subject.images);
  row.bind(8, subject.memory_bits);
  row.bind(9, subject.exposed_bits);
  row.bind(10, subject.seed);
  row.bind(11, subject.float_accuracy);
  row.bind(12, subject.sparsity);
  row.bind(13, subject.clean_correct);
}

/// Columns kind, rate, map, correct, faulty_bits, changed_bits from `first` on.
Trial read_trial(const sqlite::Statement& row) {
  return {parse_fault_kind(row.text(0)), row.real(1),
          row.unsigned_integer(2),       row.unsigned_integer(3),
          row.unsigned_integer(4),       row.unsigned_integer(5)};
}

}  // namespace

std::string Subject::key() const {
  return hash_hex(fmt::format("subject 1\n{}\n{}\n{}\n{}\n{}\n{}\n{}", model_hash, data_hash,
                              images, memory_bits, exposed_bits, seed, exposure));
}

struct Store::Impl {
  std::unique_ptr<WriterLock> lock;  // released last
  sqlite::Database database;

  void bind_trial_key(sqlite::Statement& statement, std::int64_t subject, const Trial& trial) {
    statement.bind(0, subject);
    statement.bind(1, to_string(trial.kind));
    statement.bind(2, trial.rate);
    statement.bind(3, trial.map);
  }

  /// The row that kept `trial` out must be equal to it.
  void check_equal(std::int64_t subject, const Trial& trial) {
    sqlite::Statement select(
        database,
        "SELECT kind, rate, map, correct, faulty_bits, changed_bits FROM trial "
        "WHERE subject = ? AND kind = ? AND rate = ? AND map = ?");
    bind_trial_key(select, subject, trial);
    FLATENN_ASSERT(select.step());
    const Trial stored = read_trial(select);
    if (stored == trial) return;
    fail(
        "{}: {} at rate {}, map {} is stored with another result ({} correct, {} bits changed; now "
        "{} and {}); the store comes from another version: use a new one",
        database.path(), to_string(trial.kind), trial.rate, trial.map, stored.correct,
        stored.changed_bits, trial.correct, trial.changed_bits);
  }
};

Store::Store(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Store::~Store() = default;
Store::Store(Store&&) noexcept = default;
Store& Store::operator=(Store&&) noexcept = default;

Store Store::open(const std::filesystem::path& path) {
  make_parent_folder(path);
  check_header(path);
  auto lock = std::make_unique<WriterLock>(path);
  const bool exists = check_header(path);
  std::error_code error;
  // A damaged store stays as it is, a write-ahead log that a killed program left included.
  const bool has_log = std::filesystem::exists(path.string() + "-wal", error);
  std::unique_ptr<Impl> impl(new Impl{std::move(lock), {path.string(), sqlite::Access::create}});
  if (exists) {
    impl->database.set_checkpoint_on_close(!has_log);
    check_content(impl->database);
    impl->database.set_checkpoint_on_close(true);
  } else {
    create_tables(impl->database);
  }
  impl->database.execute("PRAGMA journal_mode = WAL");
  impl->database.execute("PRAGMA synchronous = NORMAL");
  impl->database.execute("PRAGMA foreign_keys = 1");
  return Store(std::move(impl));
}

Store Store::open_read_only(const std::filesystem::path& path) {
  if (!check_header(path)) {
    fail("{}: no such store; 'flatenn campaign --store' makes one", path.string());
  }
  std::unique_ptr<Impl> impl(new Impl{nullptr, {path.string(), sqlite::Access::read}});
  check_content(impl->database);
  return Store(std::move(impl));
}

std::int64_t Store::add_subject(const Subject& subject) {
  sqlite::Transaction transaction(impl_->database);
  sqlite::Statement insert(
      impl_->database,
      fmt::format("INSERT INTO subject (key, {}) VALUES "
                  "(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
                  kSubjectColumns));
  bind_subject(insert, subject);
  insert.step();
  sqlite::Statement select(impl_->database, "SELECT id, clean_correct FROM subject WHERE key = ?");
  select.bind(0, subject.key());
  FLATENN_ASSERT(select.step());
  const std::int64_t id = select.integer(0);
  if (select.unsigned_integer(1) != subject.clean_correct) {
    fail(
        "{}: '{}' is stored with {} of {} images right without faults, now {}; the store comes "
        "from "
        "another version: use a new one",
        impl_->database.path(), subject.label, select.unsigned_integer(1), subject.images,
        subject.clean_correct);
  }
  transaction.commit();
  return id;
}

std::vector<Subject> Store::subjects() const {
  sqlite::Statement select(impl_->database,
                           fmt::format("SELECT {} FROM subject ORDER BY id", kSubjectColumns));
  std::vector<Subject> subjects;
  while (select.step()) subjects.push_back(read_subject(select));
  return subjects;
}

std::optional<Subject> Store::find_subject(const std::string& key) const {
  sqlite::Statement select(impl_->database,
                           fmt::format("SELECT {} FROM subject WHERE key = ?", kSubjectColumns));
  select.bind(0, key);
  if (!select.step()) return std::nullopt;
  return read_subject(select);
}

void Store::append(std::int64_t subject, const std::vector<Trial>& trials) {
  sqlite::Transaction transaction(impl_->database);
  sqlite::Statement insert(impl_->database,
                           "INSERT INTO trial (subject, kind, rate, map, correct, faulty_bits, "
                           "changed_bits) VALUES (?, ?, ?, ?, ?, ?, ?) "
                           "ON CONFLICT (subject, kind, rate, map) DO NOTHING");
  for (const Trial& trial : trials) {
    impl_->bind_trial_key(insert, subject, trial);
    insert.bind(4, trial.correct);
    insert.bind(5, trial.faulty_bits);
    insert.bind(6, trial.changed_bits);
    insert.step();
    if (impl_->database.changed_rows() == 0) impl_->check_equal(subject, trial);
    insert.reset();
  }
  transaction.commit();
}

std::vector<Trial> Store::trials(const std::string& subject_key) const {
  sqlite::Statement select(impl_->database,
                           "SELECT kind, rate, map, correct, faulty_bits, changed_bits FROM trial "
                           "WHERE subject = (SELECT id FROM subject WHERE key = ?)");
  select.bind(0, std::string_view(subject_key));
  std::vector<Trial> trials;
  while (select.step()) trials.push_back(read_trial(select));
  std::ranges::sort(trials, {}, [](const Trial& t) { return std::tuple(t.kind, t.rate, t.map); });
  return trials;
}

}  // namespace flatenn
