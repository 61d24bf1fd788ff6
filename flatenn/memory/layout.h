// Layout: which tensors a memory holds, as one line of text that stays with what was measured.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "flatenn/memory/exposure.h"

namespace flatenn {

/// "conv1.weight 150x4, conv1.bias 6x16b, act1 4704x4a": name, elements x bits of a word, and the
/// part of the memory where that is not the weights (b: biases, a: activations), in memory order.
std::string layout_text(std::span<const StoredTensor> tensors);

/// Its inverse; encodings are not part of the text and have their default. Throws Error for
/// anything else, repeated names and memories of 2^48 bits or more included.
std::vector<StoredTensor> parse_layout(std::string_view text);

}  // namespace flatenn
