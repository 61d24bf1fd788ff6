// CIFAR-10 and CIFAR-100 in their binary layout: records of label bytes and a 3x32x32 image.
#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <string_view>

#include "flatenn/data/dataset.h"

namespace flatenn {

enum class CifarLayout {
  cifar10,   ///< one label byte, 10 classes
  cifar100,  ///< coarse label (20 classes, checked and left out), fine label (100 classes)
};

/// Appends the records of one file to `data`, whose images are 3x32x32. Throws Error naming `where`
/// when the bytes are no whole number of records, there is none, or a label is out of range.
void append_cifar(std::span<const std::byte> bytes, CifarLayout layout, std::string_view where,
                  Dataset& data);

/// Throws Error when two of the layout's files in the folder, training and test, are the same:
/// their images would be trained on twice, or trained and tested on. Missing files are passed over.
void refuse_copies(const std::filesystem::path& folder, CifarLayout layout);

}  // namespace flatenn
