#include "flatenn/graph/safetensors.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <cstring>

#include "flatenn/base/error.h"

namespace flatenn {
namespace {

using ::testing::HasSubstr;

/// A file with that header text and data.
std::vector<std::byte> file_of(std::string_view header, std::size_t data_bytes,
                               std::int64_t length_lie = 0) {
  const std::uint64_t length = header.size() + length_lie;
  std::vector<std::byte> bytes(8 + header.size() + data_bytes);
  std::memcpy(bytes.data(), &length, 8);
  std::memcpy(bytes.data() + 8, header.data(), header.size());
  return bytes;
}

std::string error_of(std::span<const std::byte> bytes) {
  try {
    read_safetensors(bytes, "x.safetensors");
  } catch (const Error& e) {
    return e.what();
  }
  return "no error";
}

TEST(Safetensors, RoundTrip) {
  const std::vector<float> floats = {1.5f, -0.0f};
  const std::vector<std::int8_t> codes = {-8, 0, 7};
  const Safetensors content{{{"key", "a \"quoted\" text"}},
                            {{"f", DType::f32, {2}, std::as_bytes(std::span(floats))},
                             {"c", DType::i8, {1, 3}, std::as_bytes(std::span(codes))},
                             {"empty", DType::u8, {0, 5}, {}}}};
  const auto bytes = write_safetensors(content);
  EXPECT_EQ(bytes, write_safetensors(content));
  const Safetensors back = read_safetensors(bytes, "x");
  EXPECT_EQ(back.metadata, content.metadata);
  ASSERT_EQ(back.tensors.size(), 3u);
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(back.tensors[i].name, content.tensors[i].name);
    EXPECT_EQ(back.tensors[i].dtype, content.tensors[i].dtype);
    EXPECT_EQ(back.tensors[i].shape, content.tensors[i].shape);
    EXPECT_TRUE(std::ranges::equal(back.tensors[i].bytes, content.tensors[i].bytes));
  }
  EXPECT_EQ((back.tensors[0].bytes.data() - bytes.data()) % 8, 0);
}

TEST(Safetensors, EmptyFile) {
  EXPECT_TRUE(read_safetensors(write_safetensors({}), "x").tensors.empty());
}

TEST(Safetensors, EveryTruncationIsAnError) {
  const std::vector<std::int8_t> codes(5, 1);
  const auto bytes =
      write_safetensors({{{"k", "v"}}, {{"c", DType::i8, {5}, std::as_bytes(std::span(codes))}}});
  for (std::size_t n = 0; n < bytes.size(); ++n) {
    EXPECT_NE(error_of(std::span(bytes).first(n)), "no error") << n;
  }
}

TEST(Safetensors, LyingHeaderLengths) {
  EXPECT_THAT(error_of(file_of("", 0, 1)), HasSubstr("truncated"));
  EXPECT_THAT(error_of(file_of("{}", 0, -1)), HasSubstr("not valid JSON"));
  EXPECT_THAT(error_of(file_of("{}", 0, std::int64_t{1} << 62)), HasSubstr("truncated"));
  EXPECT_THAT(error_of(file_of("{}", 0, -3)), HasSubstr("should have 18446744073709551615 bytes"));
  EXPECT_THAT(error_of(file_of(std::string(17 << 20, ' '), 0)), HasSubstr("more than the"));
}

TEST(Safetensors, LyingEntries) {
  struct Case {
    const char* header;
    std::size_t data;
    const char* message;
  };
  const Case cases[] = {
      {"[]", 0, "must be a JSON object"},
      {R"({"a":3})", 0, "tensor 'a': must be a JSON object"},
      {R"({"a":{"dtype":"F64","shape":[1],"data_offsets":[0,8]}})", 8, "dtype 'F64'; must be I8"},
      {R"({"a":{"dtype":7,"shape":[1],"data_offsets":[0,8]}})", 8, "'dtype' must be a string"},
      {R"({"a":{"dtype":"I8","data_offsets":[0,8]}})", 8, "'shape' is missing"},
      {R"({"a":{"dtype":"I8","shape":[-1],"data_offsets":[0,8]}})", 8, "'shape' must hold whole"},
      {R"({"a":{"dtype":"I8","shape":[8.0],"data_offsets":[0,8]}})", 8, "'shape' must hold whole"},
      {R"({"a":{"dtype":"I8","shape":[8],"data_offsets":[0]}})", 8, "must be [begin, end]"},
      {R"({"a":{"dtype":"I8","shape":[8],"data_offsets":[8,0]}})", 8, "must be [begin, end]"},
      {R"({"a":{"dtype":"I8","shape":[8],"data_offsets":[0,9]}})", 8, "within the file's 8 bytes"},
      {R"({"a":{"dtype":"I8","shape":[7],"data_offsets":[0,8]}})", 8, "hold 8 bytes, its shape 7"},
      {R"({"a":{"dtype":"F32","shape":[8],"data_offsets":[0,8]}})", 8, "its shape 32"},
      {R"({"a":{"dtype":"I8","shape":[4294967296,4294967296],"data_offsets":[0,8]}})", 8,
       "more elements than any file"},
      {R"({"a":{"dtype":"I8","shape":[8],"data_offsets":[0,8],"x":1}})", 8, "unknown key 'x'"},
      {R"({"a":{"dtype":"I8","shape":[8],"data_offsets":[0,8]}})", 9, "the tensors end at 8"},
      {R"({"a":{"dtype":"I8","shape":[8],"data_offsets":[1,9]}})", 9, "must begin at 0"},
      {R"({"a":{"dtype":"I8","shape":[5],"data_offsets":[0,5]},
           "b":{"dtype":"I8","shape":[5],"data_offsets":[4,9]}})",
       9, "tensor 'b' begins at byte 4 of the data, must begin at 5"},
      {R"({"a":{"dtype":"I8","shape":[1],"data_offsets":[0,1]},
           "a":{"dtype":"I8","shape":[1],"data_offsets":[1,2]}})",
       2, "the key 'a' stands twice"},
      {R"({"__metadata__":{"a":1}})", 0, "__metadata__: 'a' must be a string"},
      {R"({"__metadata__":[]})", 0, "__metadata__: must be a JSON object"},
  };
  for (const Case& c : cases) {
    const std::string error = error_of(file_of(c.header, c.data));
    EXPECT_THAT(error, HasSubstr(c.message));
    EXPECT_THAT(error, HasSubstr("x.safetensors"));
  }
}

RC_GTEST_PROP(Safetensors, RandomBytesNeverHarm, (std::vector<std::uint8_t> noise)) {
  const auto good = file_of(R"({"a":{"dtype":"I8","shape":[8],"data_offsets":[0,8]}})", 8);
  std::vector<std::byte> bytes = good;
  for (std::size_t i = 0; i + 1 < noise.size(); i += 2) {
    bytes[noise[i] % bytes.size()] = std::byte{noise[i + 1]};
  }
  std::size_t total = 0;
  try {
    for (const TensorView& tensor : read_safetensors(bytes, "x").tensors) {
      total += tensor.bytes.size();
    }
    RC_ASSERT(total <= bytes.size());
  } catch (const Error&) {
    RC_ASSERT(bytes != good);
  }
}

}  // namespace
}  // namespace flatenn
