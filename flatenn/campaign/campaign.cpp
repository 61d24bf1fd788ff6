#include "flatenn/campaign/campaign.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <tuple>
#include <utility>

#include "flatenn/base/error.h"
#include "flatenn/campaign/exposed_network.h"
#include "flatenn/campaign/meter.h"
#include "flatenn/campaign/plan.h"
#include "flatenn/campaign/runner.h"
#include "flatenn/campaign/subject_run.h"
#include "flatenn/engine/make_evaluator.h"
#include "flatenn/memory/layout.h"

namespace flatenn {
namespace {

/// Where the trials of one subject are kept.
struct Keeper {
  std::function<std::vector<Trial>(const MapRange&)> stored;  ///< by kind, rate, map
  std::function<void(const std::vector<Trial>&)> keep;
};

/// Where one subject stands in the campaign.
struct Place {
  std::uint64_t number = 0;
  Shard shard = {};
};

/// Plans and works until nothing is missing. `start` is called once before the first trial.
void run_subject(SubjectRun& run, const Place& place, const std::string& name, int threads,
                 const Keeper& keeper, Meter& meter, const std::function<void()>& start) {
  const PlanInput input = run.plan_input(place.number, place.shard);
  const std::vector<MapRange> windows = plan_windows(input);
  bool started = false;
  for (const MapRange& window : windows) {
    Plan plan = plan_work(input, window, keeper.stored(window));
    while (!plan.work.empty()) {
      // What a window of several will need was known from the start.
      if (windows.size() == 1) meter.expect(place.number, plan.expected);
      if (!std::exchange(started, true)) start();
      run.work(plan.work, threads, [&](const std::vector<Trial>& trials) {
        keeper.keep(trials);
        meter.add(name, input.images, trials);
        meter.report();
      });
      plan = plan_work(input, window, keeper.stored(window));
    }
  }
  meter.report();
}

/// What the store has of a window; with per_image only what has its images.
std::vector<Trial> stored_trials(const CampaignSettings& settings, const Store& store,
                                 const std::string& key, const MapRange& window) {
  std::vector<Trial> stored;
  const auto answers = settings.per_image ? Answers::load : Answers::skip;
  const auto keep = [&](const Trial& trial) {
    if (settings.per_image && trial.right.empty()) return;
    stored.push_back(trial);
    stored.back().right = {};
  };
  store.visit_trials(key, answers, keep, window);
  std::ranges::stable_sort(stored, {}, &Trial::kind);
  return stored;
}

/// One subject to measure.
struct Job {
  CampaignSettings settings;
  const CampaignModel* model = nullptr;
  Subject subject;
  std::unique_ptr<SubjectRun> run = {};  ///< given back when it is done

  std::string name() const {
    return subject.exposure.empty() ? model->label
                                    : fmt::format("{}, {}", model->label, subject.exposure);
  }
};

void set_exposure(const CampaignSettings& settings, const MemoryLayout& memory, Subject& subject) {
  subject.exposure = exposure_text(settings);
  subject.exposed_bits = expose_cells(memory, settings.exposed, campaign_protection(settings)).bits;
}

Subject make_subject(const CampaignSettings& settings, const FaultSource& source,
                     const CampaignModel& model, const Dataset& images, std::string_view split) {
  const MemoryLayout memory(*model.model, exposed_parts(settings));
  const Protection protection = campaign_protection(settings);
  Subject subject;
  subject.label = model.label;
  subject.model_hash = model_hash(*model.model);
  subject.data_hash = images.hash();
  subject.dataset = images.name;
  subject.split = split;
  subject.source = source_text(source, protection);
  subject.layout = memory.text();
  subject.images = images.size();
  subject.memory_bits = protected_cells(protection, memory);
  set_exposure(settings, memory, subject);
  subject.seed = settings.seed;
  subject.float_accuracy = model.model->info.float_accuracy;
  subject.sparsity = model.model->info.sparsity;
  return subject;
}

/// The runs refer to their jobs, which therefore stay where they are.
std::vector<std::unique_ptr<Job>> list_jobs(const CampaignSettings& settings,
                                            const std::vector<CampaignModel>& models,
                                            const Dataset& images, std::string_view split,
                                            const Context& context) {
  std::vector<std::unique_ptr<Job>> jobs;
  // Read once: what names the results is what the faults are drawn from.
  const FaultSource source = campaign_source(settings);
  CampaignSettings whole = settings;
  whole.sweep = Sweep::none;
  for (const CampaignModel& model : models) {
    const MemoryLayout memory(*model.model, exposed_parts(settings));
    const Subject subject = make_subject(whole, source, model, images, split);
    for (const CampaignSettings& one : expand_sweep(settings, *model.model)) {
      Job& job = *jobs.emplace_back(new Job{one, &model, subject});
      set_exposure(one, memory, job.subject);
      job.run = std::make_unique<SubjectRun>(job.settings, source, model, images, context);
    }
  }
  return jobs;
}

void run_job(Job& job, const Place& place, const Dataset& images, Store& store, Meter& meter) {
  const std::string key = job.subject.key();
  std::int64_t id = 0;
  const auto start = [&] {
    job.subject.clean_correct = count_equal(job.run->clean(), images.labels);
    id = store.add_subject(job.subject);
  };
  const Keeper keeper{
      [&](const MapRange& window) { return stored_trials(job.settings, store, key, window); },
      [&](const std::vector<Trial>& trials) { store.append(id, trials); }};
  run_subject(*job.run, place, job.name(), thread_count(job.settings, place.shard), keeper, meter,
              start);
  job.run.reset();
}

/// Tells the meter what is there and what is to come, so that its rate is that of this run.
void survey(const Job& job, const Place& place, const Store& store, Meter& meter) {
  const PlanInput input = job.run->plan_input(place.number, place.shard);
  double expected = 0;
  for (const MapRange& window : plan_windows(input)) {
    const Plan plan =
        plan_work(input, window, stored_trials(job.settings, store, job.subject.key(), window));
    meter.add_stored(plan.stored);
    expected += plan.expected;
  }
  meter.expect(place.number, expected);
}

void check_image_count(const CampaignSettings& settings, const Dataset& data) {
  if (data.size() == 0) fail("data set '{}' has no images", data.name);
  if (settings.images > data.size()) {
    fail("images: {} asked, but data set '{}' has {}", settings.images, data.name, data.size());
  }
}

void check_models(const std::vector<CampaignModel>& models) {
  if (models.empty()) fail("a campaign needs at least one model");
  std::set<std::string_view> labels;
  for (const CampaignModel& model : models) {
    if (!labels.insert(model.label).second) fail("two models are called '{}'", model.label);
  }
}

}  // namespace

std::vector<CampaignSettings> expand_sweep(const CampaignSettings& settings, const Model& model) {
  if (settings.sweep == Sweep::none) return {settings};
  const MemoryLayout memory(model, exposed_parts(settings));
  std::vector<std::vector<std::string>> parts;
  if (settings.sweep == Sweep::layers) {
    for (const Exposure::Range& range : memory.expose(settings.exposed).ranges) {
      parts.push_back(
          {memory.tensors()[static_cast<std::size_t>(memory.cell(range.first).tensor)].name});
    }
  } else {
    const std::vector<std::string> globs =
        settings.exposed.empty() ? std::vector<std::string>{"*"} : settings.exposed;
    for (const std::string& glob : globs) {
      const std::vector<std::string> one = {glob};
      int widest = 0;
      for (const Exposure::Range& range : memory.expose(one).ranges) {
        widest = std::max(widest, range.bits);
      }
      parts.resize(std::max<std::size_t>(parts.size(), static_cast<std::size_t>(widest)));
      for (int bit = 0; bit < widest; ++bit) {
        parts[static_cast<std::size_t>(bit)].push_back(fmt::format("{}:{}", glob, bit));
      }
    }
  }
  std::vector<CampaignSettings> expanded;
  for (std::vector<std::string>& part : parts) {
    CampaignSettings& one = expanded.emplace_back(settings);
    one.sweep = Sweep::none;
    one.exposed = std::move(part);
  }
  return expanded;
}

Dataset campaign_images(const CampaignSettings& settings, const Dataset& data) {
  check_image_count(settings, data);
  return data.slice(0, settings.images == 0 ? data.size() : settings.images);
}

Subject campaign_subject(const CampaignSettings& settings, const CampaignModel& model,
                         const Dataset& images, std::string_view split) {
  return make_subject(settings, campaign_source(settings), model, images, split);
}

void check_campaign(const CampaignSettings& settings, const std::vector<CampaignModel>& models,
                    const Dataset& data) {
  check_settings(settings);
  check_models(models);
  check_image_count(settings, data);
  if (settings.sweep != Sweep::none && std::ranges::any_of(settings.exposed, names_bits)) {
    fail("exposed: a sweep chooses bit positions or layers itself; leave bit positions out");
  }
  const FaultSource source = campaign_source(settings);
  const Protection protection = campaign_protection(settings);
  for (const CampaignModel& model : models) {
    check_images(*model.model, data);
    const MemoryLayout memory(*model.model, exposed_parts(settings));
    expose_cells(memory, settings.exposed, protection);
    const std::uint64_t cells = protected_cells(protection, memory);
    if (cells != memory.bits() && source.file && source.file->bits != cells) {
      fail(
          "source and {}: the fault map file is for a memory of {} cells, but with {} this memory "
          "has {}, {} of them check cells or skipped ones",
          protection.placement.skip.any() ? "placement" : "guard", source.file->bits,
          to_string(protection), cells, cells - memory.bits());
    }
    check_fault_source(source, cells, 0, 1);
  }
}

void check_unchanged(const std::vector<CampaignModel>& models, const Store& store) {
  const std::vector<Subject> subjects = store.subjects();
  for (const CampaignModel& model : models) {
    const std::string hash = model_hash(*model.model);
    for (const Subject& subject : subjects) {
      if (subject.label != model.label || subject.model_hash == hash) continue;
      fail(
          "'{}' has changed since the store began: its hash was {} and is {}; use another store, "
          "or "
          "the old model",
          model.label, subject.model_hash, hash);
    }
  }
}

void run_campaign(const CampaignSettings& settings, const std::vector<CampaignModel>& models,
                  const Dataset& data, std::string_view split, Store& store, const Context& context,
                  const Shard& shard) {
  check_campaign(settings, models, data);
  const Dataset images = campaign_images(settings, data);
  const std::vector<std::unique_ptr<Job>> jobs =
      list_jobs(settings, models, images, split, context);
  Meter meter(context);
  for (std::size_t j = 0; j < jobs.size(); ++j) survey(*jobs[j], {j, shard}, store, meter);
  meter.report();
  for (std::size_t j = 0; j < jobs.size(); ++j) {
    run_job(*jobs[j], {j, shard}, images, store, meter);
  }
  meter.finish();
}

std::vector<Trial> measure_trials(const CampaignSettings& settings, const CampaignModel& model,
                                  const Dataset& images, const Context& context,
                                  std::span<const std::uint8_t> clean) {
  check_settings(settings);
  FLATENN_ASSERT(settings.sweep == Sweep::none);
  SubjectRun run(settings, campaign_source(settings), model, images, context);
  if (!clean.empty()) run.set_clean(clean);
  Meter meter(context);
  std::vector<Trial> all;
  const auto sort = [&] {
    std::ranges::sort(all, {}, [](const Trial& t) { return std::tuple(t.kind, t.rate, t.map); });
  };
  const Keeper keeper{[&](const MapRange& window) {
                        sort();
                        std::vector<Trial> stored;
                        std::ranges::copy_if(all, std::back_inserter(stored), [&](const Trial& t) {
                          return window.contains(t.map);
                        });
                        return stored;
                      },
                      [&](const std::vector<Trial>& trials) {
                        all.insert(all.end(), trials.begin(), trials.end());
                      }};
  double expected = 0;
  const PlanInput input = run.plan_input(0, {});
  for (const MapRange& window : plan_windows(input)) {
    expected += plan_work(input, window, {}).expected;
  }
  meter.expect(0, expected);
  run_subject(run, {}, model.label, thread_count(settings, {}), keeper, meter, [] {});
  meter.finish();
  sort();
  return all;
}

}  // namespace flatenn
