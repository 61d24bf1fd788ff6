// Tables: summaries as text for a person, CSV and JSON for programs.
//
// No figure stands alone: accuracy under faults comes with its number of maps and images and its
// interval, beside the accuracy without faults and that of the float network; the nominal rate
// comes beside the bits that really changed.
#pragma once

#include <string>
#include <vector>

#include "flatenn/analysis/voltage.h"
#include "flatenn/report/summary.h"

namespace flatenn {

/// One block a subject, a row a cell. `voltages`, here and below: also the supply at each rate
/// (supply.h); null: no such columns.
std::string summary_text(const std::vector<SubjectSummary>& summaries,
                         const VoltageTable* voltages = nullptr);

/// One row a subject and cell, or a subject alone where it has no cells: for few figures.
std::string overview_text(const std::vector<SubjectSummary>& summaries);

/// One row a cell; the columns of the subject are repeated.
std::string summary_csv(const std::vector<SubjectSummary>& summaries,
                        const VoltageTable* voltages = nullptr);

/// {"format": 1, "interval": "...", "subjects": [{"label", "model_hash", ..., "cells": [...]}]};
/// docs/formats.md lists the fields. `indent` -1: on one line.
std::string summary_json(const std::vector<SubjectSummary>& summaries, int indent = 2,
                         const VoltageTable* voltages = nullptr);

}  // namespace flatenn
