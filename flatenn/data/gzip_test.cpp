#include "flatenn/data/gzip.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <vector>

#include "flatenn/base/error.h"
#include "flatenn/data/testing.h"

namespace flatenn {
namespace {

using test::Bytes;
using testing::HasSubstr;
using testing::ThrowsMessage;

RC_GTEST_PROP(GzipReader, gives_back_what_was_compressed_in_pieces_of_any_size, ()) {
  const auto content = *rc::gen::arbitrary<std::vector<std::uint8_t>>();
  const auto piece = *rc::gen::inRange<std::size_t>(1, 40);
  const Bytes expected = test::bytes(content);
  const Bytes compressed = test::gzip(expected);
  GzipReader reader(compressed, "x.gz");
  Bytes got, buffer(piece);
  std::size_t count = 0;
  do {
    count = reader.read(buffer);
    got.insert(got.end(), buffer.begin(), buffer.begin() + static_cast<std::ptrdiff_t>(count));
  } while (count == piece);
  RC_ASSERT(got == expected);
  RC_ASSERT(reader.read(buffer) == 0u);
  RC_ASSERT(expected.size() <= max_inflated_size(compressed.size()));
}

TEST(GzipReader, knows_gzip_by_its_first_bytes) {
  EXPECT_TRUE(is_gzip(test::gzip({})));
  EXPECT_FALSE(is_gzip(test::bytes({0x1f})));
  EXPECT_FALSE(is_gzip(test::bytes({0, 0, 8, 1})));
}

TEST(GzipReader, the_bound_on_expansion_holds_for_the_most_compressible_data) {
  const Bytes zeros(std::size_t{1} << 22);
  EXPECT_LE(zeros.size(), max_inflated_size(test::gzip(zeros).size()));
}

void read_all(const Bytes& compressed) {
  GzipReader reader(compressed, "x.gz");
  Bytes buffer(1000);
  while (reader.read(buffer) == buffer.size()) {
  }
}

TEST(GzipReader, refuses_every_truncation) {
  const Bytes whole = test::gzip(Bytes(300, std::byte{7}));
  for (std::size_t size = 0; size < whole.size(); ++size) {
    const Bytes part(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size));
    EXPECT_THAT([&] { read_all(part); }, ThrowsMessage<Error>(HasSubstr("x.gz: "))) << size;
  }
}

TEST(GzipReader, refuses_a_wrong_checksum_and_trailing_bytes) {
  Bytes damaged = test::gzip(Bytes(300, std::byte{7}));
  damaged[damaged.size() - 6] ^= std::byte{1};
  EXPECT_THAT([&] { read_all(damaged); }, ThrowsMessage<Error>(HasSubstr("damaged")));
  Bytes longer = test::gzip(Bytes(300, std::byte{7}));
  longer.push_back(std::byte{0});
  EXPECT_THAT([&] { read_all(longer); }, ThrowsMessage<Error>(HasSubstr("1 bytes follow")));
}

}  // namespace
}  // namespace flatenn
