// WriterLock: one writer a file, held by the kernel.
#pragma once

#include <filesystem>
#include <string_view>

namespace flatenn {

/// Holds PATH-lock locked while it lives, and removes it at the end. The lock goes with the
/// process, however that ends. It is a file of its own because SQLite locks the store itself by
/// ranges, which closing any second descriptor of the same file would release.
class WriterLock {
 public:
  /// Throws Error when another program holds the lock; `thing` says what PATH is to a user:
  /// "store".
  WriterLock(const std::filesystem::path& path, std::string_view thing);
  ~WriterLock();
  WriterLock(const WriterLock&) = delete;
  WriterLock& operator=(const WriterLock&) = delete;

 private:
  std::filesystem::path lock_path_;
  int descriptor_ = -1;
};

}  // namespace flatenn
