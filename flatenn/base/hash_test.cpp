#include "flatenn/base/hash.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace flatenn {
namespace {

// The published XXH3 128-bit value of the empty input: names in stores and files depend on it.
TEST(Hash, EmptyInputHasThePublishedValue) {
  EXPECT_EQ(hash_hex(""), "99aa06d3014798d86001c324468d497f");
  EXPECT_EQ(Hasher().hex(), hash_hex(""));
}

TEST(Hash, DigestDoesNotEndTheHash) {
  Hasher hasher;
  hasher.add("ab");
  EXPECT_EQ(hasher.hex(), hash_hex("ab"));
  EXPECT_EQ(hasher.add("c").hex(), hash_hex("abc"));
}

TEST(Hash, MovedHasherGoesOn) {
  Hasher first;
  first.add("ab");
  Hasher second = std::move(first);
  EXPECT_EQ(second.add("c").hex(), hash_hex("abc"));
}

RC_GTEST_PROP(Hash, PiecesGiveTheHashOfTheWhole, (const std::string& a, const std::string& b)) {
  RC_ASSERT(Hasher().add(a).add(b).hex() == hash_hex(a + b));
}

RC_GTEST_PROP(Hash, OneChangedByteChangesTheHash, (std::string text)) {
  RC_PRE(!text.empty());
  const std::string before = hash_hex(text);
  text[*rc::gen::inRange<std::size_t>(0, text.size())] ^= 1;
  RC_ASSERT(hash_hex(text) != before);
}

}  // namespace
}  // namespace flatenn
