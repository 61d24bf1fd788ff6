// Claim figures: what a study judged, as figures of a page.
#pragma once

#include "flatenn/report/page.h"

namespace flatenn {

/// Gains of sharpness-aware training and the other claims: at the chosen cell, and over the rates.
/// No figures without claims.
PageSection claims_section(const PageInputs& inputs);

}  // namespace flatenn
