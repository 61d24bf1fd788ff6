// Defence figures: the arms of a store compared on equal terms, as figures of a page.
#pragma once

#include "flatenn/report/page.h"

namespace flatenn {

/// Pareto fronts, arms and paired differences in the study's chosen cell, or the one that
/// find_comparable takes; with protected arms, where they stop paying against training. No figures
/// for two stores, or where no two arms can be compared.
PageSection defences_section(const PageInputs& inputs);

}  // namespace flatenn
