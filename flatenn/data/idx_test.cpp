#include "flatenn/data/idx.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <numeric>

#include "flatenn/base/error.h"
#include "flatenn/data/testing.h"

namespace flatenn {
namespace {

using test::Bytes;
using testing::HasSubstr;
using testing::ThrowsMessage;

RC_GTEST_PROP(Idx, reads_what_was_written_plain_and_gzip, ()) {
  const auto shape = *rc::gen::container<std::vector<std::uint32_t>>(
      *rc::gen::inRange<std::size_t>(1, 5), rc::gen::inRange<std::uint32_t>(1, 6));
  const auto count = std::accumulate(shape.begin(), shape.end(), 1u, std::multiplies<>());
  const auto values =
      *rc::gen::container<std::vector<std::uint8_t>>(count, rc::gen::arbitrary<std::uint8_t>());
  const Bytes file = test::idx(shape, values);
  for (const Bytes& form : {file, test::gzip(file)}) {
    const IdxArray array = parse_idx(form, "x");
    RC_ASSERT(array.shape == shape);
    RC_ASSERT(array.values == values);
  }
}

// The same hostile content must be refused plain and inside gzip.
void expect_refused(const Bytes& file, const std::string& words) {
  EXPECT_THAT([&] { parse_idx(file, "some/file"); },
              ThrowsMessage<Error>(testing::AllOf(HasSubstr("some/file: "), HasSubstr(words))));
  EXPECT_THAT([&] { parse_idx(test::gzip(file), "some/file"); },
              ThrowsMessage<Error>(testing::AllOf(HasSubstr("some/file: "), HasSubstr(words))));
}

TEST(Idx, refuses_every_truncation_of_the_header) {
  const Bytes file = test::idx({2, 3}, {1, 2, 3, 4, 5, 6});
  for (std::size_t size = 0; size < 12; ++size) {
    expect_refused(Bytes(file.begin(), file.begin() + static_cast<std::ptrdiff_t>(size)),
                   "too short for an IDX header");
  }
}

TEST(Idx, refuses_sizes_that_the_header_does_not_promise) {
  const Bytes missing = test::idx({2, 3}, {1, 2, 3, 4, 5});
  EXPECT_THAT([&] { parse_idx(test::gzip(missing), "x"); },
              ThrowsMessage<Error>(HasSubstr("truncated: the IDX header promises 6 values, "
                                             "the file holds 5")));
  EXPECT_THROW(parse_idx(missing, "x"), Error);
  expect_refused(test::idx({2, 3}, {1, 2, 3, 4, 5, 6, 7}), "holds more than the 6 values");
}

TEST(Idx, allocates_nothing_for_a_promise_that_the_file_cannot_hold) {
  expect_refused(test::idx({0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff}, {1}), "can hold");
  expect_refused(test::idx({0x80000000, 2}, {1}), "promises 2147483648x2 values");
  expect_refused(test::idx({60000, 28, 28}, {1, 2}), "promises 60000x28x28 values");
}

TEST(Idx, refuses_a_gzip_bomb_behind_a_small_header) {
  Bytes file = test::idx({4}, {1, 2, 3, 4});
  file.resize(std::size_t{16} << 20);
  expect_refused(file, "holds more than the 4 values");
}

TEST(Idx, refuses_other_types_dimensions_and_formats) {
  expect_refused(test::bytes({0, 0, 0x0d, 1, 0, 0, 0, 1, 0, 0, 0, 0}), "type 0x0d");
  expect_refused(test::bytes({0, 0, 8, 0, 5}), "0 dimensions");
  expect_refused(test::bytes({0, 0, 8, 5, 5}), "5 dimensions");
  expect_refused(test::bytes({'P', 'K', 8, 1, 0, 0, 0, 1, 7}), "not an IDX file");
  expect_refused(test::idx({3, 0}, {}), "empty IDX array (3x0)");
}

TEST(Idx, names_a_missing_file) {
  EXPECT_THAT([] { load_idx("/nowhere/train-images-idx3-ubyte"); },
              ThrowsMessage<Error>(HasSubstr("/nowhere/train-images-idx3-ubyte")));
}

TEST(Idx, loads_from_a_file) {
  const test::Folder folder;
  folder.write("a.gz", test::gzip(test::idx({3}, {9, 8, 7})));
  EXPECT_EQ(load_idx(folder.path() / "a.gz").values, (std::vector<std::uint8_t>{9, 8, 7}));
}

}  // namespace
}  // namespace flatenn
