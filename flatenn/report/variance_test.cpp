#include "flatenn/report/variance.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "flatenn/base/testing.h"

namespace flatenn {
namespace {

TEST(Variance, ReadsTheMatrixOfAStore) {
  const TemporaryFolder folder;
  {
    Store store = Store::open(folder / "a.db");
    Subject subject;
    subject.label = "net";
    subject.images = 10;
    subject.clean_correct = 9;
    const std::int64_t id = store.add_subject(subject);
    // Map 0: images 0 to 8 right; map 1: images 0 to 4; map 2 was not recorded.
    store.append(id, {{FaultKind::flip, 0.1, 0, 9, 1, 1, 9, {0xff, 0x01}},
                      {FaultKind::flip, 0.1, 1, 5, 1, 1, 9, {0x1f, 0x00}},
                      {FaultKind::flip, 0.1, 2, 7, 1, 1, 9},
                      {FaultKind::flip, 0.2, 0, 9, 1, 1, 9, {0xff, 0x01}}});
    const std::vector<CellVariance> cells = split_cells(store);
    ASSERT_EQ(cells.size(), 1u);  // one map alone says nothing
    EXPECT_EQ(cells[0].maps, 2u);
    EXPECT_EQ(cells[0].images, 10u);
    EXPECT_DOUBLE_EQ(cells[0].split.mean, 0.7);
    const std::vector<std::uint64_t> maps = {9, 5};
    const std::vector<std::uint64_t> images = {2, 2, 2, 2, 2, 1, 1, 1, 1, 0};
    EXPECT_EQ(cells[0].split.of_mean, split_variance(maps, images).of_mean);
    EXPECT_EQ(cells[0].split.image, split_variance(maps, images).image);
    EXPECT_THAT(variance_text(cells), testing::HasSubstr("70.00"));
  }
}

}  // namespace
}  // namespace flatenn
