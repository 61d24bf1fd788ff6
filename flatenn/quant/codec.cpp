#include "flatenn/quant/codec.h"

#include "flatenn/base/error.h"

namespace flatenn {
namespace {

/// 2^(bits-1): the weight of the top bit.
int half(const CodeFormat& format) { return 1 << (format.bits - 1); }

bool symmetric(const CodeFormat& format) {
  return format.saturating || format.encoding == Encoding::sign_magnitude;
}

}  // namespace

std::string_view to_string(Encoding encoding) {
  switch (encoding) {
    case Encoding::twos_complement:
      return "twos_complement";
    case Encoding::offset_binary:
      return "offset_binary";
    case Encoding::sign_magnitude:
      return "sign_magnitude";
  }
  FLATENN_ASSERT(!"an encoding without a name");
  return "";
}

Encoding parse_encoding(std::string_view name) {
  for (const Encoding encoding :
       {Encoding::twos_complement, Encoding::offset_binary, Encoding::sign_magnitude}) {
    if (name == to_string(encoding)) return encoding;
  }
  fail("unknown encoding \"{}\"; known: twos_complement, offset_binary, sign_magnitude", name);
}

int CodeFormat::min_code() const { return symmetric(*this) ? 1 - half(*this) : -half(*this); }

int CodeFormat::max_code() const { return half(*this) - 1; }

void check_format(const CodeFormat& format, std::string_view where) {
  if (format.bits < 2 || format.bits > 8) {
    fail("{}: stored codes have 2 to 8 bits, not {}", where, format.bits);
  }
}

std::uint8_t encode(const CodeFormat& format, int code) {
  FLATENN_ASSERT(format.min_code() <= code && code <= format.max_code());
  const int mask = 2 * half(format) - 1;
  switch (format.encoding) {
    case Encoding::twos_complement:
      return static_cast<std::uint8_t>(code & mask);
    case Encoding::offset_binary:
      return static_cast<std::uint8_t>(code + half(format));
    case Encoding::sign_magnitude:
      return static_cast<std::uint8_t>(code < 0 ? half(format) - code : code);
  }
  FLATENN_ASSERT(!"an encoding without a rule");
  return 0;
}

std::int8_t decode(const CodeFormat& format, std::uint8_t word) {
  const int top = half(format);
  const int low = word & (2 * top - 1);
  int code = 0;
  switch (format.encoding) {
    case Encoding::twos_complement:
      code = low < top ? low : low - 2 * top;
      break;
    case Encoding::offset_binary:
      code = low - top;
      break;
    case Encoding::sign_magnitude:
      code = low < top ? low : top - low;
      break;
  }
  if (format.saturating && code == -top) code = 1 - top;
  return static_cast<std::int8_t>(code);
}

}  // namespace flatenn
