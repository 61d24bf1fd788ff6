#include "flatenn/campaign/store.h"

#include <algorithm>
#include <chrono>
#include <tuple>
#include <utility>

#include "flatenn/base/file.h"
#include "flatenn/base/hash.h"
#include "flatenn/base/writer_lock.h"
#include "flatenn/campaign/sqlite.h"
#include "flatenn/campaign/store_format.h"

namespace flatenn {
namespace {

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

std::int64_t milliseconds_now() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return std::max<std::int64_t>(0,
                                std::chrono::duration_cast<std::chrono::milliseconds>(now).count());
}

/// The subject of a row whose key must be its own: a wrong one would hide its trials.
Subject checked_subject(const sqlite::Database& database, const store_format::SubjectRow& row) {
  if (row.subject.key() == row.key) return row.subject;
  fail("{}: the store is damaged (the key of '{}' is not its own); restore a copy", database.path(),
       row.subject.label);
}

constexpr std::string_view kOfSubject = "WHERE subject = (SELECT id FROM subject WHERE key = ?) ";

}  // namespace

std::string Subject::key() const {
  // The length keeps apart the two texts that may hold anything.
  return hash_hex(fmt::format("subject 2\n{}\n{}\n{}\n{}\n{}\n{}\n{}\n{}{}", model_hash, data_hash,
                              images, memory_bits, exposed_bits, seed, exposure.size(), exposure,
                              source));
}

bool contradict(const Trial& a, const Trial& b) {
  const auto result = [](const Trial& t) {
    return std::tuple(t.correct, t.faulty_bits, t.changed_bits, t.answers_changed);
  };
  return result(a) != result(b) || (!a.right.empty() && !b.right.empty() && a.right != b.right);
}

std::string trial_name(const Trial& trial) {
  return fmt::format("{} at rate {}, map {}", to_string(trial.kind), trial.rate, trial.map);
}

std::string trial_result(const Trial& trial) {
  std::string text =
      fmt::format("{} correct, {} of {} faulty bits changed, {} answers changed", trial.correct,
                  trial.changed_bits, trial.faulty_bits, trial.answers_changed);
  if (!trial.right.empty()) {
    text += ", images " + hash_hex(std::as_bytes(std::span(trial.right))).substr(0, 8);
  }
  return text;
}

TrialConflict::TrialConflict(const std::string& line, Trial stored_trial, Trial new_trial)
    : Error(line), stored(std::move(stored_trial)), offered(std::move(new_trial)) {}

namespace {

/// One kind of fault at one rate, as stored.
struct Cell {
  std::string kind;
  double rate = -1;  ///< before the first
};

}  // namespace

struct Store::Impl {
  std::unique_ptr<WriterLock> lock;  // released last
  sqlite::Database database;

  std::optional<std::int64_t> subject_id(const std::string& key) {
    sqlite::Statement select(database, "SELECT id FROM subject WHERE key = ?");
    select.bind(0, std::string_view(key));
    if (!select.step()) return std::nullopt;
    return select.integer(0);
  }

  /// The cell of the subject that follows `cell`: one jump in the index. False after the last.
  bool next_cell(std::int64_t subject, Cell& cell) {
    sqlite::Statement select(database,
                             "SELECT kind, rate FROM trial WHERE subject = ? AND (kind, rate) > "
                             "(?, ?) ORDER BY kind, rate LIMIT 1");
    select.bind(0, subject);
    select.bind(1, std::string_view(cell.kind));
    select.bind(2, cell.rate);
    if (!select.step()) return false;
    cell = {select.text(0), select.real(1)};
    return true;
  }

  /// The row that kept `trial` out must not contradict it; it takes per-image results if it has
  /// none.
  void meet_stored(std::int64_t subject, const Trial& trial) {
    constexpr std::string_view here = "WHERE subject = ?1 AND kind = ?2 AND rate = ?3 AND map = ?4";
    sqlite::Statement select(database, store_format::select_trials(Answers::load, here));
    store_format::bind_trial_key(select, subject, trial);
    FLATENN_ASSERT(select.step());
    const Trial stored = store_format::read_trial(select, Answers::load);
    if (contradict(stored, trial)) {
      throw TrialConflict(
          fmt::format("{}: {} is stored with another result ({}; now {}); the store comes from "
                      "another version: use a new one",
                      database.path(), trial_name(trial), trial_result(stored),
                      trial_result(trial)),
          stored, trial);
    }
    if (trial.right.empty() || !stored.right.empty()) return;
    // Not in the statement that reads: SQLite must not change what a query still walks over.
    select.reset();
    sqlite::Statement update(database, fmt::format("UPDATE trial SET per_image = ?5 {}", here));
    store_format::bind_trial_key(update, subject, trial);
    update.bind(4, std::span(trial.right));
    update.step();
  }
};

Store::Store(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Store::~Store() = default;
Store::Store(Store&&) noexcept = default;
Store& Store::operator=(Store&&) noexcept = default;

Store Store::open(const std::filesystem::path& path) {
  make_parent_folder(path);
  store_format::check_header(path);
  auto lock = std::make_unique<WriterLock>(path, "store");
  const bool exists = store_format::check_header(path);
  std::error_code error;
  // A damaged store stays as it is, a write-ahead log that a killed program left included.
  const bool has_log = std::filesystem::exists(path.string() + "-wal", error);
  const bool new_file = !std::filesystem::exists(path, error);
  std::unique_ptr<Impl> impl(new Impl{std::move(lock), {path.string(), sqlite::Access::create}});
  if (exists) {
    impl->database.set_checkpoint_on_close(!has_log);
    check_content(impl->database);
    impl->database.set_checkpoint_on_close(true);
  } else {
    try {
      store_format::create_tables(impl->database);
    } catch (const Error&) {
      if (new_file) std::filesystem::remove(path, error);
      throw;
    }
  }
  impl->database.execute("PRAGMA journal_mode = WAL");
  impl->database.execute("PRAGMA synchronous = NORMAL");
  impl->database.execute("PRAGMA foreign_keys = 1");
  return Store(std::move(impl));
}

Store Store::open_read_only(const std::filesystem::path& path) {
  store_format::require_store(path);
  std::unique_ptr<Impl> impl(new Impl{nullptr, {path.string(), sqlite::Access::read}});
  check_content(impl->database);
  return Store(std::move(impl));
}

std::int64_t Store::add_subject(const Subject& subject) {
  sqlite::Transaction transaction(impl_->database);
  sqlite::Statement insert(impl_->database, store_format::insert_subject());
  store_format::bind_subject(insert, subject);
  insert.step();
  sqlite::Statement select(impl_->database, "SELECT id, clean_correct FROM subject WHERE key = ?");
  select.bind(0, subject.key());
  FLATENN_ASSERT(select.step());
  const std::int64_t id = select.integer(0);
  if (select.unsigned_integer(1) != subject.clean_correct) {
    fail(
        "{}: '{}' is stored with {} of {} images right without faults, now {}; the store comes "
        "from another version: use a new one",
        impl_->database.path(), subject.label, select.unsigned_integer(1), subject.images,
        subject.clean_correct);
  }
  transaction.commit();
  return id;
}

std::int64_t Store::merge_subject(const Subject& subject) {
  sqlite::Transaction transaction(impl_->database);
  const std::int64_t id = add_subject(subject);
  sqlite::Statement update(
      impl_->database,
      "UPDATE subject SET label = min(label, ?), dataset = min(dataset, ?), split = min(split, ?), "
      "layout = min(layout, ?), float_accuracy = max(float_accuracy, ?), sparsity = max(sparsity, "
      "?) WHERE id = ?");
  update.bind(0, subject.label);
  update.bind(1, subject.dataset);
  update.bind(2, subject.split);
  update.bind(3, subject.layout);
  update.bind(4, subject.float_accuracy);
  update.bind(5, subject.sparsity);
  update.bind(6, id);
  update.step();
  transaction.commit();
  return id;
}

std::vector<Subject> Store::subjects() const {
  sqlite::Statement select(impl_->database, store_format::select_subjects("ORDER BY id"));
  std::vector<Subject> subjects;
  while (select.step()) {
    subjects.push_back(checked_subject(impl_->database, store_format::read_subject(select)));
  }
  return subjects;
}

std::optional<Subject> Store::find_subject(const std::string& key) const {
  sqlite::Statement select(impl_->database, store_format::select_subjects("WHERE key = ?"));
  select.bind(0, key);
  if (!select.step()) return std::nullopt;
  return checked_subject(impl_->database, store_format::read_subject(select));
}

std::uint64_t Store::append(std::int64_t subject, const std::vector<Trial>& trials) {
  sqlite::Transaction transaction(impl_->database);
  sqlite::Statement insert(impl_->database, store_format::insert_trial());
  const std::int64_t now = milliseconds_now();
  std::uint64_t added = 0;
  for (const Trial& trial : trials) {
    store_format::bind_trial(insert, subject, trial, now);
    insert.step();
    const bool fresh = impl_->database.changed_rows() > 0;
    insert.reset();
    if (!fresh) impl_->meet_stored(subject, trial);
    added += fresh;
  }
  transaction.commit();
  return added;
}

void Store::visit_trials(const std::string& subject_key, Answers answers,
                         const std::function<void(const Trial&)>& visit,
                         const MapRange& maps) const {
  const auto subject = impl_->subject_id(subject_key);
  if (!subject || maps.first >= maps.last) return;
  constexpr std::uint64_t half = std::uint64_t{1} << 63;
  const std::uint64_t last = maps.last == MapRange{}.last ? maps.last : maps.last - 1;
  sqlite::Statement select(
      impl_->database,
      store_format::select_trials(answers,
                                  "WHERE subject = ? AND kind = ? AND rate = ? AND map BETWEEN ? "
                                  "AND ? ORDER BY map"));
  const auto visit_range = [&](const Cell& cell, std::uint64_t from, std::uint64_t to) {
    if (from > to) return;
    select.reset();
    select.bind(0, *subject);
    select.bind(1, std::string_view(cell.kind));
    select.bind(2, cell.rate);
    select.bind(3, from);
    select.bind(4, to);
    while (select.step()) visit(store_format::read_trial(select, answers));
  };
  // Cell by cell, because the index leads with kind and rate: a window of maps is then a few jumps
  // and not a scan. Ids are unsigned and SQLite's integers are not: the upper half comes last.
  Cell cell;
  while (impl_->next_cell(*subject, cell)) {
    visit_range(cell, maps.first, std::min(last, half - 1));
    visit_range(cell, std::max(maps.first, half), last);
  }
}

std::vector<Trial> Store::trials(const std::string& subject_key, Answers answers) const {
  std::vector<Trial> trials;
  visit_trials(subject_key, answers, [&](const Trial& trial) { trials.push_back(trial); });
  std::ranges::stable_sort(trials, {}, &Trial::kind);
  return trials;
}

std::optional<Trial> Store::find_trial(const std::string& subject_key, const Trial& trial) const {
  sqlite::Statement select(
      impl_->database,
      store_format::select_trials(
          Answers::load, fmt::format("{} AND kind = ? AND rate = ? AND map = ?", kOfSubject)));
  select.bind(0, std::string_view(subject_key));
  select.bind(1, to_string(trial.kind));
  select.bind(2, trial.rate);
  select.bind(3, trial.map);
  if (!select.step()) return std::nullopt;
  return store_format::read_trial(select, Answers::load);
}

void Store::all_or_nothing(const std::function<void()>& work) {
  sqlite::Transaction transaction(impl_->database);
  work();
  transaction.commit();
}

}  // namespace flatenn
