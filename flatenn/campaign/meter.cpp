#include "flatenn/campaign/meter.h"

#include <fmt/format.h>

#include <algorithm>

#include "flatenn/stats/interval.h"

namespace flatenn {

Meter::Meter(const Context& context) : context_(context) {
  progress_.task = "campaign";
  progress_.unit = "trials";
}

void Meter::expect(std::size_t subject, double trials) {
  progress_.total += trials - expected_[subject];
  expected_[subject] = trials;
}

void Meter::add(const std::string& subject, std::uint64_t images,
                const std::vector<Trial>& trials) {
  for (const Trial& trial : trials) {
    cells_[{subject, trial.kind, trial.rate}].add(100.0 * static_cast<double>(trial.correct) /
                                                  static_cast<double>(images));
  }
  progress_.done += static_cast<double>(trials.size());
}

void Meter::report() {
  progress_.note = worst();
  context_.events->progress(progress_);
}

void Meter::finish() { context_.events->finished(progress_.task); }

std::string Meter::worst() const {
  if (cells_.empty()) return "";
  const auto& [key, samples] =
      *std::ranges::min_element(cells_, {}, [](const auto& cell) { return cell.second.mean(); });
  const auto& [subject, kind, rate] = key;
  const Interval interval = t_interval(samples);
  const std::string width =
      interval.n > 1 ? fmt::format(" +- {:.1f}", (interval.hi - interval.lo) / 2) : "";
  return fmt::format("worst {:.1f}{} % over {} maps ({}, {} {:g})", interval.mean, width,
                     interval.n, subject, to_string(kind), rate);
}

}  // namespace flatenn
