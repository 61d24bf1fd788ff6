// For tests of reports: subjects that could have been measured.
#pragma once

#include <string>
#include <utility>

#include "flatenn/campaign/store.h"

namespace flatenn {

/// A memory of eight cells, told by `layout`, tried cell by cell; 90 % of `images` right without
/// faults.
inline Subject single_bit_subject(std::string layout, std::uint64_t images) {
  Subject subject;
  subject.source = "single";
  subject.layout = std::move(layout);
  subject.images = images;
  subject.clean_correct = images * 9 / 10;
  subject.memory_bits = subject.exposed_bits = 8;
  return subject;
}

}  // namespace flatenn
