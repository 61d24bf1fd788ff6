#include "flatenn/campaign/rule.h"

#include <algorithm>
#include <tuple>

#include "flatenn/base/error.h"
#include "flatenn/campaign/runner.h"
#include "flatenn/campaign/subject_run.h"

namespace flatenn {
namespace {

void sort_trials(std::vector<Trial>& trials) {
  std::ranges::sort(trials, {}, [](const Trial& t) { return std::tuple(t.kind, t.rate, t.map); });
}

}  // namespace

MeasuredSubject measure_by_rule(const CampaignSettings& settings, const CampaignModel& model,
                                const Dataset& images, std::string_view split, Store* store,
                                const TrialRule& rule, const Context& context) {
  FLATENN_ASSERT(settings.sweep == Sweep::none);
  SubjectRun run(settings, campaign_source(settings), model, images, context);
  MeasuredSubject measured{campaign_subject(settings, model, images, split), {}};
  Subject& subject = measured.subject;
  const std::string key = subject.key();
  const auto known = store != nullptr ? store->find_subject(key) : std::nullopt;
  // What is stored needs no evaluator.
  subject.clean_correct = known ? known->clean_correct : count_equal(run.clean(), images.labels);
  if (known) measured.trials = store->trials(key);
  std::int64_t id = 0;
  for (bool first = true;; first = false) {
    sort_trials(measured.trials);
    const std::vector<WorkUnit> work = rule(measured);
    if (work.empty()) return measured;
    if (first && store != nullptr) {
      subject.clean_correct = count_equal(run.clean(), images.labels);
      id = store->add_subject(subject);
    }
    run.work(work, thread_count(settings, {}), [&](const std::vector<Trial>& trials) {
      if (store != nullptr) store->append(id, trials);
      measured.trials.insert(measured.trials.end(), trials.begin(), trials.end());
    });
  }
}

}  // namespace flatenn
