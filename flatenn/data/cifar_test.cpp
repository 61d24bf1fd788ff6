#include "flatenn/data/cifar.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "flatenn/base/error.h"
#include "flatenn/data/testing.h"

namespace flatenn {
namespace {

using test::Bytes;
using testing::HasSubstr;
using testing::ThrowsMessage;

Dataset empty_cifar() {
  Dataset data;
  data.channels = 3;
  data.height = data.width = 32;
  return data;
}

TEST(Cifar, appends_records_of_both_layouts) {
  for (CifarLayout layout : {CifarLayout::cifar10, CifarLayout::cifar100}) {
    const std::size_t label_bytes = layout == CifarLayout::cifar10 ? 1 : 2;
    Dataset data = empty_cifar();
    append_cifar(test::cifar(3, label_bytes), layout, "a.bin", data);
    append_cifar(test::cifar(2, label_bytes, 3), layout, "b.bin", data);
    ASSERT_EQ(data.size(), 5u);
    EXPECT_EQ(data.labels, (std::vector<std::uint8_t>{0, 1, 2, 3, 4}));
    EXPECT_EQ(data.image(4)[0], 4 * 31);
    EXPECT_EQ(data.image(4)[3071], static_cast<std::uint8_t>(4 * 31 + 3071));
  }
}

TEST(Cifar, refuses_every_partial_record_and_empty_files) {
  const Bytes whole = test::cifar(2, 1);
  for (std::size_t size : {0ul, 1ul, 3072ul, 3074ul, whole.size() - 1}) {
    Dataset data = empty_cifar();
    const Bytes part(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size));
    EXPECT_THAT([&] { append_cifar(part, CifarLayout::cifar10, "a.bin", data); },
                ThrowsMessage<Error>(HasSubstr("a.bin: ")))
        << size;
  }
}

TEST(Cifar, refuses_a_file_of_the_other_layout) {
  Dataset data = empty_cifar();
  EXPECT_THROW(append_cifar(test::cifar(2, 2), CifarLayout::cifar10, "a.bin", data), Error);
}

TEST(Cifar, refuses_labels_out_of_range) {
  Bytes file = test::cifar(2, 1);
  file[3073] = std::byte{10};
  Dataset data = empty_cifar();
  EXPECT_THAT(
      [&] { append_cifar(file, CifarLayout::cifar10, "a.bin", data); },
      ThrowsMessage<Error>(HasSubstr("a.bin: record 1 has label 10; labels go from 0 to 9")));
  for (std::size_t place : {0, 1}) {
    Bytes fine = test::cifar(1, 2);
    fine[place] = std::byte{100};
    EXPECT_THAT([&] { append_cifar(fine, CifarLayout::cifar100, "a.bin", data); },
                ThrowsMessage<Error>(HasSubstr("record 0 has label 100")));
  }
}

}  // namespace
}  // namespace flatenn
