#include "flatenn/graph/safetensors.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <utility>

#include "flatenn/base/error.h"
#include "flatenn/graph/strict_json.h"

namespace flatenn {
namespace {

static_assert(std::endian::native == std::endian::little,
              "tensors are stored and used little-endian without conversion");

using nlohmann::json;
using nlohmann::ordered_json;

constexpr std::size_t length_bytes = 8;
constexpr std::uint64_t max_header = 16 << 20;
constexpr DType dtypes[] = {DType::i8, DType::u8, DType::f32};

DType parse_dtype(const std::string& name, std::string_view where) {
  for (const DType dtype : dtypes) {
    if (name == to_string(dtype)) return dtype;
  }
  fail("{}: dtype '{:.20}'; must be I8, U8 or F32", where, name);
}

/// A list of whole numbers >= 0.
std::vector<std::int64_t> read_sizes(JsonReader& reader, const std::string& key) {
  std::vector<std::int64_t> sizes;
  for (const json& element : reader.array(key)) {
    if (!element.is_number_unsigned() || element.get<std::uint64_t>() > std::uint64_t{1} << 62) {
      fail("{}: '{}' must hold whole numbers >= 0", reader.where(), key);
    }
    sizes.push_back(element.get<std::int64_t>());
  }
  return sizes;
}

/// Bytes that a tensor of that shape has. Throws Error when they leave 64 bits.
std::int64_t shape_bytes(const TensorView& tensor, std::string_view where) {
  auto bytes = static_cast<std::int64_t>(dtype_bytes(tensor.dtype));
  for (const std::int64_t size : tensor.shape) {
    if (__builtin_mul_overflow(bytes, size, &bytes)) {
      fail("{}: its shape has more elements than any file", where);
    }
  }
  return bytes;
}

/// One header entry; returns the tensor and where its bytes begin.
std::pair<std::int64_t, TensorView> read_tensor(const std::string& name, const json& entry,
                                                std::span<const std::byte> data,
                                                std::string_view file) {
  JsonReader reader(entry, fmt::format("{}: tensor '{:.100}'", file, name));
  TensorView tensor;
  tensor.name = name;
  tensor.dtype = parse_dtype(reader.text("dtype"), reader.where());
  tensor.shape = read_sizes(reader, "shape");
  const std::vector<std::int64_t> offsets = read_sizes(reader, "data_offsets");
  reader.refuse_unknown_keys();
  if (offsets.size() != 2 || offsets[0] > offsets[1] ||
      offsets[1] > static_cast<std::int64_t>(data.size())) {
    fail("{}: its data_offsets must be [begin, end] within the file's {} bytes of data",
         reader.where(), data.size());
  }
  const std::int64_t size = offsets[1] - offsets[0];
  if (const std::int64_t expected = shape_bytes(tensor, reader.where()); size != expected) {
    fail("{}: its data_offsets hold {} bytes, its shape {}", reader.where(), size, expected);
  }
  tensor.bytes = data.subspan(offsets[0], size);
  return {offsets[0], std::move(tensor)};
}

std::map<std::string, std::string> read_metadata(const json& header, std::string_view where) {
  std::map<std::string, std::string> metadata;
  const auto it = header.find("__metadata__");
  if (it == header.end()) return metadata;
  JsonReader reader(*it, fmt::format("{}: __metadata__", where));
  for (const auto& [key, unused] : it->items()) metadata[key] = reader.text(key);
  return metadata;
}

}  // namespace

std::string_view to_string(DType dtype) {
  constexpr std::string_view names[] = {"I8", "U8", "F32"};
  return names[static_cast<int>(dtype)];
}

std::size_t dtype_bytes(DType dtype) { return dtype == DType::f32 ? 4 : 1; }

std::vector<std::byte> write_safetensors(const Safetensors& content) {
  ordered_json header;
  if (!content.metadata.empty()) header["__metadata__"] = content.metadata;
  std::size_t end = 0;
  for (const TensorView& tensor : content.tensors) {
    const std::size_t begin = end;
    end += tensor.bytes.size();
    FLATENN_ASSERT(shape_bytes(tensor, tensor.name) ==
                   static_cast<std::int64_t>(tensor.bytes.size()));
    FLATENN_ASSERT(!header.contains(tensor.name));
    header[tensor.name] = {{"dtype", to_string(tensor.dtype)},
                           {"shape", tensor.shape},
                           {"data_offsets", {begin, end}}};
  }
  std::string text = header.is_null() ? "{}" : header.dump();
  text.resize((text.size() + 7) / 8 * 8, ' ');
  const std::uint64_t length = text.size();
  std::vector<std::byte> bytes(length_bytes + length + end);
  std::memcpy(bytes.data(), &length, length_bytes);
  std::memcpy(bytes.data() + length_bytes, text.data(), text.size());
  auto out = bytes.begin() + static_cast<std::ptrdiff_t>(length_bytes + length);
  for (const TensorView& tensor : content.tensors) {
    out = std::copy(tensor.bytes.begin(), tensor.bytes.end(), out);
  }
  return bytes;
}

Safetensors read_safetensors(std::span<const std::byte> bytes, std::string_view where) {
  if (bytes.size() < length_bytes) {
    fail("{}: not a safetensors file: {} bytes, must have at least {}", where, bytes.size(),
         length_bytes);
  }
  std::uint64_t length = 0;
  std::memcpy(&length, bytes.data(), length_bytes);
  const std::uint64_t rest = bytes.size() - length_bytes;
  if (length > rest) {
    fail("{}: truncated, or not a safetensors file: its header should have {} bytes, {} are there",
         where, length, rest);
  }
  if (length > max_header) {
    fail("{}: its header has {} bytes, more than the {} allowed", where, length, max_header);
  }
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()) + length_bytes, length);
  const std::span<const std::byte> data = bytes.subspan(length_bytes + length);
  const std::string header_name = fmt::format("{}: header", where);
  const json header = parse_strict_json(text, header_name);
  if (!header.is_object()) fail("{}: must be a JSON object", header_name);

  std::vector<std::pair<std::int64_t, TensorView>> placed;
  for (const auto& [name, entry] : header.items()) {
    if (name != "__metadata__") placed.push_back(read_tensor(name, entry, data, where));
  }
  // Empty tensors go before the tensor that begins where they lie.
  std::sort(placed.begin(), placed.end(), [](const auto& a, const auto& b) {
    return std::pair(a.first, a.second.bytes.size()) < std::pair(b.first, b.second.bytes.size());
  });
  Safetensors content;
  content.metadata = read_metadata(header, where);
  std::int64_t end = 0;
  for (auto& [begin, tensor] : placed) {
    if (begin != end) {
      fail(
          "{}: tensor '{:.100}' begins at byte {} of the data, must begin at {} (no gap or "
          "overlap)",
          where, tensor.name, begin, end);
    }
    end += static_cast<std::int64_t>(tensor.bytes.size());
    content.tensors.push_back(std::move(tensor));
  }
  if (end != static_cast<std::int64_t>(data.size())) {
    fail("{}: {} bytes of data, but the tensors end at {}", where, data.size(), end);
  }
  return content;
}

}  // namespace flatenn
