#include "flatenn/engine/int8_bytes.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <utility>
#include <vector>

#include "flatenn/engine/int8_kernels.h"

namespace flatenn::int8 {
namespace {

/// Odd sizes alive side by side: an allocator that aligns less would show it soon.
TEST(AlignedBytes, BeginAtAMultipleOfTheCellSizeAndDoNotOverlap) {
  std::vector<AlignedBytes> all;
  for (std::size_t size = 0; size < 200; ++size) {
    all.emplace_back(size);
    ASSERT_NE(all.back().data(), nullptr);
    ASSERT_EQ(reinterpret_cast<std::uintptr_t>(all.back().data()) % cell_bytes, 0u) << size;
    std::fill_n(all.back().data(), size, static_cast<std::uint8_t>(size));
  }
  for (std::size_t size = 0; size < all.size(); ++size) {
    const std::uint8_t* bytes = all[size].data();
    ASSERT_EQ(std::count(bytes, bytes + size, static_cast<std::uint8_t>(size)),
              static_cast<std::ptrdiff_t>(size));
  }
}

TEST(AlignedBytes, MoveWithTheirContent) {
  EXPECT_EQ(AlignedBytes().data(), nullptr);
  AlignedBytes from(3);
  from.data()[2] = 7;
  const std::uint8_t* place = from.data();
  AlignedBytes to(100);
  to = std::move(from);
  EXPECT_EQ(to.data(), place);
  EXPECT_EQ(to.data()[2], 7);
}

}  // namespace
}  // namespace flatenn::int8
