#include "flatenn/base/hash.h"

#include <fmt/format.h>
#include <xxhash.h>

#include "flatenn/base/error.h"

namespace flatenn {

struct Hasher::State {
  XXH3_state_t* xxh = XXH3_createState();
  State() {
    FLATENN_ASSERT(xxh != nullptr);
    XXH3_128bits_reset(xxh);
  }
  ~State() { XXH3_freeState(xxh); }
  State(const State&) = delete;
  State& operator=(const State&) = delete;
};

Hasher::Hasher() : state_(std::make_unique<State>()) {}
Hasher::~Hasher() = default;
Hasher::Hasher(Hasher&&) noexcept = default;
Hasher& Hasher::operator=(Hasher&&) noexcept = default;

Hasher& Hasher::add(std::span<const std::byte> bytes) {
  XXH3_128bits_update(state_->xxh, bytes.data(), bytes.size());
  return *this;
}

Hasher& Hasher::add(std::string_view text) { return add(std::as_bytes(std::span(text))); }

std::string Hasher::hex() const {
  const XXH128_hash_t hash = XXH3_128bits_digest(state_->xxh);
  return fmt::format("{:016x}{:016x}", hash.high64, hash.low64);
}

std::string hash_hex(std::span<const std::byte> bytes) { return Hasher().add(bytes).hex(); }
std::string hash_hex(std::string_view text) { return Hasher().add(text).hex(); }

}  // namespace flatenn
