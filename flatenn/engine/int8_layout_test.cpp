#include "flatenn/engine/int8_layout.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <set>
#include <tuple>

#include "flatenn/engine/int8_kernels.h"

namespace flatenn::int8 {
namespace {

Buffer buffer_of(int channels, int height, int width, int pad, std::vector<Group> groups) {
  Buffer buffer;
  buffer.shape = {channels, height, width};
  buffer.pad = pad;
  buffer.groups = std::move(groups);
  return buffer;
}

std::vector<int> channels_of(const Group& group) {
  return {group[0].channel, group[1].channel, group[2].channel, group[3].channel};
}

/// Channel and pixel that a byte of the first image of a buffer holds, found by walking from the
/// buffer's begin; channel -1: none.
struct Content {
  int channel, y, x;
  bool operator==(const Content&) const = default;
};
std::vector<Content> walk(const Buffer& buffer) {
  std::vector<Content> contents;
  for (const Group& group : buffer.groups) {
    for (int y = -buffer.pad; y < buffer.shape.height + buffer.pad; ++y) {
      for (int x = -buffer.pad; x < buffer.shape.width + buffer.pad; ++x) {
        for (int byte = 0; byte < cell_bytes; ++byte) {
          const Lane& lane = group[byte % 4];
          contents.push_back({byte < 4 ? lane.channel : -1, y + lane.dy, x + lane.dx});
        }
      }
    }
  }
  return contents;
}

TEST(Int8Layout, EveryElementLiesWhereAWalkFindsIt) {
  for (const int channels : {1, 2, 3, 4, 5, 6, 10}) {
    for (const int pad : {0, 1, 3}) {
      const Buffer buffer = buffer_of(channels, 3, 5, pad, channel_groups(channels, true));
      const std::vector<Content> contents = walk(buffer);
      ASSERT_EQ(buffer.bytes(), std::ssize(contents));
      ASSERT_EQ(buffer.group_stride() * std::ssize(buffer.groups), buffer.bytes());
      std::int64_t e = 0;
      for (int c = 0; c < channels; ++c) {
        for (int y = 0; y < 3; ++y) {
          for (int x = 0; x < 5; ++x, ++e) {
            ASSERT_EQ(contents[buffer.byte_of(e)], (Content{c, y, x})) << channels << " " << pad;
          }
        }
      }
    }
  }
}

TEST(Int8Layout, OffsetsStepOverPixelsAndReachTheBorder) {
  const Buffer buffer = buffer_of(1, 4, 6, 2, channel_groups(1, false));
  EXPECT_EQ(buffer.offset(-2, -2), 0);
  EXPECT_EQ(buffer.offset(0, 0), (2 * 10 + 2) * 64);
  EXPECT_EQ(buffer.offsets(2, 3, 2, -1),
            (std::vector<std::int32_t>{11 * 64, 13 * 64, 15 * 64, 31 * 64, 33 * 64, 35 * 64}));
}

TEST(Int8Layout, PoolingWindowsComeFourByFour) {
  // Three columns and three rows: the last of each is in no whole window.
  const std::vector<std::int32_t> offsets = {0, 1, 2, 10, 11, 12, 20, 21, 22};
  EXPECT_EQ(by_pooling_windows(offsets, {1, 3, 3}), (std::vector<std::int32_t>{0, 1, 10, 11}));
  EXPECT_EQ(by_pooling_windows({0, 1, 2, 3, 10, 11, 12, 13}, {1, 2, 4}),
            (std::vector<std::int32_t>{0, 1, 10, 11, 2, 3, 12, 13}));
}

TEST(Int8Layout, TwoLanesLeftOverHoldTheRightNeighbour) {
  const std::vector<Group> six = channel_groups(6, true);
  ASSERT_EQ(six.size(), 2u);
  EXPECT_EQ(channels_of(six[0]), (std::vector<int>{0, 1, 2, 3}));
  EXPECT_EQ(channels_of(six[1]), (std::vector<int>{4, 5, 4, 5}));
  EXPECT_EQ(six[1][1].dx, 0);
  EXPECT_EQ(six[1][2].dx, 1);
  EXPECT_EQ(six[1][3].dx, 1);
  EXPECT_EQ(channels_of(channel_groups(6, false)[1]), (std::vector<int>{4, 5, -1, -1}));
  EXPECT_EQ(channels_of(channel_groups(7, true)[1]), (std::vector<int>{4, 5, 6, -1}));
  EXPECT_EQ(channels_of(channel_groups(5, true)[1]), (std::vector<int>{4, -1, -1, -1}));
}

TEST(Int8Layout, AGreyImageHoldsFourNeighbours) {
  const std::vector<Group> grey = image_groups(1);
  ASSERT_EQ(grey.size(), 1u);
  for (int lane = 0; lane < 4; ++lane) {
    EXPECT_EQ(grey[0][lane].channel, 0);
    EXPECT_EQ(grey[0][lane].dx, lane);
  }
  EXPECT_EQ(channels_of(image_groups(3)[0]), (std::vector<int>{0, 1, 2, -1}));
  EXPECT_EQ(channels_of(image_groups(2)[0]), (std::vector<int>{0, 1, 0, 1}));
}

/// Each tap of the window has a slot of its own, and there the walk finds the tap's pixel. Pixels
/// of the window are those from (0, 0) on.
RC_GTEST_PROP(Int8Layout, AWindowFindsEveryTapOnce, ()) {
  const int channels = *rc::gen::inRange(1, 11);
  const int height = *rc::gen::inRange(1, 6);
  const int width = *rc::gen::inRange(1, 6);
  const bool image = *rc::gen::arbitrary<bool>();
  const bool twin = *rc::gen::arbitrary<bool>();
  const int pad = *rc::gen::inRange(0, 3);
  const Buffer in = buffer_of(channels, height + 2, width + 1, pad,
                              image ? image_groups(channels) : channel_groups(channels, twin));
  const std::vector<Content> contents = walk(in);
  const Gather gather = gather_window(in, height, width);
  RC_ASSERT(std::ssize(gather.slots) == std::ptrdiff_t{channels} * height * width);
  std::set<std::int32_t> slots;
  std::size_t tap = 0;
  for (int c = 0; c < channels; ++c) {
    for (int y = 0; y < height; ++y) {
      for (int x = 0; x < width; ++x, ++tap) {
        const std::int32_t slot = gather.slots[tap];
        RC_ASSERT(slots.insert(slot).second);
        const std::int32_t cell = in.offset(0, 0) + gather.step_offsets.at(slot / 4);
        RC_ASSERT(contents.at(cell + slot % 4) == (Content{c, y, x}));
      }
    }
  }
}

/// Counted by hand. A row of five is four and one in a grey image, two and two and one where two
/// channels are left over.
TEST(Int8Layout, AWindowTakesFewSteps) {
  const auto steps = [](int channels, bool image, bool twin, int kernel) {
    const Buffer in = buffer_of(channels, 8, 8, 2,
                                image ? image_groups(channels) : channel_groups(channels, twin));
    return gather_window(in, kernel, kernel).step_offsets.size();
  };
  EXPECT_EQ(steps(1, true, false, 5), 10u);
  EXPECT_EQ(steps(1, true, false, 3), 3u);
  EXPECT_EQ(steps(3, true, false, 5), 25u);
  EXPECT_EQ(steps(6, false, true, 5), 25u + 15u);
  EXPECT_EQ(steps(6, false, false, 5), 50u);
  EXPECT_EQ(steps(8, false, true, 3), 18u);
}

}  // namespace
}  // namespace flatenn::int8
