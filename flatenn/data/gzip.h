// Gzip data read piece by piece, so that the reader decides how much memory a stream may take.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace flatenn {

/// Whether the bytes begin as gzip data does (RFC 1952).
bool is_gzip(std::span<const std::byte> bytes);

/// Bound on what `compressed` bytes of deflate data can expand to (RFC 1951: a symbol of at least
/// two bits, length and distance, stands for at most 258 bytes).
std::uint64_t max_inflated_size(std::uint64_t compressed);

/// Decompresses one gzip member. Throws Error naming `where` when the stream is damaged, truncated
/// or followed by other data. The bytes must outlive the reader.
class GzipReader {
 public:
  GzipReader(std::span<const std::byte> bytes, std::string_view where);
  ~GzipReader();
  GzipReader(const GzipReader&) = delete;
  GzipReader& operator=(const GzipReader&) = delete;

  /// Fills `out` and returns its size, or fewer bytes at the end of the stream. The checksum is
  /// proved once a read has met that end.
  std::size_t read(std::span<std::byte> out);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace flatenn
