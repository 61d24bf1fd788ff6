#include "flatenn/data/gzip.h"

#define ZLIB_CONST  // input is read only
#include <zlib.h>

#include <algorithm>

#include "flatenn/base/error.h"

namespace flatenn {

bool is_gzip(std::span<const std::byte> bytes) {
  return bytes.size() >= 2 && bytes[0] == std::byte{0x1f} && bytes[1] == std::byte{0x8b};
}

std::uint64_t max_inflated_size(std::uint64_t compressed) { return compressed * (8 / 2) * 258; }

struct GzipReader::State {
  z_stream stream{};
  std::span<const std::byte> rest;  // not yet handed to zlib
  std::string where;
  bool ended = false;
};

GzipReader::GzipReader(std::span<const std::byte> bytes, std::string_view where)
    : state_(std::make_unique<State>()) {
  state_->rest = bytes;
  state_->where = where;
  constexpr int gzip_only = 16;
  FLATENN_ASSERT(inflateInit2(&state_->stream, gzip_only + MAX_WBITS) == Z_OK);
}

GzipReader::~GzipReader() { inflateEnd(&state_->stream); }

std::size_t GzipReader::read(std::span<std::byte> out) {
  // zlib counts in 32 bits.
  constexpr std::size_t piece = std::size_t{1} << 30;
  State& s = *state_;
  std::size_t done = 0;
  while (done < out.size() && !s.ended) {
    const std::size_t in_size = std::min(piece, s.rest.size());
    const std::size_t out_size = std::min(piece, out.size() - done);
    s.stream.next_in = reinterpret_cast<const Bytef*>(s.rest.data());
    s.stream.avail_in = static_cast<uInt>(in_size);
    s.stream.next_out = reinterpret_cast<Bytef*>(out.data() + done);
    s.stream.avail_out = static_cast<uInt>(out_size);
    const int status = inflate(&s.stream, Z_NO_FLUSH);
    const std::size_t used = in_size - s.stream.avail_in;
    const std::size_t made = out_size - s.stream.avail_out;
    s.rest = s.rest.subspan(used);
    done += made;
    if (status == Z_STREAM_END) {
      s.ended = true;
      if (!s.rest.empty()) fail("{}: {} bytes follow the gzip stream", s.where, s.rest.size());
    } else if (status == Z_BUF_ERROR || (status == Z_OK && used == 0 && made == 0)) {
      fail("{}: the gzip stream is truncated", s.where);
    } else if (status != Z_OK) {
      fail("{}: the gzip stream is damaged ({})", s.where,
           s.stream.msg ? s.stream.msg : zError(status));
    }
  }
  return done;
}

}  // namespace flatenn
