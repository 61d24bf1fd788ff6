// IDX: the array format of MNIST and its family, plain or gzip.
//
//   0, 0, type (8 = unsigned byte), number of dimensions; then each dimension as a big-endian
//   32-bit number; then the values, row-major.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string_view>
#include <vector>

namespace flatenn {

/// An array of unsigned bytes. values.size() is the product of the shape and is positive.
struct IdxArray {
  std::vector<std::uint32_t> shape;
  std::vector<std::uint8_t> values;
};

/// Reads an array from the bytes of a file; gzip is told by its first bytes. Memory is taken only
/// for what the bytes can really hold. Throws Error naming `where` unless the type is unsigned
/// byte, there are 1 to 4 dimensions, none 0, and the values are exactly as many as the shape
/// promises.
IdxArray parse_idx(std::span<const std::byte> bytes, std::string_view where);

/// The same from a file.
IdxArray load_idx(const std::filesystem::path& path);

}  // namespace flatenn
