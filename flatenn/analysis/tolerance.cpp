#include "flatenn/analysis/tolerance.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <utility>

#include "flatenn/base/error.h"
#include "flatenn/config/grid.h"

namespace flatenn {
namespace {

constexpr double kLowestRate = 1e-5, kHighestRate = 0.5;

ToleranceQuestion question(const ToleranceSettings& tolerance, const CampaignSettings& settings,
                           double clean) {
  ToleranceQuestion question;
  question.rates = settings.rates;
  std::ranges::sort(question.rates);
  question.clean = clean;
  question.loss = tolerance.loss / 100;
  question.confidence = tolerance.confidence;
  question.max_maps = settings.max_maps;
  return question;
}

double clean_accuracy(const Subject& subject) {
  return static_cast<double>(subject.clean_correct) / static_cast<double>(subject.images);
}

/// Throws Error when the network cannot lose so much, or nothing can be shown of it.
void check_network(const ToleranceSettings& tolerance, const CampaignSettings& settings,
                   const Subject& subject, int classes) {
  const double clean = clean_accuracy(subject);
  if (tolerance.loss >= 100 * clean) {
    fail("{}: of {:.4g} % clean accuracy {:.4g} points cannot be lost; choose a smaller loss",
         subject.label, 100 * clean, tolerance.loss);
  }
  try {
    check_answerable(question(tolerance, settings, clean), classes);
  } catch (const Error& error) {
    fail("{}: {}", subject.label, error.what());
  }
}

/// Accuracies by rate of one kind, in the order of map ids from the first on, up to the first gap.
class StoredOutcomes {
 public:
  StoredOutcomes(const ToleranceQuestion& question, const MeasuredSubject& measured,
                 std::uint64_t first_map, FaultKind kind)
      : question_(question) {
    for (const Trial& trial : measured.trials) {
      if (trial.kind != kind) continue;
      std::vector<double>& outcomes = by_rate_[trial.rate];
      if (trial.map != first_map + outcomes.size()) continue;
      outcomes.push_back(static_cast<double>(trial.correct) /
                         static_cast<double>(measured.subject.images));
    }
  }

  std::span<const double> operator()(std::size_t rate, std::uint64_t maps) const {
    const auto found = by_rate_.find(question_.rates[rate]);
    if (found == by_rate_.end()) return {};
    return std::span(found->second).first(std::min<std::size_t>(maps, found->second.size()));
  }

 private:
  const ToleranceQuestion& question_;
  std::map<double, std::vector<double>> by_rate_;
};

/// The search of one network.
class ModelSearch {
 public:
  ModelSearch(const ToleranceSettings& tolerance, const CampaignSettings& settings,
              const CampaignModel& model, const Context& context)
      : tolerance_(tolerance), settings_(settings), context_(context) {
    progress_.task = fmt::format("tolerance {}", model.label);
    progress_.unit = "trials";
  }

  std::vector<WorkUnit> next(const MeasuredSubject& measured) {
    const Subject& subject = measured.subject;
    const ToleranceQuestion asked = question(tolerance_, settings_, clean_accuracy(subject));
    found_.clear();
    std::map<std::pair<std::uint64_t, double>, std::vector<FaultKind>> missing;
    for (const FaultKind kind : settings_.kinds) {
      const StoredOutcomes outcomes(asked, measured, settings_.first_map, kind);
      ToleranceRound round = search_tolerance(asked, std::cref(outcomes));
      for (const ToleranceNeed& need : round.needs) {
        for (std::uint64_t map = need.first; map < need.last; ++map) {
          missing[{settings_.first_map + map, asked.rates[need.rate]}].push_back(kind);
        }
      }
      found_.push_back({kind, std::move(round.answer)});
    }
    report();
    return work(measured, missing);
  }

  std::vector<KindTolerance> found() && { return std::move(found_); }
  void finish() const { context_.events->finished(progress_.task); }

 private:
  /// Trials beyond a gap, as an interrupted round leaves them, are there already.
  static std::vector<WorkUnit> work(
      const MeasuredSubject& measured,
      std::map<std::pair<std::uint64_t, double>, std::vector<FaultKind>>& missing) {
    for (const Trial& trial : measured.trials) {
      const auto place = missing.find({trial.map, trial.rate});
      if (place != missing.end()) std::erase(place->second, trial.kind);
    }
    std::vector<WorkUnit> work;
    for (auto& [place, kinds] : missing) {
      if (!kinds.empty()) work.push_back({place.first, place.second, std::move(kinds)});
    }
    return work;
  }

  void report() {
    progress_.done = 0;
    progress_.note.clear();
    for (const auto& [kind, answer] : found_) {
      progress_.done += static_cast<double>(answer.maps);
      progress_.note += fmt::format("{}{} {:.3g}..{:.3g}", progress_.note.empty() ? "" : ", ",
                                    to_string(kind), answer.lo, answer.hi);
    }
    context_.events->progress(progress_);
  }

  const ToleranceSettings& tolerance_;
  const CampaignSettings& settings_;
  const Context& context_;
  Progress progress_;
  std::vector<KindTolerance> found_;
};

}  // namespace

std::vector<double> tolerance_rates(double resolution) {
  if (!(resolution >= 1.001 && resolution <= 10)) {
    fail("resolution: {} is not between 1.001 and 10", resolution);
  }
  const double steps = std::log(kHighestRate / kLowestRate) / std::log(resolution);
  const auto points = static_cast<int>(std::ceil(steps - 1e-9)) + 1;
  return expand_grid(fmt::format("{}..{}:{}", kLowestRate, kHighestRate, points), "resolution");
}

void check_tolerance(const ToleranceSettings& tolerance, const CampaignSettings& settings,
                     const std::vector<CampaignModel>& models, const Dataset& data) {
  check_campaign(settings, models, data);
  if (settings.sweep != Sweep::none) fail("sweep: a tolerance is that of all that is exposed");
  if (settings.sequential()) fail("until: a tolerance search stops by itself; leave it out");
  if (!campaign_source(settings).uses_rate()) {
    fail("source: '{}' has no rate to search for", settings.source);
  }
  if (!(tolerance.loss > 0 && tolerance.loss < 100)) {
    fail("loss: {} points are not between 0 and 100", tolerance.loss);
  }
  check_question(question(tolerance, settings, 1));
}

void check_networks(const ToleranceSettings& tolerance, const CampaignSettings& settings,
                    const std::vector<CampaignModel>& models, const Dataset& data,
                    std::string_view split, Store* store, const Context& context) {
  const Dataset images = campaign_images(settings, data);
  for (const CampaignModel& model : models) {
    const auto rule = [&](const MeasuredSubject& measured) {
      check_network(tolerance, settings, measured.subject, data.classes);
      return std::vector<WorkUnit>();  // no faults: nothing is stored
    };
    measure_by_rule(settings, model, images, split, store, rule, context);
  }
}

std::vector<ModelTolerance> measure_tolerance(const ToleranceSettings& tolerance,
                                              const CampaignSettings& settings,
                                              const std::vector<CampaignModel>& models,
                                              const Dataset& data, std::string_view split,
                                              Store* store, const Context& context) {
  check_tolerance(tolerance, settings, models, data);
  // Of all networks before the first is searched, which may take hours.
  check_networks(tolerance, settings, models, data, split, store, context);
  const Dataset images = campaign_images(settings, data);
  std::vector<ModelTolerance> all;
  for (const CampaignModel& model : models) {
    ModelSearch search(tolerance, settings, model, context);
    const auto rule = [&](const MeasuredSubject& measured) { return search.next(measured); };
    const MeasuredSubject measured =
        measure_by_rule(settings, model, images, split, store, rule, context);
    search.finish();
    all.push_back({measured.subject, std::move(search).found()});
  }
  return all;
}

}  // namespace flatenn
