#include "flatenn/engine/testing.h"

#include <string>

#include "flatenn/base/random.h"

namespace flatenn {

Dataset random_dataset(const Input& input, std::size_t count, std::uint64_t seed) {
  Dataset data;
  data.name = "random";
  data.channels = input.channels;
  data.height = input.height;
  data.width = input.width;
  data.images.resize(count * data.image_bytes());
  data.labels.resize(count);
  RandomStream stream(seed, Purpose::test, 0, 1);
  for (std::uint8_t& pixel : data.images) pixel = static_cast<std::uint8_t>(stream.below(256));
  for (std::uint8_t& label : data.labels) label = static_cast<std::uint8_t>(stream.below(10));
  for (int c = 0; c < data.classes; ++c) data.class_names.push_back(std::to_string(c));
  return data;
}

}  // namespace flatenn
