#include "flatenn/base/file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <system_error>
#include <utility>

#include "flatenn/base/error.h"

namespace flatenn {
namespace {

namespace fs = std::filesystem;

std::string reason(int error) { return std::generic_category().message(error); }

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return fd_; }
  /// Some file systems report a full disk only here.
  int close() { return ::close(std::exchange(fd_, -1)); }

 private:
  int fd_;
};

template <class Container>
Container read_whole(const fs::path& path, std::uint64_t limit) {
  // O_NONBLOCK: opening a pipe without a writer must not wait.
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (file.get() < 0) fail("{}: cannot read: {}", path.string(), reason(errno));
  struct stat status {};
  if (::fstat(file.get(), &status) != 0) fail("{}: {}", path.string(), reason(errno));
  if (!S_ISREG(status.st_mode)) fail("{}: not a regular file", path.string());
  const auto size = static_cast<std::uint64_t>(status.st_size);
  if (size > limit) {
    fail("{}: {} bytes, more than the {} expected at most", path.string(), size, limit);
  }
  Container bytes(size, typename Container::value_type{});
  std::uint64_t done = 0;
  while (done < size) {
    const ssize_t n = ::read(file.get(), bytes.data() + done, size - done);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) fail("{}: cannot read: {}", path.string(), reason(errno));
    if (n == 0) fail("{}: became shorter while it was read", path.string());
    done += static_cast<std::uint64_t>(n);
  }
  return bytes;
}

/// A file beside the target that vanishes unless renamed.
class Temporary {
 public:
  explicit Temporary(const fs::path& target) {
    static std::atomic<unsigned> counter{0};
    path_ = target;
    path_ += fmt::format(".{}-{}.tmp", ::getpid(), counter++);
  }
  ~Temporary() {
    if (!renamed_) ::unlink(path_.c_str());
  }
  Temporary(const Temporary&) = delete;
  Temporary& operator=(const Temporary&) = delete;
  const fs::path& path() const { return path_; }
  bool rename_to(const fs::path& target) {
    return renamed_ = ::rename(path_.c_str(), target.c_str()) == 0;
  }

 private:
  fs::path path_;
  bool renamed_ = false;
};

bool write_all(int fd, std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t n = ::write(fd, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return false;
    bytes = bytes.subspan(static_cast<std::size_t>(n));
  }
  return true;
}

/// Makes the rename itself durable. Not every file system can; the content is safe either way.
void sync_folder(const fs::path& folder) {
  const Descriptor directory(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (directory.get() >= 0) ::fsync(directory.get());
}

}  // namespace

std::vector<std::byte> read_file(const fs::path& path, std::uint64_t limit) {
  return read_whole<std::vector<std::byte>>(path, limit);
}

std::string read_text_file(const fs::path& path, std::uint64_t limit) {
  return read_whole<std::string>(path, limit);
}

void write_file(const fs::path& path, std::span<const std::byte> bytes) {
  struct stat status {};
  // Renaming over /dev/null would replace the device.
  if (::stat(path.c_str(), &status) == 0 && !S_ISREG(status.st_mode)) {
    fail("{}: cannot write: not a regular file", path.string());
  }
  Temporary temporary(path);
  Descriptor file(::open(temporary.path().c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666));
  if (file.get() < 0) fail("{}: cannot write: {}", path.string(), reason(errno));
  if (!write_all(file.get(), bytes) || ::fsync(file.get()) != 0 || file.close() != 0 ||
      !temporary.rename_to(path)) {
    fail("{}: cannot write: {}", path.string(), reason(errno));
  }
  sync_folder(path.has_parent_path() ? path.parent_path() : fs::path("."));
}

void write_file(const fs::path& path, std::string_view text) {
  write_file(path, std::as_bytes(std::span(text)));
}

void make_folder(const fs::path& path) {
  std::error_code error;
  fs::create_directories(path, error);
  if (error) fail("{}: cannot create the folder: {}", path.string(), error.message());
  if (!fs::is_directory(path, error)) fail("{}: exists but is not a folder", path.string());
}

}  // namespace flatenn
