// Summary: what a study found, and the files that say it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "flatenn/report/summary.h"
#include "flatenn/study/claims.h"

namespace flatenn {

/// What was trained and measured on: the hashes are Dataset's.
struct StudyData {
  std::string name;
  std::string train_hash, test_hash;
};

/// One trained network. Accuracies and sparsity in percent, on all test images.
struct ArmResult {
  std::string name;
  std::uint64_t seed = 0;
  std::string metric;
  double clean_float = 0;
  double clean = 0;
  double sparsity = 0;
  std::string model;  ///< file, relative to the study's folder
};

/// One trained network in one cell.
struct FaultyResult {
  std::string arm;
  std::uint64_t seed = 0;
  std::uint64_t images = 0;
  CellSummary cell;
};

struct StudySummary {
  StudyData data;
  std::vector<ArmResult> arms;
  std::vector<FaultyResult> faulty;
  std::vector<CellAccuracies> cells;  ///< what the claims are judged on
  std::size_t chosen = 0;             ///< index of the cell of `claims`
};

/// Claims of one cell, or of all cells one after the other.
std::vector<Claim> chosen_claims(const StudySummary& summary, Basis basis);
std::vector<Claim> all_claims(const StudySummary& summary, Basis basis);

/// {"data": {...}, "arms": [...], "faulty": [...], "claims": [...], "claims_by_cell": [...], and
/// the same two on drops, "claims_on_drop", "claims_by_cell_on_drop"}. An unbounded end of an
/// interval is null; docs/study.md lists the fields.
std::string study_json(const StudySummary& summary);

/// Three parts for a person: the networks, accuracy against rate (mean over seeds and maps with its
/// interval over maps), the claims.
std::string study_text(const StudySummary& summary);

/// A row a network, a row a network and cell, a row a claim, cell and basis.
std::string arms_csv(const StudySummary& summary);
std::string faulty_csv(const StudySummary& summary);
std::string claims_csv(const StudySummary& summary);

/// Accuracy against rate, a panel a kind, a line an arm (mean over seeds).
std::string study_svg(const StudySummary& summary);

}  // namespace flatenn
