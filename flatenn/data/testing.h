// Small dataset files made by tests; not part of the library.
#pragma once

#include <zlib.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "flatenn/base/error.h"
#include "flatenn/base/file.h"
#include "flatenn/base/testing.h"

namespace flatenn::test {

using Bytes = std::vector<std::byte>;

inline Bytes bytes(const std::vector<std::uint8_t>& values) {
  const auto view = std::as_bytes(std::span(values));
  return {view.begin(), view.end()};
}

inline Bytes gzip(const Bytes& content) {
  z_stream stream{};
  FLATENN_ASSERT(deflateInit2(&stream, 9, Z_DEFLATED, 16 + MAX_WBITS, 8, Z_DEFAULT_STRATEGY) ==
                 Z_OK);
  Bytes result(deflateBound(&stream, content.size()) + 32);
  std::vector<Bytef> input(content.size() + 1);  // zlib wants a pointer even for nothing
  for (std::size_t i = 0; i < content.size(); ++i) input[i] = std::to_integer<Bytef>(content[i]);
  stream.next_in = input.data();
  stream.avail_in = static_cast<uInt>(content.size());
  stream.next_out = reinterpret_cast<Bytef*>(result.data());
  stream.avail_out = static_cast<uInt>(result.size());
  FLATENN_ASSERT(deflate(&stream, Z_FINISH) == Z_STREAM_END);
  result.resize(stream.total_out);
  deflateEnd(&stream);
  return result;
}

/// An IDX file: header from `shape`, then `values` whatever the shape says.
inline Bytes idx(const std::vector<std::uint32_t>& shape, const std::vector<std::uint8_t>& values) {
  std::vector<std::uint8_t> file = {0, 0, 8, static_cast<std::uint8_t>(shape.size())};
  for (std::uint32_t size : shape) {
    for (int shift = 24; shift >= 0; shift -= 8) {
      file.push_back(static_cast<std::uint8_t>(size >> shift));
    }
  }
  file.insert(file.end(), values.begin(), values.end());
  return bytes(file);
}

/// A CIFAR file of `count` records with `label_bytes` label bytes; record i has the label i % 10
/// (coarse label 0) and pixels that tell the record and the place.
inline Bytes cifar(std::size_t count, std::size_t label_bytes, std::size_t first = 0) {
  std::vector<std::uint8_t> file;
  for (std::size_t i = first; i < first + count; ++i) {
    if (label_bytes == 2) file.push_back(0);
    file.push_back(static_cast<std::uint8_t>(i % 10));
    for (std::size_t p = 0; p < 3072; ++p) file.push_back(static_cast<std::uint8_t>(i * 31 + p));
  }
  return bytes(file);
}

/// A folder of files that goes with the object.
class Folder : public TemporaryFolder {
 public:
  void write(const std::string& name, const Bytes& content) const {
    write_file(*this / name, std::span<const std::byte>(content));
  }
};

}  // namespace flatenn::test
