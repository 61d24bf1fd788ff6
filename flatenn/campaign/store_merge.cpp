#include "flatenn/campaign/store_merge.h"

#include <functional>
#include <optional>
#include <string>

#include "flatenn/base/error.h"
#include "flatenn/campaign/store.h"
#include "flatenn/campaign/store_check.h"
#include "flatenn/campaign/store_format.h"

namespace flatenn {
namespace {

namespace fs = std::filesystem;

/// Trials that go into the output at once.
constexpr std::size_t kBatch = 1000;

/// One merge: what was there and what comes in.
class Merge {
 public:
  Merge(const std::vector<fs::path>& inputs, const fs::path& output, Store& target,
        const Context& context)
      : inputs_(inputs), output_(output), target_(target), context_(context) {}

  MergeReport run() {
    target_.all_or_nothing([this] {
      for (current_ = 0; current_ < inputs_.size(); ++current_) add(inputs_[current_]);
      throw_if_stopped(context_);
    });
    for (const Subject& subject : target_.subjects()) {
      ++report_.subjects;
      target_.visit_trials(subject.key(), Answers::skip,
                           [this](const Trial&) { ++report_.trials; });
    }
    return report_;
  }

 private:
  void add(const fs::path& path) {
    const Store input = Store::open_read_only(path);
    for (const Subject& subject : input.subjects()) {
      const std::string key = subject.key();
      check_sound(subject, path);
      check_clean(subject, path);
      const std::int64_t id = target_.merge_subject(subject);
      std::vector<Trial> batch;
      input.visit_trials(key, Answers::load, [&](const Trial& trial) {
        check_sound(subject, trial, path);
        batch.push_back(trial);
        if (batch.size() == kBatch) append(id, subject, batch, path);
      });
      append(id, subject, batch, path);
    }
  }

  void append(std::int64_t id, const Subject& subject, std::vector<Trial>& batch,
              const fs::path& path) {
    throw_if_stopped(context_);
    try {
      report_.added += target_.append(id, batch);
    } catch (const TrialConflict& conflict) {
      const std::string key = subject.key();
      const fs::path other = first_holder([&](const Store& store) {
        const auto held = store.find_trial(key, conflict.offered);
        return held && contradict(*held, conflict.offered);
      });
      fail("{} and {} contradict each other: '{}', {}: {} in the one, {} in the other",
           other.string(), path.string(), subject.label, trial_name(conflict.offered),
           trial_result(conflict.stored), trial_result(conflict.offered));
    }
    batch.clear();
  }

  void check_clean(const Subject& subject, const fs::path& path) const {
    const auto stored = target_.find_subject(subject.key());
    if (!stored || stored->clean_correct == subject.clean_correct) return;
    const fs::path other = first_holder(
        [&](const Store& store) { return store.find_subject(subject.key()).has_value(); });
    fail(
        "{} and {} contradict each other: '{}' has {} of {} images right without faults in the "
        "one, {} in the other",
        other.string(), path.string(), subject.label, stored->clean_correct, subject.images,
        subject.clean_correct);
  }

  static void check_sound(const Subject& subject, const fs::path& path) {
    const std::string problem = subject_problem(subject);
    if (problem.empty()) return;
    fail("{}: the store is damaged ('{}': {}); 'flatenn store check' says more", path.string(),
         subject.label, problem);
  }

  static void check_sound(const Subject& subject, const Trial& trial, const fs::path& path) {
    const std::string problem = trial_problem(subject, trial);
    if (problem.empty()) return;
    fail("{}: the store is damaged ('{}', {}: {}); 'flatenn store check' says more", path.string(),
         subject.label, trial_name(trial), problem);
  }

  /// The input before the current one for which `holds` is true; else it must be the output.
  fs::path first_holder(const std::function<bool(const Store&)>& holds) const {
    for (std::size_t i = 0; i < current_; ++i) {
      if (holds(Store::open_read_only(inputs_[i]))) return inputs_[i];
    }
    return output_;
  }

  const std::vector<fs::path>& inputs_;
  const fs::path& output_;
  Store& target_;
  const Context& context_;
  std::size_t current_ = 0;
  MergeReport report_;
};

/// Folders above `path` that are not there, innermost first.
std::vector<fs::path> missing_folders(const fs::path& path) {
  std::vector<fs::path> missing;
  std::error_code error;
  for (fs::path folder = path.parent_path(); !folder.empty() && !fs::exists(folder, error);
       folder = folder.parent_path()) {
    missing.push_back(folder);
  }
  return missing;
}

void check_paths(const std::vector<fs::path>& inputs, const fs::path& output) {
  if (inputs.empty()) fail("{}: no stores to merge into it", output.string());
  for (const fs::path& input : inputs) {
    store_format::require_store(input);
    std::error_code error;
    if (!fs::equivalent(input, output, error)) continue;
    fail("{}: is the output and an input; leave it out of the inputs, what it holds stays",
         output.string());
  }
  store_format::check_header(output);
}

}  // namespace

MergeReport merge_stores(const std::vector<fs::path>& inputs, const fs::path& output,
                         const Context& context) {
  check_paths(inputs, output);
  std::error_code error;
  const bool existed = fs::exists(output, error);
  const std::vector<fs::path> new_folders = missing_folders(output);
  bool is_ours = false;
  std::optional<Store> target;
  try {
    target.emplace(Store::open(output));
    // Another program may have made it, and be done with it, between the two looks.
    is_ours = !existed && target->subjects().empty();
    return Merge(inputs, output, *target, context).run();
  } catch (...) {
    // The files go before the lock: nobody may open what is about to vanish.
    if (is_ours) {
      for (const char* suffix : {"", "-wal", "-shm"}) fs::remove(output.string() + suffix, error);
    }
    target.reset();
    for (const fs::path& folder : new_folders) fs::remove(folder, error);
    throw;
  }
}

}  // namespace flatenn
