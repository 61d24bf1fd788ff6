// Store: what was measured. SQLite, one row a trial, append-only.
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
  std::string label;          ///< not part of the key
  std::string model_hash;
  std::string data_hash;      ///< of the very images evaluated
  std::string dataset;        ///< name, not part of the key
  std::string split;          ///< "test" or "validation", not part of the key
  std::string exposure;       ///< patterns, canonical text; "" = all weights
  std::uint64_t images = 0;
  std::uint64_t memory_bits = 0;
  std::uint64_t exposed_bits = 0;
  std::uint64_t seed = 0;     ///< of the fault maps
  double float_accuracy = -1; ///< percent, from the model's header; not part of the key
  double sparsity = -1;       ///< percent, from the model's header; not part of the key
  std::uint64_t clean_correct = 0;  ///< measured without faults; not part of the key
  std::string key() const;
};

/// One trial: one network under one fault map.
struct Trial {
  FaultKind kind = FaultKind::flip;
  double rate = 0;
  std::uint64_t map = 0;
  std::uint64_t correct = 0;
  std::uint64_t faulty_bits = 0;
  std::uint64_t changed_bits = 0;
};

class Store {
 public:
  /// Opens or creates. Throws Error for a damaged file, another version, an unwritable folder.
  static Store open(const std::filesystem::path& path);
  static Store open_read_only(const std::filesystem::path& path);
  ~Store();
  Store(Store&&) noexcept;
  Store& operator=(Store&&) noexcept;

  /// Registers a subject (idempotent); returns its id in this store.
  std::int64_t add_subject(const Subject& subject);
  std::vector<Subject> subjects() const;

  /// Appends trials in one transaction; rows already there are kept (and must be equal: Error if not).
  void append(std::int64_t subject, const std::vector<Trial>& trials);
  /// All trials of a subject, ordered by kind, rate, map.
  std::vector<Trial> trials(const std::string& subject_key) const;

 private:
  struct Impl;
  explicit Store(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace flatenn
