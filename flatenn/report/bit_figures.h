// Bit figures: which layers and bit positions matter, measured and predicted.
#pragma once

#include "flatenn/report/page.h"

namespace flatenn {

/// Heat maps of layer by bit position: from single-bit campaigns, and from the derivatives of
/// analyses.
PageSection bits_section(const PageInputs& inputs);

}  // namespace flatenn
