// Comparison: arms x defences on equal terms, in one cell: what each keeps, what they differ by on
// the same fault maps, and who is beaten by nobody.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "flatenn/report/arms.h"
#include "flatenn/report/comparable.h"
#include "flatenn/report/pareto.h"
#include "flatenn/report/payoff.h"
#include "flatenn/stats/paired.h"

namespace flatenn {

struct ComparisonOptions {
  CellWish cell;
  std::optional<FaultCell> chosen;  ///< by the study, before anything was compared
  std::string baseline;             ///< an arm's name or label; empty: every pair of arms
  bool on_drop = false;  ///< compare accuracy under faults minus the arm's own clean accuracy
};

/// What an arm is judged by.
enum class Criterion { faulty, clean, sparsity, training_time, stored_bits };

/// "accuracy under faults", ...
std::string_view criterion_name(Criterion criterion);
/// "faulty", "training_seconds", ...: without blanks, for programs.
std::string_view criterion_key(Criterion criterion);
/// "%", "s", "bits".
std::string_view criterion_unit(Criterion criterion);
Better criterion_better(Criterion criterion);

/// One arm. Means over seeds; accuracies in percent.
struct ComparedArm {
  std::string name;
  std::size_t seeds = 0;
  double float_accuracy = -1;  ///< negative: unknown
  double clean = 0, clean_lo = 0, clean_hi = 0;
  /// Over the common maps; accuracies, or on drops their points above (below 0: below) clean.
  CellSummary faulty;
  double sparsity = -1;                  ///< negative: unknown
  double training_seconds = -1;          ///< negative: unknown
  std::string protection;                ///< canonical text; empty: none
  std::optional<ProtectionCost> stored;  ///< bits of one network; none: unknown
};

/// `first` minus `second` on the common maps.
struct ComparedPair {
  std::string first, second;
  PairedComparison paired;  ///< points
  double p_adjusted = 1;    ///< sign_flip_p by Holm over all pairs of the comparison
  bool few_decide = false;  ///< some maps lie so far off that the t interval is not to be trusted
  std::size_t seeds = 0;    ///< that both arms were trained with
  std::size_t seeds_agree = 0;  ///< of those: whose own difference has the sign of the mean
};

enum class Standing { front, beaten, unknown };

/// Accuracy under faults and others: who is on the Pareto front of the means.
struct Front {
  std::vector<Criterion> criteria;  ///< the first is `faulty`
  std::vector<Standing> standings;  ///< an arm each
};

struct Comparison {
  FaultCell cell;
  std::string cell_reason;  ///< why this one, in words
  bool on_drop = false;
  std::string baseline;  ///< name of the arm; empty: every pair
  Subject subject;       ///< the images and faults that all have in common, unprotected
  std::size_t maps = 0;  ///< that all arms met
  std::vector<ComparedArm> arms;
  std::vector<ComparedPair> pairs;
  /// Against one criterion each, then against all of these. Stored bits count where they differ.
  std::vector<Front> fronts;
  std::vector<Payoff> payoffs;     ///< under the cell's kind of fault, at every rate
  std::vector<std::string> notes;  ///< what is left out, and what the figures cannot say
};

/// Whether any arm has a protection.
bool any_protected(const Comparison& comparison);

/// The value that `arm` has; negative where it is not known (but for `faulty` on drops).
double criterion_value(const ComparedArm& arm, Criterion criterion);

/// Throws Error with one line where no two arms can be compared in that cell, or for a baseline
/// that is none of the arms.
Comparison compare_arms(const std::vector<Arm>& arms, const ComparisonOptions& options = {});

}  // namespace flatenn
