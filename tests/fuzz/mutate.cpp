#include "tests/fuzz/mutate.h"

#include <algorithm>
#include <array>

#include "flatenn/base/random.h"

namespace flatenn::fuzz {
namespace {

constexpr std::size_t kLongest = std::size_t{1} << 20;

// Numbers at which length and sign checks break.
constexpr std::array<std::uint64_t, 10> kEdges = {
    0, 1, 0x7f, 0xff, 0x7fff, 0xffff, 0x7fffffff, 0xffffffff, 0x7fffffffffffffff, ~0ull};
// Texts at which readers of numbers and nested text break.
constexpr std::array<std::string_view, 14> kTexts = {
    "-1",   "0", "1e999", "nan", "inf", "99999999999999999999", "1.5", "\"\"",
    "null", "[", "]",     "{",   "}",   "\"\\u0000\""};

std::size_t place(RandomStream& random, std::size_t size) { return random.below(size + 1); }

void overwrite(Bytes& input, std::size_t at, const Bytes& bytes) {
  for (std::size_t i = 0; i < bytes.size() && at + i < input.size(); ++i) input[at + i] = bytes[i];
}

void insert(Bytes& input, std::size_t at, const Bytes& bytes) {
  input.insert(input.begin() + static_cast<std::ptrdiff_t>(at), bytes.begin(), bytes.end());
}

Bytes edge_number(RandomStream& random) {
  const std::uint64_t value = kEdges[random.below(kEdges.size())] + random.below(3) - 1;
  Bytes bytes;
  for (int i = 0; i < 1 << random.below(4); ++i) {
    bytes.push_back(static_cast<std::uint8_t>(value >> (8 * i)));
  }
  if (random.below(2) == 1) std::reverse(bytes.begin(), bytes.end());
  return bytes;
}

// A stretch of one of the corpus files.
Bytes stretch(RandomStream& random, const Bytes& from) {
  const std::size_t first = place(random, from.size());
  const std::size_t count = place(random, std::min<std::size_t>(from.size() - first, 64));
  const auto begin = from.begin() + static_cast<std::ptrdiff_t>(first);
  return {begin, begin + static_cast<std::ptrdiff_t>(count)};
}

// Replaces one run of decimal digits by another number: lengths in text formats.
void change_number(RandomStream& random, Bytes& input) {
  const auto digit = [](std::uint8_t c) { return c >= '0' && c <= '9'; };
  const auto from = input.begin() + static_cast<std::ptrdiff_t>(place(random, input.size()));
  const auto first = std::find_if(from, input.end(), digit);
  const auto last = std::find_if_not(first, input.end(), digit);
  if (first == last) return;
  const auto at = static_cast<std::size_t>(first - input.begin());
  input.erase(first, last);
  insert(input, at, to_bytes(kTexts[random.below(7)]));
}

void mutate_once(RandomStream& random, const std::vector<Bytes>& corpus, Bytes& input) {
  const std::size_t at = place(random, input.size());
  switch (random.below(10)) {
    case 0:  // one bit
      if (at < input.size()) input[at] ^= static_cast<std::uint8_t>(1u << random.below(8));
      break;
    case 1:  // one byte
      if (at < input.size()) input[at] = static_cast<std::uint8_t>(random.below(256));
      break;
    case 2:
      input.resize(at);
      break;
    case 3:
      overwrite(input, at, edge_number(random));
      break;
    case 4:
      insert(input, at, edge_number(random));
      break;
    case 5: {  // remove a stretch
      const std::size_t count = place(random, std::min<std::size_t>(input.size() - at, 64));
      const auto first = input.begin() + static_cast<std::ptrdiff_t>(at);
      input.erase(first, first + static_cast<std::ptrdiff_t>(count));
      break;
    }
    case 6:
      insert(input, at, stretch(random, corpus[random.below(corpus.size())]));
      break;
    case 7:
      overwrite(input, at, stretch(random, corpus[random.below(corpus.size())]));
      break;
    case 8:
      insert(input, at, to_bytes(kTexts[random.below(kTexts.size())]));
      break;
    default:
      change_number(random, input);
  }
}

}  // namespace

Bytes make_input(const std::vector<Bytes>& corpus, std::uint64_t seed, std::uint64_t iteration) {
  if (iteration < corpus.size()) return corpus[iteration];
  RandomStream random(seed, Purpose::test, iteration);
  Bytes input = corpus[random.below(corpus.size())];
  for (std::uint64_t left = 1 + random.below(6); left > 0; --left) {
    mutate_once(random, corpus, input);
  }
  input.resize(std::min(input.size(), kLongest));
  return input;
}

}  // namespace flatenn::fuzz
