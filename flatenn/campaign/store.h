// Store: what was measured. SQLite, one row a trial, append-only.
//
// A row is never changed or removed. Equal results may arrive again (a resumed or repeated
// campaign) and are ignored; a different result for the same trial is an Error, because trials are
// exact. docs/formats.md describes the tables.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

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
  bool operator==(const Trial&) const = default;
};

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
  /// In the order in which they were added.
  std::vector<Subject> subjects() const;
  std::optional<Subject> find_subject(const std::string& key) const;

  /// Appends trials in one transaction; rows already there are kept (and must be equal: Error if
  /// not, and nothing is added).
  void append(std::int64_t subject, const std::vector<Trial>& trials);
  /// All trials of a subject, ordered by kind, rate, map.
  std::vector<Trial> trials(const std::string& subject_key) const;

 private:
  struct Impl;
  explicit Store(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace flatenn
