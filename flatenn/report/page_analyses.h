// Page analyses: how flat minima are, as figures of a page.
#pragma once

#include <vector>

#include "flatenn/report/page.h"

namespace flatenn {

/// Every analysis of the page once, those of the study's networks first.
std::vector<const Analysis*> analyses_of(const PageInputs& inputs);

/// Loss around the minima: slices, plane, sharpness and curvature; layers; margins.
PageSection flatness_section(const PageInputs& inputs);

}  // namespace flatenn
