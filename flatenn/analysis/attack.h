// Attack: how few chosen bit flips destroy a network. Needs no torch header.
//
// Faults by chance strike anywhere; an adversary picks the bits (by hammering rows of a memory, for
// example). He chooses on images of his own; what he destroys is measured on others, with the
// integer network whose memory holds the flips.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "flatenn/analysis/attack_settings.h"
#include "flatenn/analysis/results.h"
#include "flatenn/base/events.h"
#include "flatenn/data/dataset.h"
#include "flatenn/graph/model.h"
#include "flatenn/memory/fault_map_file.h"

namespace flatenn {

struct AttackInput {
  std::string label;
  const Model& model;
  const Dataset& known;     ///< the adversary's images: the first settings.images of them
  std::string known_split;  ///< where they come from
  const Dataset& test;      ///< damage is measured on the first settings.test_images
  std::string test_split;
};

/// One run of a method within one budget.
struct AttackRun {
  std::uint64_t restart = 0;
  /// Flipped addresses in the memory of the weights (layout.h), distinct; in the order of flipping,
  /// of the gradient attack ascending.
  std::vector<std::uint64_t> cells;
  LossPoint known;                    ///< with the flips, on the adversary's images
  std::uint64_t correct = 0;          ///< test images classified rightly with the flips
  std::uint64_t top_bits = 0;         ///< flips of the most significant bit of a word
  std::vector<std::uint64_t> layers;  ///< flips in each weight tensor, in memory order
  bool operator==(const AttackRun&) const = default;
};

/// One method within one budget.
struct AttackOutcome {
  AttackMethod method = AttackMethod::progressive;
  std::uint64_t budget = 0;
  std::vector<AttackRun> runs;  ///< by restart; progressive search has one
  /// What the adversary would use: the run with the largest loss on his images, the first of equal
  /// ones. Preconditions, here and below: runs is not empty.
  const AttackRun& strongest() const;
  /// Over runs, images classified rightly.
  double mean_correct() const;
  std::uint64_t fewest_correct() const;
  bool operator==(const AttackOutcome&) const = default;
};

struct AttackResult {
  std::string label;
  std::string model_hash;
  std::string dataset, test_split, known_split;
  std::string test_hash, known_hash;  ///< of the images used
  std::string settings;               ///< resolved, JSON text: the rest is a function of it
  std::string exposure;               ///< canonical patterns, "" for all weights
  std::uint64_t memory_bits = 0, exposed_bits = 0;
  std::uint64_t test_images = 0, known_images = 0;
  std::vector<std::string> tensors;     ///< names, in memory order
  LossPoint known;                      ///< without flips, on the adversary's images
  std::uint64_t clean_correct = 0;      ///< test images classified rightly without flips
  std::vector<AttackOutcome> outcomes;  ///< budget by budget, methods in the order of the settings
  bool operator==(const AttackResult&) const = default;
};

/// A pure function of settings and input, whatever the number of threads. Reports one task a method
/// and one for the damage. Warns when both sorts of images come from one split. Throws Error as
/// check_settings does, when there are fewer images than asked or they do not fit the model, when
/// no cell is exposed and when a budget exceeds the exposed cells; Interrupted.
AttackResult attack(const AttackSettings& settings, const AttackInput& input,
                    const Context& context = default_context());

/// The flips of a run as a map of faulty cells of that memory: a campaign over --source file:PATH
/// with --kinds flip repeats the attack.
FaultMapFile attack_map(const AttackResult& result, const AttackRun& run);

}  // namespace flatenn
