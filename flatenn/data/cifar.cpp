#include "flatenn/data/cifar.h"

#include <fstream>
#include <map>
#include <string>
#include <system_error>
#include <vector>

#include "flatenn/base/error.h"
#include "flatenn/base/file.h"

namespace flatenn {
namespace {

int checked_label(std::byte label, int classes, std::size_t record, std::string_view where) {
  const int value = std::to_integer<int>(label);
  if (value >= classes) {
    fail("{}: record {} has label {}; labels go from 0 to {}", where, record, value, classes - 1);
  }
  return value;
}

/// The first bytes of a file, which tell most files apart; empty where there is none.
std::string head(const std::filesystem::path& path) {
  std::error_code error;
  if (!std::filesystem::is_regular_file(path, error)) return {};
  std::string bytes(4096, 0);
  std::ifstream file(path, std::ios::binary);
  file.read(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  bytes.resize(static_cast<std::size_t>(file.gcount()));
  return bytes;
}

}  // namespace

void append_cifar(std::span<const std::byte> bytes, CifarLayout layout, std::string_view where,
                  Dataset& data) {
  constexpr std::size_t pixels = 3 * 32 * 32;
  FLATENN_ASSERT(data.image_bytes() == pixels);
  const bool fine = layout == CifarLayout::cifar100;
  const std::size_t record_bytes = pixels + (fine ? 2 : 1);
  if (bytes.empty() || bytes.size() % record_bytes != 0) {
    fail("{}: {} bytes are no whole number of {} records of {} bytes", where, bytes.size(),
         fine ? "CIFAR-100" : "CIFAR-10", record_bytes);
  }
  const std::size_t count = bytes.size() / record_bytes;
  data.images.reserve(data.images.size() + count * pixels);
  data.labels.reserve(data.labels.size() + count);
  for (std::size_t i = 0; i < count; ++i) {
    const auto record = bytes.subspan(i * record_bytes, record_bytes);
    if (fine) checked_label(record[0], 20, i, where);
    const int label = checked_label(record[fine ? 1 : 0], fine ? 100 : 10, i, where);
    data.labels.push_back(static_cast<std::uint8_t>(label));
    const auto* first = reinterpret_cast<const std::uint8_t*>(record.data()) + (fine ? 2 : 1);
    data.images.insert(data.images.end(), first, first + pixels);
  }
}

void refuse_copies(const std::filesystem::path& folder, CifarLayout layout) {
  std::vector<std::string> names = {"train.bin", "test.bin"};
  if (layout == CifarLayout::cifar10) {
    names = {"data_batch_1.bin", "data_batch_2.bin", "data_batch_3.bin",
             "data_batch_4.bin", "data_batch_5.bin", "test_batch.bin"};
  }
  std::map<std::string, std::filesystem::path> seen;
  for (const std::string& name : names) {
    const std::filesystem::path path = folder / name;
    const std::string first_bytes = head(path);
    if (first_bytes.empty()) continue;
    const auto [other, is_new] = seen.try_emplace(first_bytes, path);
    if (!is_new && read_file(other->second) == read_file(path)) {
      fail("{} and {} hold the same images", other->second.string(), path.string());
    }
  }
}

}  // namespace flatenn
