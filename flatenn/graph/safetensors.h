// The safetensors container: named tensors and text, readable from any language.
//
// A file is the header's length (8 bytes, little-endian), the header (JSON: name -> dtype, shape,
// data_offsets; text under "__metadata__"), then the tensors' bytes without gaps.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace flatenn {

/// The element types that model files use.
enum class DType { i8, u8, f32 };
std::string_view to_string(DType dtype);
std::size_t dtype_bytes(DType dtype);

/// One tensor; `bytes` (row-major, little-endian) belong to someone else.
struct TensorView {
  std::string name;
  DType dtype = DType::i8;
  std::vector<std::int64_t> shape;
  std::span<const std::byte> bytes;
};

struct Safetensors {
  std::map<std::string, std::string> metadata;
  std::vector<TensorView> tensors;  ///< in the order of their bytes
};

/// The file's bytes; equal content gives equal bytes. The tensors start at a multiple of 8 bytes.
std::vector<std::byte> write_safetensors(const Safetensors& content);

/// Reads a file; the tensors' bytes point into `bytes`. Throws Error naming `where` when anything
/// is truncated, overlaps, leaves a gap, does not add up, or has another element type.
Safetensors read_safetensors(std::span<const std::byte> bytes, std::string_view where);

}  // namespace flatenn
