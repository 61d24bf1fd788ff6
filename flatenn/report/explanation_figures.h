// Explanation figures: whether flatness foretells what faults cost, as figures of a page.
#pragma once

#include "flatenn/report/page.h"

namespace flatenn {

/// Correlations of every measure with the losses, and rankings of layers and bits.
PageSection explanation_section(const PageInputs& inputs);

}  // namespace flatenn
