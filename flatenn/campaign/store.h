// Store: what was measured. SQLite, one row a trial, append-only.
//
// A result is never changed or removed. Equal results may arrive again (a resumed or repeated
// campaign) and are ignored, but that per-image results are added to a row without them; a
// different result for the same trial is an Error, because trials are exact. docs/formats.md
// describes the tables.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "flatenn/base/error.h"
#include "flatenn/memory/fault_map.h"

namespace flatenn {

/// What determines the trials of one network under one exposure on one set of images. Its hash is
/// the key of every row: change anything and other rows are meant.
struct Subject {
  std::string label;  ///< not part of the key
  std::string model_hash;
  std::string data_hash;  ///< of the very images evaluated
  std::string dataset;    ///< name, not part of the key
  std::string split;      ///< "test" or "validation", not part of the key
  std::string exposure;   ///< patterns, canonical text; "" = all weights
  std::string source;     ///< where faulty cells come from, canonical text; "" = independent cells
  std::string
      layout;  ///< of the memory: MemoryLayout::text; not part of the key, the model implies it
  std::uint64_t images = 0;
  std::uint64_t memory_bits = 0;
  std::uint64_t exposed_bits = 0;
  std::uint64_t seed = 0;           ///< of the fault maps
  double float_accuracy = -1;       ///< percent, from the model's header; not part of the key
  double sparsity = -1;             ///< percent, from the model's header; not part of the key
  std::uint64_t clean_correct = 0;  ///< measured without faults; not part of the key
  std::string key() const;
  bool operator==(const Subject&) const = default;
};

/// One trial: one network under one fault map.
struct Trial {
  FaultKind kind = FaultKind::flip;
  double rate = 0;
  std::uint64_t map = 0;
  std::uint64_t correct = 0;
  std::uint64_t faulty_bits = 0;
  std::uint64_t changed_bits = 0;
  std::uint64_t answers_changed = 0;  ///< images classed otherwise than without faults
  /// Which images were classified rightly: image i is bit i % 8 of byte i / 8, the bits after the
  /// last image are 0. Empty when not recorded.
  std::vector<std::uint8_t> right = {};
  bool operator==(const Trial&) const = default;
};

/// Whether the two cannot both be the result of one trial. Per-image results that only one of them
/// has are no contradiction.
bool contradict(const Trial& a, const Trial& b);

/// "flip at rate 0.01, map 3".
std::string trial_name(const Trial& trial);
/// "51 correct, 40 of 44 faulty bits changed, 12 answers changed".
std::string trial_result(const Trial& trial);

/// Two results for one trial.
class TrialConflict : public Error {
 public:
  TrialConflict(const std::string& line, Trial stored_trial, Trial new_trial);
  Trial stored;
  Trial offered;
};

/// Ids of fault maps in [first, last).
struct MapRange {
  std::uint64_t first = 0;
  std::uint64_t last = std::numeric_limits<std::uint64_t>::max();
  bool contains(std::uint64_t map) const { return map >= first && map < last; }
  bool operator==(const MapRange&) const = default;
};

/// Whether to read Trial::right, by far the largest part of a row.
enum class Answers { skip, load };

class Store {
 public:
  /// Opens or creates for writing. One writer at a time: the kernel holds the lock, so a killed
  /// process leaves none. Throws Error for a store that another program is writing, a damaged file,
  /// a file that is not a store, another version, an unwritable folder; the file stays untouched.
  static Store open(const std::filesystem::path& path);
  /// Opens for reading, also while a campaign writes.
  static Store open_read_only(const std::filesystem::path& path);
  ~Store();
  Store(Store&&) noexcept;
  Store& operator=(Store&&) noexcept;

  /// Registers a subject (idempotent; what is not part of the key stays as first told). Returns its
  /// id in this store. Throws Error when clean_correct differs from what is stored.
  std::int64_t add_subject(const Subject& subject);
  /// The same, but what is not part of the key becomes a function of all that was ever told, in
  /// whatever order: the least text byte by byte, the largest float_accuracy and sparsity.
  std::int64_t merge_subject(const Subject& subject);
  /// In the order in which they were added. Throws Error for a key that does not fit its subject.
  std::vector<Subject> subjects() const;
  std::optional<Subject> find_subject(const std::string& key) const;

  /// Appends trials in one transaction; rows already there are kept and must not contradict
  /// (TrialConflict if they do, and nothing is added). Per-image results join a row without them.
  /// Returns the number of rows that are new.
  std::uint64_t append(std::int64_t subject, const std::vector<Trial>& trials);
  /// All trials of a subject, ordered by kind, rate, map.
  std::vector<Trial> trials(const std::string& subject_key, Answers answers = Answers::skip) const;
  /// The same one by one, ordered by the kind's name, rate, map; holds one in memory.
  void visit_trials(const std::string& subject_key, Answers answers,
                    const std::function<void(const Trial&)>& visit,
                    const MapRange& maps = {}) const;
  /// The stored result of the trial with this kind, rate and map, Trial::right included.
  std::optional<Trial> find_trial(const std::string& subject_key, const Trial& trial) const;

  /// One transaction around `work`: when it throws, nothing that it added stays.
  void all_or_nothing(const std::function<void()>& work);

 private:
  struct Impl;
  explicit Store(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace flatenn
