// Identity: which training a folder or a checkpoint belongs to.
#pragma once

#include <string>
#include <string_view>

#include "flatenn/train/settings.h"

namespace flatenn {

/// What makes a training this one and no other: settings and pictures, wherever the files lie.
struct TrainingIdentity {
  TrainSettings settings;
  std::string data_hash;  ///< of the training images
};

/// The resolved settings as TOML, data folder included, beneath a comment with the hash.
std::string to_text(const TrainingIdentity& identity);

/// Whether a text of to_text describes this training: data folders may differ, and keys that the
/// text lacks, as an older program leaves it, have their defaults. False for other texts.
bool describes(std::string_view text, const TrainingIdentity& identity);

}  // namespace flatenn
