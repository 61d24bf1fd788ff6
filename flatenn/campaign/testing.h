// Subjects and trials that could have been measured, for tests of stores.
#pragma once

#include <bit>
#include <string>
#include <utility>

#include "flatenn/base/random.h"
#include "flatenn/campaign/store.h"

namespace flatenn {

/// 90 of 100 images right without faults.
inline Subject example_subject(const std::string& label = "standard") {
  Subject subject;
  subject.label = label;
  subject.model_hash = "m-" + label;
  subject.data_hash = "d";
  subject.dataset = "synthetic";
  subject.split = "test";
  subject.layout = "fc.weight 1000x4";
  subject.images = 100;
  subject.memory_bits = 4000;
  subject.exposed_bits = 4000;
  subject.seed = ~std::uint64_t{0};
  subject.float_accuracy = 91.25;
  subject.sparsity = 50.5;
  subject.clean_correct = 90;
  return subject;
}

/// The same with 800 bytes of weights, its memory faulty and protected as `source` says.
inline Subject example_subject_of(const std::string& source) {
  Subject subject = example_subject();
  subject.layout = "fc.weight 800x8";
  subject.source = source;
  return subject;
}

/// A function of its arguments, with per-image results.
inline Trial example_trial(FaultKind kind, double rate, std::uint64_t map) {
  RandomStream stream(static_cast<std::uint64_t>(kind), Purpose::test, map,
                      std::bit_cast<std::uint64_t>(rate));
  Trial trial{kind, rate, map};
  trial.right.resize(13);
  for (int i = 0; i < 100; ++i) {
    const auto right = static_cast<std::uint8_t>(stream.below(2));
    trial.right[static_cast<std::size_t>(i / 8)] |= static_cast<std::uint8_t>(right << i % 8);
    trial.correct += right;
  }
  trial.faulty_bits = 40 + stream.below(20);
  trial.changed_bits = stream.below(40);
  trial.answers_changed = 90;
  return trial;
}

inline Trial without_images(Trial trial) {
  trial.right = {};
  return trial;
}

}  // namespace flatenn
