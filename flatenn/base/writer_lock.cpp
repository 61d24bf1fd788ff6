#include "flatenn/base/writer_lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "flatenn/base/error.h"

namespace flatenn {
namespace {

/// Whether the name still leads to the open file: its last holder removes it.
bool same_file(int descriptor, const std::filesystem::path& path) {
  struct stat open_file {};
  struct stat named {};
  return fstat(descriptor, &open_file) == 0 && stat(path.c_str(), &named) == 0 &&
         open_file.st_ino == named.st_ino && open_file.st_dev == named.st_dev;
}

}  // namespace

WriterLock::WriterLock(const std::filesystem::path& path, std::string_view thing)
    : lock_path_(path.string() + "-lock") {
  for (;;) {
    descriptor_ = ::open(lock_path_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (descriptor_ < 0) fail("{}: cannot write here: {}", path.string(), std::strerror(errno));
    if (flock(descriptor_, LOCK_EX | LOCK_NB) != 0) {
      const bool held = errno == EWOULDBLOCK;
      const std::string why = std::strerror(errno);
      ::close(descriptor_);
      if (held) {
        fail("{}: another program is writing this {}; wait for it or choose another {}",
             path.string(), thing, thing);
      }
      fail("{}: cannot lock the {}: {}", path.string(), thing, why);
    }
    if (same_file(descriptor_, lock_path_)) return;
    ::close(descriptor_);
  }
}

WriterLock::~WriterLock() {
  ::unlink(lock_path_.c_str());
  ::close(descriptor_);
}

}  // namespace flatenn
