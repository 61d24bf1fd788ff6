// Store figures: what stores say, as figures of a page.
#pragma once

#include <vector>

#include "flatenn/report/page.h"

namespace flatenn {

/// Accuracy against rate for every arm, and the networks without faults.
PageSection accuracy_section(const PageInputs& inputs);

/// What each arm keeps more than the first one on the same fault maps.
PageSection differences_section(const PageInputs& inputs);

/// What arms of the same name differ by between two stores; empty id with one store.
PageSection comparison_section(const PageInputs& inputs);

/// Sparsity against the tolerated rate.
PageSection tolerance_section(const PageInputs& inputs);

/// Settings, seeds, counts: tables of what was measured on what.
PageSection provenance_section(const PageInputs& inputs);

}  // namespace flatenn
