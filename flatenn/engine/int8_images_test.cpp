#include "flatenn/engine/int8_images.h"

#include <gtest/gtest.h>

#include <cstdint>

#include "flatenn/engine/int8_kernels.h"
#include "flatenn/engine/testing.h"

namespace flatenn::int8 {
namespace {

/// The pixel as Dataset lays it out, or the zero point where there is none.
int pixel(const Dataset& data, int zero_point, std::size_t image, int channel, int y, int x) {
  const bool there = image < data.size() && channel >= 0 && channel < data.channels && y >= 0 &&
                     y < data.height && x >= 0 && x < data.width;
  if (!there) return zero_point;
  return data.image(image)[(static_cast<std::size_t>(channel) * data.height + y) * data.width + x];
}

/// Compares every byte. `channel_at(group, lane)` and `shift(group, lane)` say by hand what the
/// groups hold.
template <class Channel, class Shift>
void expect_cells(const Dataset& data, const Buffer& buffer, Channel channel_at, Shift shift) {
  const PreparedImages images(data, buffer);
  ASSERT_EQ(images.size(), data.size());
  for (std::size_t block = 0; block * images_per_block < data.size(); ++block) {
    const std::uint8_t* at = images.block(block);
    ASSERT_EQ(reinterpret_cast<std::uintptr_t>(at) % cell_bytes, 0u);
    for (int group = 0; group < std::ssize(buffer.groups); ++group) {
      for (int y = -buffer.pad; y < data.height + buffer.pad; ++y) {
        for (int x = -buffer.pad; x < data.width + buffer.pad; ++x) {
          for (int byte = 0; byte < cell_bytes; ++byte) {
            const std::size_t image = block * images_per_block + byte / 4;
            const int lane = byte % 4;
            ASSERT_EQ(*at++, pixel(data, buffer.zero_point, image, channel_at(group, lane), y,
                                   x + shift(group, lane)))
                << "image " << image << " group " << group << " lane " << lane << " at " << y << ","
                << x;
          }
        }
      }
    }
  }
}

Buffer buffer_for(const Dataset& data, int pad, int zero_point) {
  Buffer buffer;
  buffer.shape = {data.channels, data.height, data.width};
  buffer.pad = pad;
  buffer.zero_point = zero_point;
  buffer.groups = image_groups(data.channels);
  return buffer;
}

TEST(PreparedImages, ColourImagesLeaveALaneEmpty) {
  const Dataset data = random_dataset({3, 4, 5}, 19, 1);
  expect_cells(
      data, buffer_for(data, 2, 73), [](int, int lane) { return lane < 3 ? lane : -1; },
      [](int, int) { return 0; });
}

TEST(PreparedImages, GreyImagesRepeatTheirNeighbours) {
  for (const std::size_t count : {1, 16, 33}) {
    const Dataset data = random_dataset({1, 5, 3}, count, 2);
    expect_cells(
        data, buffer_for(data, 1, 200), [](int, int) { return 0; },
        [](int, int lane) { return lane; });
  }
}

TEST(PreparedImages, SixChannelsFillTheSecondGroupWithTheNextPixel) {
  const Dataset data = random_dataset({6, 3, 4}, 16, 3);
  expect_cells(
      data, buffer_for(data, 1, 0),
      [](int group, int lane) { return group == 0 ? lane : 4 + lane % 2; },
      [](int group, int lane) { return group == 1 && lane >= 2 ? 1 : 0; });
}

TEST(PreparedImages, NoImagesAreNoBlocks) {
  const Dataset data = random_dataset({1, 2, 2}, 0, 1);
  EXPECT_EQ(PreparedImages(data, buffer_for(data, 1, 9)).size(), 0u);
}

}  // namespace
}  // namespace flatenn::int8
