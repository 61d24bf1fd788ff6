#include "flatenn/data/dataset.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <optional>
#include <utility>

#include "flatenn/base/error.h"
#include "flatenn/base/file.h"
#include "flatenn/base/hash.h"
#include "flatenn/config/names.h"
#include "flatenn/data/catalog.h"
#include "flatenn/data/cifar.h"
#include "flatenn/data/idx.h"
#include "flatenn/data/synthetic.h"

namespace flatenn {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t kFileLimit = std::uint64_t{1} << 30;
constexpr std::size_t kSyntheticTrain = 600, kSyntheticTest = 200;

// The spellings under which the same IDX file is handed around.
std::vector<std::string> idx_spellings(const std::string& stem, int dimensions) {
  const std::string dash = fmt::format("{}-idx{}-ubyte", stem, dimensions);
  const std::string dot = fmt::format("{}.idx{}-ubyte", stem, dimensions);
  return {dash, dash + ".gz", dot, dot + ".gz"};
}

[[noreturn]] void fail_missing(const DatasetFacts& facts, const fs::path& folder,
                               std::string_view needed) {
  std::string cure;
  if (folder.empty()) {
    cure = "name the folder with --data";
  } else {
    cure = fmt::format("{} lacks at least one", folder.string());
  }
  if (!facts.package.empty()) {
    cure = fmt::format("install Debian's package {} (it lands in {}), or {}", facts.package,
                       facts.package_folder, cure);
  }
  fail("dataset {} needs {}: {}; origin: {}", facts.name, needed, cure, facts.origin);
}

// The folder to look in: the user's, else where the Debian package puts the files.
fs::path data_folder(const DatasetFacts& facts, const fs::path& folder, std::string_view needed) {
  if (!folder.empty()) {
    std::error_code ignored;
    if (!fs::is_directory(folder, ignored)) {
      fail("{}: no such folder; dataset {} needs {} there", folder.string(), facts.name, needed);
    }
    return folder;
  }
  if (facts.package_folder.empty()) fail_missing(facts, folder, needed);
  return facts.package_folder;
}

std::optional<fs::path> first_existing(const fs::path& folder,
                                       const std::vector<std::string>& names) {
  std::error_code ignored;
  for (const std::string& name : names) {
    if (fs::exists(folder / name, ignored)) return folder / name;
  }
  return std::nullopt;
}

Dataset empty_dataset(const DatasetFacts& facts) {
  Dataset data;
  data.name = facts.name;
  data.classes = static_cast<int>(facts.class_names.size());
  data.class_names = facts.class_names;
  return data;
}

Dataset load_idx_part(const DatasetFacts& facts, bool test, const fs::path& user_folder) {
  const std::string stem = test ? "t10k" : "train";
  const std::string needed =
      fmt::format("{0}-images-idx3-ubyte and {0}-labels-idx1-ubyte (plain or .gz)", stem);
  const fs::path folder = data_folder(facts, user_folder, needed);
  const auto images_path = first_existing(folder, idx_spellings(stem + "-images", 3));
  const auto labels_path = first_existing(folder, idx_spellings(stem + "-labels", 1));
  if (!images_path || !labels_path) fail_missing(facts, user_folder, needed);

  IdxArray images = load_idx(*images_path), labels = load_idx(*labels_path);
  if (images.shape.size() != 3) {
    fail("{}: IDX array of {} dimensions; images have 3", images_path->string(),
         images.shape.size());
  }
  if (labels.shape.size() != 1) {
    fail("{}: IDX array of {} dimensions; labels have 1", labels_path->string(),
         labels.shape.size());
  }
  if (images.shape[0] != labels.shape[0]) {
    fail("{} holds {} images but {} holds {} labels", images_path->string(), images.shape[0],
         labels_path->string(), labels.shape[0]);
  }
  constexpr std::uint32_t largest_side = 4096;
  if (images.shape[1] > largest_side || images.shape[2] > largest_side) {
    fail("{}: images of {}x{} pixels; at most {} a side can be read", images_path->string(),
         images.shape[1], images.shape[2], largest_side);
  }
  Dataset data = empty_dataset(facts);
  const auto wrong = std::find_if(labels.values.begin(), labels.values.end(),
                                  [&](std::uint8_t label) { return label >= data.classes; });
  if (wrong != labels.values.end()) {
    fail("{}: label {} of image {}; labels go from 0 to {}", labels_path->string(), *wrong,
         wrong - labels.values.begin(), data.classes - 1);
  }
  data.height = static_cast<int>(images.shape[1]);
  data.width = static_cast<int>(images.shape[2]);
  data.images = std::move(images.values);
  data.labels = std::move(labels.values);
  return data;
}

Dataset load_cifar_part(const DatasetFacts& facts, bool test, const fs::path& user_folder) {
  const bool cifar100 = facts.format == DatasetFormat::cifar100;
  const CifarLayout layout = cifar100 ? CifarLayout::cifar100 : CifarLayout::cifar10;
  std::vector<std::string> files;
  if (cifar100) {
    files = {test ? "test.bin" : "train.bin"};
  } else if (test) {
    files = {"test_batch.bin"};
  } else {
    for (int i = 1; i <= 5; ++i) files.push_back(fmt::format("data_batch_{}.bin", i));
  }
  const std::string needed = fmt::format("{}", fmt::join(files, ", "));
  fs::path folder = data_folder(facts, user_folder, needed);
  // The archives unpack into a folder of their own.
  const char* inner = cifar100 ? "cifar-100-binary" : "cifar-10-batches-bin";
  if (!first_existing(folder, files) && first_existing(folder / inner, files)) folder /= inner;

  refuse_copies(folder, layout);
  Dataset data = empty_dataset(facts);
  data.channels = 3;
  data.height = data.width = 32;
  std::size_t images = 0;  // of the first file
  for (const std::string& file : files) {
    const auto path = first_existing(folder, {file});
    if (!path) fail_missing(facts, user_folder, needed);
    const std::size_t before = data.size();
    append_cifar(read_file(*path, kFileLimit), layout, path->string(), data);
    if (before == 0) images = data.size();
    if (data.size() - before != images) {
      fail("{} holds {} images and {} holds {}: one of them is truncated", path->string(),
           data.size() - before, files.front(), images);
    }
  }
  return data;
}

// All images of the training files or of the test files.
Dataset load_part(const DatasetFacts& facts, bool test, const fs::path& folder) {
  switch (facts.format) {
    case DatasetFormat::idx:
      return load_idx_part(facts, test, folder);
    case DatasetFormat::cifar10:
    case DatasetFormat::cifar100:
      return load_cifar_part(facts, test, folder);
    case DatasetFormat::synthetic:
      break;
  }
  return test ? make_synthetic({}, kSyntheticTrain, kSyntheticTest)
              : make_synthetic({}, 0, kSyntheticTrain);
}

}  // namespace

Dataset Dataset::slice(std::size_t first, std::size_t count) const {
  FLATENN_ASSERT(first <= size() && count <= size() - first);
  Dataset part;
  part.name = name;
  part.channels = channels;
  part.height = height;
  part.width = width;
  part.classes = classes;
  part.class_names = class_names;
  const auto pixel = images.begin() + static_cast<std::ptrdiff_t>(first * image_bytes());
  part.images.assign(pixel, pixel + static_cast<std::ptrdiff_t>(count * image_bytes()));
  const auto label = labels.begin() + static_cast<std::ptrdiff_t>(first);
  part.labels.assign(label, label + static_cast<std::ptrdiff_t>(count));
  return part;
}

std::string Dataset::hash() const {
  Hasher hasher;
  hasher.add(fmt::format("{}x{}x{}x{}\n", size(), channels, height, width));
  hasher.add(std::as_bytes(std::span(images))).add(std::as_bytes(std::span(labels)));
  return hasher.hex();
}

std::string_view to_string(Split split) {
  switch (split) {
    case Split::train:
      return "train";
    case Split::validation:
      return "validation";
    case Split::test:
      break;
  }
  return "test";
}

Split parse_split(std::string_view name) {
  for (Split split : {Split::train, Split::validation, Split::test}) {
    if (to_string(split) == name) return split;
  }
  fail("unknown split '{}'{}", name, suggestion(name, {"train", "validation", "test"}));
}

std::size_t validation_count(std::size_t training_images) {
  return std::min<std::size_t>(5000, training_images / 10);
}

Dataset load_dataset(std::string_view name, Split split, const fs::path& folder) {
  Dataset data = load_part(dataset_facts(name), split == Split::test, folder);
  if (split == Split::test) return data;
  const std::size_t held_out = validation_count(data.size());
  if (held_out == 0) {
    fail("dataset {}: {} training images are too few to hold some out for validation (at least 10)",
         name, data.size());
  }
  const std::size_t rest = data.size() - held_out;
  if (split == Split::validation) return data.slice(rest, held_out);
  data.images.resize(rest * data.image_bytes());
  data.labels.resize(rest);
  return data;
}

PixelScale pixel_scale(std::string_view dataset_name) {
  const DatasetFacts& facts = dataset_facts(dataset_name);
  return {.scale = static_cast<float>(1 / (255 * facts.deviation)),
          .zero_point = static_cast<int>(std::lround(255 * facts.mean))};
}

const std::vector<std::string>& dataset_names() {
  static const std::vector<std::string> names = [] {
    std::vector<std::string> result;
    for (const DatasetFacts& facts : dataset_catalog()) result.push_back(facts.name);
    return result;
  }();
  return names;
}

}  // namespace flatenn
