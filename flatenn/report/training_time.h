// Training time: what an arm cost, from the logs that its trainings left in a study's folder.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "flatenn/report/arms.h"

namespace flatenn {

/// Seconds over all epochs of the text of a training's log.jsonl; negative where it has no line, or
/// a line has no seconds. Throws Error naming `where` and the line for what is not a log.
double parse_training_seconds(const std::string& text, std::string_view where);

/// Of a file; negative where there is none.
double training_seconds(const std::filesystem::path& log);

/// Sets Arm::training_seconds from <folder>/arms/<label>/log.jsonl. It stays unknown unless every
/// seed of the arm has its time: a mean over some seeds would be another figure.
void add_training_seconds(const std::filesystem::path& folder, std::vector<Arm>& arms);

}  // namespace flatenn
