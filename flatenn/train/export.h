// Export: a trained module as the integer network that is deployed.
#pragma once

#include "flatenn/graph/model.h"
#include "flatenn/train/module.h"

namespace flatenn {

/// Codes, scales and offsets of the masters as they are; batch norm (running statistics), bias and
/// the steps on both sides folded into each node's affine, computed in double and rounded once; a
/// group norm's gamma and beta over the reader's step are its own affine.
/// Stored codes are those of the last quantized forward pass. `info` is left to the caller.
Model export_model(const Module& module);

}  // namespace flatenn
