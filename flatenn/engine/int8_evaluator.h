// Int8Evaluator: exact integers, many times faster than floats. Images innermost: activations lie
// as [channel/4][y][x][16 images][4 channels], one 32-bit lane an image; four packed weights are
// broadcast to all lanes. AVX-512 VNNI, AVX2 and a portable path, chosen at run time, all
// bit-equal.
#pragma once

#include <cstddef>
#include <memory>
#include <string_view>

#include "flatenn/engine/evaluator.h"

namespace flatenn {

enum class Int8Path { automatic, avx512_vnni, avx2, portable };
std::string_view to_string(Int8Path path);

/// The best path this processor has.
Int8Path detect_int8_path();

struct Int8EvaluatorOptions {
  Int8Path path = Int8Path::automatic;
  /// Max pooling or a residual addition may join the layer before it, whose codes then lie in no
  /// buffer. The first fault in such a buffer ends that for the evaluator and its later clones, at
  /// the cost of packing all weights anew and of what keep_before kept: false where faults in
  /// buffers are to come.
  bool fuse = true;
  /// What keep_before may remember of all images; where that is not enough, it remembers nothing.
  std::size_t kept_bytes = std::size_t{1} << 30;
};

/// `model` may go; `data` must outlive it. Prepared first-layer input is shared between clones.
/// Throws Error when the processor lacks the asked path.
std::unique_ptr<Evaluator> make_int8_evaluator(const Model& model, const Dataset& data,
                                               const Int8EvaluatorOptions& options = {});

}  // namespace flatenn
