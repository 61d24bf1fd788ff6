#include "flatenn/data/idx.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <functional>
#include <string>

#include "flatenn/base/error.h"
#include "flatenn/base/file.h"
#include "flatenn/data/gzip.h"

namespace flatenn {
namespace {

// Where the bytes come from: fills the span, or returns fewer at the end.
using Read = std::function<std::size_t(std::span<std::byte>)>;

void read_header_part(const Read& read, std::span<std::byte> part, std::string_view where) {
  if (read(part) != part.size()) fail("{}: too short for an IDX header", where);
}

std::vector<std::uint32_t> read_shape(const Read& read, std::string_view where) {
  std::array<std::byte, 4> word;
  read_header_part(read, word, where);
  constexpr int unsigned_byte = 8;
  const int type = std::to_integer<int>(word[2]);
  const int dimensions = std::to_integer<int>(word[3]);
  if (word[0] != std::byte{0} || word[1] != std::byte{0}) {
    fail("{}: not an IDX file (it must begin with two zero bytes)", where);
  }
  if (type != unsigned_byte) {
    fail("{}: IDX values of type {:#04x}; only unsigned bytes (0x08) can be read", where, type);
  }
  if (dimensions < 1 || dimensions > 4) {
    fail("{}: IDX array of {} dimensions; 1 to 4 can be read", where, dimensions);
  }
  std::vector<std::uint32_t> shape;
  for (int i = 0; i < dimensions; ++i) {
    read_header_part(read, word, where);
    std::uint32_t size = 0;
    for (std::byte b : word) size = size << 8 | std::to_integer<std::uint32_t>(b);
    shape.push_back(size);
  }
  return shape;
}

// Number of values, at most `limit`: more cannot be in the file, so nothing is allocated for them.
std::uint64_t checked_count(const std::vector<std::uint32_t>& shape, std::uint64_t limit,
                            std::string_view where) {
  const std::string text = fmt::format("{}", fmt::join(shape, "x"));
  std::uint64_t count = 1;
  for (std::uint32_t size : shape) {
    if (size == 0) fail("{}: empty IDX array ({})", where, text);
    if (count > limit / size) {
      fail("{}: the IDX header promises {} values, more than the file can hold", where, text);
    }
    count *= size;
  }
  return count;
}

IdxArray read_idx(const Read& read, std::uint64_t limit, std::string_view where) {
  IdxArray array;
  array.shape = read_shape(read, where);
  array.values.resize(checked_count(array.shape, limit, where));
  const std::size_t got = read(std::as_writable_bytes(std::span(array.values)));
  if (got != array.values.size()) {
    fail("{}: truncated: the IDX header promises {} values, the file holds {}", where,
         array.values.size(), got);
  }
  std::array<std::byte, 1> more;
  if (read(more) != 0) {
    fail("{}: the file holds more than the {} values that its IDX header promises", where,
         array.values.size());
  }
  return array;
}

}  // namespace

IdxArray parse_idx(std::span<const std::byte> bytes, std::string_view where) {
  if (is_gzip(bytes)) {
    GzipReader reader(bytes, where);
    return read_idx([&](std::span<std::byte> out) { return reader.read(out); },
                    max_inflated_size(bytes.size()), where);
  }
  const std::uint64_t limit = bytes.size();
  const auto read = [&bytes](std::span<std::byte> out) {
    const std::size_t count = std::min(out.size(), bytes.size());
    std::copy_n(bytes.begin(), count, out.begin());
    bytes = bytes.subspan(count);
    return count;
  };
  return read_idx(read, limit, where);
}

IdxArray load_idx(const std::filesystem::path& path) {
  return parse_idx(read_file(path, std::uint64_t{1} << 30), path.string());
}

}  // namespace flatenn
