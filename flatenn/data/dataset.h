// Datasets: images as raw 8-bit pixels, labels as bytes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace flatenn {

/// Images of one shape with labels. images: count x channels x height x width, row-major.
struct Dataset {
  std::string name;
  int channels = 1, height = 1, width = 1;
  int classes = 10;
  std::vector<std::string> class_names;
  std::vector<std::uint8_t> images;
  std::vector<std::uint8_t> labels;

  std::size_t size() const { return labels.size(); }
  std::size_t image_bytes() const { return std::size_t(channels) * height * width; }
  std::span<const std::uint8_t> image(std::size_t i) const {
    return {images.data() + i * image_bytes(), image_bytes()};
  }
  /// The images [first, first + count).
  Dataset slice(std::size_t first, std::size_t count) const;
  /// Hash of shape, pixels and labels.
  std::string hash() const;
};

/// train = all training images but the last 5,000; validation = those 5,000 (at most a tenth of
/// smaller sets); test = the test images. Every choice is made on validation, figures on test.
enum class Split { train, validation, test };
std::string_view to_string(Split split);
/// Throws Error with the closest known name, or all of them when none is close.
Split parse_split(std::string_view name);
/// How many of a dataset's training images are held out for validation: its last 5,000, at most a
/// tenth.
std::size_t validation_count(std::size_t training_images);

/// Pixel scale and zero point that normalise a dataset to about zero mean and unit deviation; they
/// become part of the model. One pair for all channels.
struct PixelScale {
  float scale = 1.0f / 255;
  int zero_point = 0;
};

/// Opens a dataset by name: fashion-mnist, mnist, kmnist (IDX files, plain or .gz), cifar10,
/// cifar100 (binary layout), synthetic (deterministic small images for tests). `folder` empty:
/// where Debian installs it (fashion-mnist), else an Error that says which package or files to get.
/// Files are checked whole before use: Error for damaged ones, shapes that do not fit, labels out
/// of range.
Dataset load_dataset(std::string_view name, Split split, const std::filesystem::path& folder = {});
PixelScale pixel_scale(std::string_view dataset_name);
const std::vector<std::string>& dataset_names();

}  // namespace flatenn
