// Study: train the arms, corrupt their memories, judge the claims. Resumes, and redoes only what
// changed.
#pragma once

#include <filesystem>

#include "flatenn/base/events.h"
#include "flatenn/study/settings.h"
#include "flatenn/study/summary.h"

namespace flatenn {

/// Runs a study in `folder` and leaves there
///   study.toml                    resolved settings
///   arms/<arm>-seed<k>/           one training each, see trainer.h
///   validation.db, faults.db      every trial on the validation and the test split
///   summary.json, tables.txt      what was found, for programs and for a person
///   arms.csv, faulty.csv, claims.csv, curves.svg
///   report.html                   the same to look at
///
/// Trainings run side by side, one thread each, so that they are byte-identical however many run. A
/// training whose resolved settings are those of its folder is continued or, when finished, kept;
/// one with other settings is done anew in its place. Trials that the stores hold are not repeated:
/// a trial's key is the content of model, images and maps, so a changed arm alone is measured
/// again. Stops with Interrupted, everything finished kept. Throws Error for settings that
/// contradict each other, missing data, an unwritable folder, a training that diverged.
StudySummary run_study(const StudySettings& settings, const std::filesystem::path& folder,
                       const Context& context = default_context());

}  // namespace flatenn
