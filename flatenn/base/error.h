// Errors: a user's mistake is an Error, a bug is an InternalError, a request to stop is
// Interrupted.
#pragma once

#include <fmt/format.h>

#include <stdexcept>
#include <string>
#include <utility>

namespace flatenn {

/// A mistake of the user, or of a file from outside. what() is one clear line: what is wrong, where
/// (file, line, key), and what would be right. The program prints it and exits with code 2.
class Error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// The user asked to stop (Ctrl-C). Everything finished so far is stored; the same command resumes.
class Interrupted : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// A broken promise inside the program. what() names the file and line.
class InternalError : public std::logic_error {
 public:
  using std::logic_error::logic_error;
};

/// Throws Error with a formatted line.
template <class... Args>
[[noreturn]] void fail(fmt::format_string<Args...> format, Args&&... args) {
  throw Error(fmt::format(format, std::forward<Args>(args)...));
}

namespace internal {
[[noreturn]] void assertion_failed(const char* condition, const char* file, int line);
}

/// Stays on in release builds: what it guards costs less than a wrong result.
#define FLATENN_ASSERT(condition) \
  ((condition) ? void(0) : ::flatenn::internal::assertion_failed(#condition, __FILE__, __LINE__))

}  // namespace flatenn
