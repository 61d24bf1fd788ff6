#include "flatenn/campaign/store_check.h"

#include <algorithm>
#include <bit>
#include <functional>
#include <map>
#include <span>
#include <utility>

#include "flatenn/base/error.h"
#include "flatenn/campaign/exposed_network.h"
#include "flatenn/campaign/sqlite.h"
#include "flatenn/campaign/store_format.h"
#include "flatenn/memory/layout.h"

namespace flatenn {
namespace {

std::uint64_t ones(std::span<const std::uint8_t> bytes) {
  std::uint64_t count = 0;
  for (const std::uint8_t byte : bytes) count += static_cast<std::uint64_t>(std::popcount(byte));
  return count;
}

std::uint64_t distance(std::uint64_t a, std::uint64_t b) { return a < b ? b - a : a - b; }

/// What is wrong with per-image results; "" when nothing is.
std::string right_problem(const Subject& subject, const Trial& trial) {
  const std::uint64_t bytes = subject.images / 8 + (subject.images % 8 != 0);
  if (trial.right.size() != bytes) {
    return fmt::format("{} bytes of per-image results, but {} images need {}", trial.right.size(),
                       subject.images, bytes);
  }
  if (subject.images % 8 != 0 && trial.right.back() >> subject.images % 8 != 0) {
    return "per-image results go on after the last image";
  }
  if (ones(trial.right) != trial.correct) {
    return fmt::format("{} images right one by one, but {} in all", ones(trial.right),
                       trial.correct);
  }
  return "";
}

/// One check of a store: collects what is wrong.
class Check {
 public:
  explicit Check(const std::filesystem::path& path)
      : database_(path.string(), sqlite::Access::read) {}

  StoreReport run() {
    // A damaged page can end any of these; what was found before still counts.
    guarded([this] { pages(); });
    guarded([this] { tables(); });
    guarded([this] { foreign_keys(); });
    guarded([this] { subjects(); });
    guarded([this] { trials(); });
    return std::move(report_);
  }

 private:
  void guarded(const std::function<void()>& part) {
    try {
      part();
    } catch (const Error& error) {
      const std::string line = error.what();
      const std::string prefix = database_.path() + ": ";
      problem(line.starts_with(prefix) ? line.substr(prefix.size()) : line);
    }
  }

  void problem(std::string line) {
    std::ranges::replace(line, '\n', ' ');
    if (std::ranges::find(report_.problems, line) != report_.problems.end()) return;
    if (report_.problems.size() < kMaxStoreProblems) {
      report_.problems.push_back(std::move(line));
    } else {
      ++report_.more;
    }
  }

  void pages() {
    sqlite::Statement check(database_, "PRAGMA integrity_check");
    while (check.step()) {
      if (check.text(0) != "ok") problem(check.text(0));
    }
  }

  void tables() {
    const std::map<std::string, std::string_view> expected = {
        {"subject", store_format::kSubjectTable}, {"trial", store_format::kTrialTable}};
    std::size_t found = 0;
    sqlite::Statement select(database_,
                             "SELECT name, sql FROM sqlite_schema WHERE sql IS NOT NULL");
    while (select.step()) {
      const auto table = expected.find(select.text(0));
      if (table == expected.end()) {
        problem(fmt::format("'{}' does not belong into a store", select.text(0)));
      } else if (select.text(1) != table->second) {
        problem(fmt::format("table {} is another than this version makes", table->first));
      }
      found += table != expected.end();
    }
    if (found != expected.size()) problem("a table is missing");
  }

  void foreign_keys() {
    sqlite::Statement check(database_, "PRAGMA foreign_key_check");
    std::uint64_t count = 0;
    while (check.step()) ++count;
    if (count > 0) problem(fmt::format("{} trials of a subject that is not there", count));
  }

  void subjects() {
    sqlite::Statement select(database_, store_format::select_subjects("ORDER BY id"));
    while (select.step()) {
      store_format::SubjectRow row = store_format::read_subject(select);
      const std::string what =
          row.key != row.subject.key() ? "the key is not its own" : subject_problem(row.subject);
      if (!what.empty()) problem(fmt::format("subject '{}': {}", row.subject.label, what));
      ++report_.subjects;
      subjects_.emplace(row.id, std::move(row.subject));
    }
  }

  void trials() {
    for (const auto& [id, subject] : subjects_) {
      sqlite::Statement select(database_,
                               store_format::select_trials(Answers::load, "WHERE subject = ?"));
      select.bind(0, id);
      while (select.step()) {
        ++report_.trials;
        check_trial(subject, select);
      }
    }
  }

  void check_trial(const Subject& subject, const sqlite::Statement& row) {
    std::string name;
    std::string what;
    try {
      const Trial trial = store_format::read_trial(row, Answers::load);
      report_.per_image += !trial.right.empty();
      name = trial_name(trial);
      what = trial_problem(subject, trial);
    } catch (const Error& unknown_kind) {
      name = fmt::format("rate {}, map {}", row.real(1), row.unsigned_integer(2));
      what = unknown_kind.what();
    }
    if (!what.empty()) problem(fmt::format("subject '{}', {}: {}", subject.label, name, what));
  }

  bool has_log_ = false;
  sqlite::Database database_;
  StoreReport report_;
  std::map<std::int64_t, Subject> subjects_;
};

}  // namespace

std::string subject_problem(const Subject& subject) {
  if (subject.images == 0) return "no images";
  if (subject.clean_correct > subject.images) {
    return fmt::format("{} of {} images right without faults", subject.clean_correct,
                       subject.images);
  }
  if (subject.exposed_bits > subject.memory_bits) {
    return fmt::format("{} of {} bits exposed", subject.exposed_bits, subject.memory_bits);
  }
  try {
    const MemoryParts parts = parse_exposure_text(subject.exposure).parts;
    const MemoryLayout layout = MemoryLayout::parse(subject.layout, parts);
    const Protection protection = parse_source_protection(subject.source);
    if (!subject.layout.empty()) {
      check_protection(protection, layout);
      if (protected_cells(protection, layout) != subject.memory_bits) {
        return fmt::format("the layout has not the {} bits of the memory", subject.memory_bits);
      }
    }
  } catch (const Error& error) {
    return error.what();
  }
  // Also false for NaN; a negative number says "not measured".
  if (!(subject.float_accuracy <= 100)) return "the float accuracy is above 100 %";
  if (!(subject.sparsity <= 100)) return "the sparsity is above 100 %";
  return "";
}

std::string trial_problem(const Subject& subject, const Trial& trial) {
  if (!(trial.rate >= 0 && trial.rate <= 1)) return "the rate is outside [0, 1]";
  if (trial.correct > subject.images) {
    return fmt::format("{} of {} images right", trial.correct, subject.images);
  }
  if (trial.answers_changed > subject.images) {
    return fmt::format("{} of {} answers changed", trial.answers_changed, subject.images);
  }
  if (distance(trial.correct, subject.clean_correct) > trial.answers_changed) {
    return fmt::format("{} images right and {} without faults, but only {} answers changed",
                       trial.correct, subject.clean_correct, trial.answers_changed);
  }
  if (trial.faulty_bits > subject.exposed_bits) {
    return fmt::format("{} faulty bits, but {} exposed", trial.faulty_bits, subject.exposed_bits);
  }
  if (trial.changed_bits > trial.faulty_bits) {
    return fmt::format("{} bits changed, but {} faulty", trial.changed_bits, trial.faulty_bits);
  }
  return trial.right.empty() ? "" : right_problem(subject, trial);
}

StoreReport check_store(const std::filesystem::path& path) {
  store_format::require_store(path);
  return Check(path).run();
}

}  // namespace flatenn
