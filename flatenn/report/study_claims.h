// Study claims: what a study judged, as its summary.json says.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "flatenn/memory/fault_map.h"

namespace flatenn {

/// One judged difference in one cell; docs/study.md has the fields.
struct StudyClaim {
  std::string id;        ///< "C1" to "C4"
  std::string metric;    ///< empty where none
  bool on_drop = false;  ///< of drops from each arm's own clean accuracy, not of accuracies
  bool chosen = false;   ///< of the cell that validation chose
  bool holds = false;
  double points = 0;
  double lo = 0, hi = 0;  ///< infinite where unbounded
  FaultKind kind = FaultKind::flip;
  double rate = 0;
};

/// Of every cell, on both bases. Throws Error naming `where` for text that is not a study's
/// summary.
std::vector<StudyClaim> read_study_claims(std::string_view json, std::string_view where);

/// "SAQ helps the sparse network"; an unknown id is its own sentence.
std::string claim_statement(const StudyClaim& claim);
/// "sparse SAQ (code) - sparse".
std::string claim_difference(const StudyClaim& claim);

}  // namespace flatenn
