// What a fuzz target defines. Under clang it is linked with libFuzzer, elsewhere with driver.cpp.
//
// A target feeds the bytes to one reader of files from outside. Only flatenn::Error may come out of
// the reader; anything else that escapes from the target is a finding.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

/// One input. Returns 0 (libFuzzer's convention).
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace flatenn::fuzz {

using Bytes = std::vector<std::uint8_t>;

/// Small valid and nearly valid files, made by the target; what the mutations start from.
std::vector<Bytes> seed_corpus();

inline Bytes to_bytes(std::string_view text) { return {text.begin(), text.end()}; }

}  // namespace flatenn::fuzz
