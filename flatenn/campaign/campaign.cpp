#include "flatenn/campaign/campaign.h"

#include <algorithm>
#include <map>
#include <memory>
#include <set>
#include <thread>
#include <tuple>
#include <utility>

#include "flatenn/base/error.h"
#include "flatenn/campaign/plan.h"
#include "flatenn/campaign/runner.h"
#include "flatenn/engine/make_evaluator.h"
#include "flatenn/memory/memory_image.h"

namespace flatenn {
namespace {

template <class T>
void check_list(const std::vector<T>& values, std::string_view key) {
  if (values.empty()) fail("{}: the list is empty", key);
  std::set<T> seen;
  for (const T& value : values) {
    if (seen.insert(value).second) continue;
    if constexpr (std::is_enum_v<T>) {
      fail("{}: {} is listed twice", key, to_string(value));
    } else {
      fail("{}: {} is listed twice", key, value);
    }
  }
}

/// One network with what is left to do for it.
struct Job {
  Subject subject;
  const Model* model = nullptr;
  bool known = false;  ///< the store has the subject
  std::vector<WorkUnit> work;
};

/// Progress over the whole campaign, with the cell that is worst so far.
class Meter {
 public:
  Meter(const Context& context, double total) : context_(context) {
    progress_.task = "campaign";
    progress_.unit = "trials";
    progress_.total = total;
  }
  void add(const std::string& label, std::uint64_t images, const std::vector<Trial>& trials) {
    for (const Trial& trial : trials) {
      Tally& tally = tallies_[{label, trial.kind, trial.rate}];
      tally.maps += 1;
      tally.accuracy += 100.0 * static_cast<double>(trial.correct) / static_cast<double>(images);
    }
    progress_.done += static_cast<double>(trials.size());
  }
  void report() {
    progress_.note = worst();
    context_.events->progress(progress_);
  }
  void finish() { context_.events->finished(progress_.task); }

 private:
  struct Tally {
    double maps = 0;
    double accuracy = 0;  ///< sum over maps, percent
    double mean() const { return accuracy / maps; }
  };

  std::string worst() const {
    if (tallies_.empty()) return "";
    const auto& [key, tally] = *std::ranges::min_element(
        tallies_, {}, [](const auto& entry) { return entry.second.mean(); });
    const auto& [label, kind, rate] = key;
    return fmt::format("worst {:.1f} % over {} maps ({}, {} {:g})", tally.mean(), tally.maps, label,
                       to_string(kind), rate);
  }

  const Context& context_;
  Progress progress_;
  std::map<std::tuple<std::string, FaultKind, double>, Tally> tallies_;
};

void check_image_count(const CampaignSettings& settings, const Dataset& data) {
  if (data.size() == 0) fail("data set '{}' has no images", data.name);
  if (settings.images > data.size()) {
    fail("images: {} asked, but data set '{}' has {}", settings.images, data.name, data.size());
  }
}

Exposure exposure_of(const CampaignSettings& settings, const MemoryImage& memory) {
  return settings.exposed.empty() ? memory.expose_all() : memory.expose(settings.exposed);
}

int thread_count(const CampaignSettings& settings) {
  const int processors = static_cast<int>(std::max(1u, std::thread::hardware_concurrency()));
  return settings.threads == 0 ? processors : settings.threads;
}

/// Classes without faults, one an image; throws Interrupted.
std::vector<std::uint8_t> clean_classes(const Evaluator& evaluator, const Dataset& images,
                                        const Context& context) {
  std::vector<std::uint8_t> classes(images.size());
  classify_until(*evaluator.clone(), classes, context.stop);
  throw_if_stopped(context);
  return classes;
}

void run_job(Job& job, const CampaignSettings& settings, const Dataset& images, Store& store,
             Meter& meter, const Context& context) {
  if (job.known && job.work.empty()) return;
  const std::unique_ptr<Evaluator> evaluator = make_evaluator(settings.engine, *job.model, images);
  const std::vector<std::uint8_t> clean = clean_classes(*evaluator, images, context);
  job.subject.clean_correct = count_equal(clean, images.labels);
  const std::int64_t id = store.add_subject(job.subject);
  const TrialSetup setup{job.model,
                         &images,
                         evaluator.get(),
                         settings.seed,
                         exposure_of(settings, MemoryImage(*job.model)),
                         clean,
                         settings.per_image};
  run_trials(setup, job.work, thread_count(settings), context.stop,
             [&](const std::vector<Trial>& trials) {
               store.append(id, trials);
               meter.add(job.subject.label, job.subject.images, trials);
               meter.report();
             });
  throw_if_stopped(context);
}

/// What the store has of what is asked, without per-image results.
std::vector<Trial> stored_trials(const CampaignSettings& settings, const Store& store,
                                 const std::string& key) {
  std::vector<Trial> stored;
  const auto answers = settings.per_image ? Answers::load : Answers::skip;
  store.visit_trials(key, answers, [&](const Trial& trial) {
    if (trial.map < settings.first_map || trial.map - settings.first_map >= settings.maps ||
        std::ranges::find(settings.rates, trial.rate) == settings.rates.end() ||
        std::ranges::find(settings.kinds, trial.kind) == settings.kinds.end() ||
        (settings.per_image && trial.right.empty())) {
      return;
    }
    stored.push_back(trial);
    stored.back().right = {};
  });
  return stored;
}

/// What the store lacks, network by network; counts what it has.
std::vector<Job> plan_jobs(const CampaignSettings& settings,
                           const std::vector<CampaignModel>& models, const Dataset& images,
                           std::string_view split, const Store& store, Meter& meter) {
  std::vector<Job> jobs;
  for (const CampaignModel& model : models) {
    Job job{campaign_subject(settings, model, images, split), model.model, false, {}};
    const std::string key = job.subject.key();
    job.known = store.find_subject(key).has_value();
    const std::vector<Trial> stored = stored_trials(settings, store, key);
    job.work = missing_work(settings, stored);
    meter.add(job.subject.label, job.subject.images, stored);
    jobs.push_back(std::move(job));
  }
  return jobs;
}

void check_models(const std::vector<CampaignModel>& models) {
  if (models.empty()) fail("a campaign needs at least one model");
  std::set<std::string_view> labels;
  for (const CampaignModel& model : models) {
    if (!labels.insert(model.label).second) fail("two models are called '{}'", model.label);
  }
}

}  // namespace

void bind(Binder& binder, CampaignSettings& settings) {
  std::vector<std::string> kinds;
  for (const FaultKind kind : settings.kinds) kinds.emplace_back(to_string(kind));
  binder.value("kinds", kinds, "fault kinds: flip, stuck0, stuck1, stuck");
  settings.kinds.clear();
  for (const std::string& kind : kinds) settings.kinds.push_back(parse_fault_kind(kind));
  binder.value("rates", settings.rates, "share of faulty cells, each in [0, 1]", between(0, 1));
  binder.value("maps", settings.maps, "fault maps a cell", between(1, 1e9));
  binder.value("first_map", settings.first_map, "id of the first fault map", between(0, 1e12));
  binder.value("seed", settings.seed, "seed of the fault maps");
  binder.value("exposed", settings.exposed, "tensors exposed to faults, as patterns; empty: all");
  binder.value("images", settings.images, "evaluate the first n images; 0: all");
  binder.choice("engine", settings.engine, {"automatic", "torch", "int8", "reference"},
                "what computes; all give the same results");
  binder.value("threads", settings.threads, "0: all processors", between(0, 4096));
  binder.value("per_image", settings.per_image,
               "record which images every trial classified rightly");
}

void check_settings(const CampaignSettings& settings) {
  check_list(settings.kinds, "kinds");
  check_list(settings.rates, "rates");
  for (const double rate : settings.rates) {
    if (!(rate >= 0 && rate <= 1)) fail("rates: {} is outside [0, 1]", rate);
  }
  if (settings.maps == 0) fail("maps: at least one fault map is needed");
  if (settings.threads < 0) fail("threads: {} is negative", settings.threads);
}

Dataset campaign_images(const CampaignSettings& settings, const Dataset& data) {
  check_image_count(settings, data);
  return data.slice(0, settings.images == 0 ? data.size() : settings.images);
}

Subject campaign_subject(const CampaignSettings& settings, const CampaignModel& model,
                         const Dataset& images, std::string_view split) {
  const MemoryImage memory(*model.model);
  Subject subject;
  subject.label = model.label;
  subject.model_hash = model_hash(*model.model);
  subject.data_hash = images.hash();
  subject.dataset = images.name;
  subject.split = split;
  subject.exposure = fmt::format("{}", fmt::join(settings.exposed, ","));
  subject.images = images.size();
  subject.memory_bits = memory.bits();
  subject.exposed_bits = exposure_of(settings, memory).bits();
  subject.seed = settings.seed;
  subject.float_accuracy = model.model->info.float_accuracy;
  subject.sparsity = model.model->info.sparsity;
  return subject;
}

void check_campaign(const CampaignSettings& settings, const std::vector<CampaignModel>& models,
                    const Dataset& data) {
  check_settings(settings);
  check_models(models);
  check_image_count(settings, data);
  for (const CampaignModel& model : models) {
    check_images(*model.model, data);
    exposure_of(settings, MemoryImage(*model.model));
  }
}

void run_campaign(const CampaignSettings& settings, const std::vector<CampaignModel>& models,
                  const Dataset& data, std::string_view split, Store& store,
                  const Context& context) {
  check_campaign(settings, models, data);
  const Dataset images = campaign_images(settings, data);
  const double total =
      static_cast<double>(settings.maps) *
      static_cast<double>(settings.rates.size() * settings.kinds.size() * models.size());
  Meter meter(context, total);
  std::vector<Job> jobs = plan_jobs(settings, models, images, split, store, meter);
  meter.report();
  for (Job& job : jobs) run_job(job, settings, images, store, meter, context);
  meter.finish();
}

std::vector<Trial> measure_trials(const CampaignSettings& settings, const CampaignModel& model,
                                  const Dataset& images, const Context& context,
                                  std::span<const std::uint8_t> clean) {
  check_settings(settings);
  const std::vector<WorkUnit> work = missing_work(settings, {});
  Meter meter(context, static_cast<double>(count_trials(work)));
  const std::unique_ptr<Evaluator> evaluator =
      make_evaluator(settings.engine, *model.model, images);
  std::vector<std::uint8_t> own_clean;
  if (clean.empty()) clean = own_clean = clean_classes(*evaluator, images, context);
  const TrialSetup setup{model.model,
                         &images,
                         evaluator.get(),
                         settings.seed,
                         exposure_of(settings, MemoryImage(*model.model)),
                         clean,
                         settings.per_image};
  std::vector<Trial> all;
  run_trials(setup, work, thread_count(settings), context.stop,
             [&](const std::vector<Trial>& trials) {
               all.insert(all.end(), trials.begin(), trials.end());
               meter.add(model.label, images.size(), trials);
               meter.report();
             });
  throw_if_stopped(context);
  meter.finish();
  std::ranges::sort(all, {}, [](const Trial& t) { return std::tuple(t.kind, t.rate, t.map); });
  return all;
}

}  // namespace flatenn
