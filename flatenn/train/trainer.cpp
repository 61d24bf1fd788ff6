#include "flatenn/train/trainer.h"

#include <torch/types.h>

#include <chrono>
#include <cmath>
#include <map>
#include <nlohmann/json.hpp>

#include "flatenn/base/error.h"
#include "flatenn/base/file.h"
#include "flatenn/base/writer_lock.h"
#include "flatenn/engine/make_evaluator.h"
#include "flatenn/graph/dead_channels.h"
#include "flatenn/train/averaging.h"
#include "flatenn/train/checkpoint.h"
#include "flatenn/train/export.h"
#include "flatenn/train/images.h"
#include "flatenn/train/injection.h"
#include "flatenn/train/process.h"
#include "flatenn/train/step_plan.h"

namespace flatenn {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

std::string settings_json(TrainSettings settings) {
  return config_json([&](Binder& b) { bind(b, settings); });
}

torch::Device parse_device(const std::string& name) {
  try {
    return torch::Device(name);
  } catch (const std::exception&) {
    fail("unknown device '{}'; known: cpu, cuda, cuda:1, ...", name);
  }
}

/// A name for the model file: "lenet5-sparse-saq-code seed 0".
std::string describe(const TrainSettings& s) {
  static const std::map<Metric, std::string_view> kMetrics = {
      {Metric::weight, "weight"},
      {Metric::adaptive, "adaptive"},
      {Metric::code, "code"},
      {Metric::code_per_layer, "code-per-layer"}};
  std::string name = s.network.name;
  if (s.sparsity.strength > 0) name += "-sparse";
  if (takes_errors(s.plan.kind)) name += "-errors";
  if (s.injection.probability > 0) name += "-injected";
  if (takes_ascent(s.plan.kind)) name += fmt::format("-saq-{}", kMetrics.at(s.plan.metric));
  return fmt::format("{} seed {}", name, s.seed);
}

std::string to_json(const EpochRecord& r) {
  nlohmann::ordered_json line{{"epoch", r.epoch},
                              {"loss", r.loss},
                              {"train_accuracy", r.train_accuracy},
                              {"validation_accuracy", r.validation_accuracy}};
  if (r.validation_accuracy_bfloat16) {
    line["validation_accuracy_bfloat16"] = *r.validation_accuracy_bfloat16;
  }
  line["sparsity"] = r.sparsity;
  line["sparsity_strength"] = r.sparsity_strength;
  line["learning_rate"] = r.learning_rate;
  line["radius"] = r.radius;
  line["error_rate"] = r.error_rate;
  line["seconds"] = r.seconds;
  return line.dump();
}

/// Sums over the steps of an epoch.
struct EpochTotals {
  std::int64_t steps = 0, images = 0, correct = 0, zeros = 0, activations = 0;
  double loss = 0;

  void add(const StepResult& step, std::int64_t batch) {
    ++steps;
    images += batch;
    loss += step.loss;
    correct += step.correct;
    zeros += step.zeros;
    activations += step.activations;
  }
};

/// One training in one folder.
class Training {
 public:
  Training(TrainingIdentity identity, const TrainData& data, std::filesystem::path folder,
           std::unique_ptr<StepPlan> plan, const Context& context)
      : identity_(std::move(identity)),
        settings_(identity_.settings),
        data_(data),
        folder_(std::move(folder)),
        context_(context),
        device_(parse_device(settings_.device)),
        module_(build_training_graph(settings_, data.train), settings_.seed, device_),
        optimizer_(module_, settings_.optimizer),
        average_(module_, settings_.averaging),
        plan_(std::move(plan)),
        injection_(module_.graph(), settings_.injection, settings_.seed),
        task_("train " + folder_.filename().string()) {
    steps_per_epoch_ = static_cast<std::int64_t>(data.train.size()) / settings_.batch;
    state_.sparsity_strength = settings_.sparsity.strength;
    if (auto state = load_checkpoint(checkpoint_path(), identity_, module_, optimizer_, average_)) {
      state_ = std::move(*state);
    }
  }

  Model run() {
    while (state_.epochs_done < settings_.epochs) {
      const std::string line = run_epoch(state_.epochs_done);
      save_checkpoint(checkpoint_path(), identity_, state_, module_, optimizer_, average_);
      write_log();
      context_.events->record(line);
    }
    write_log();
    Model model = finished_model();
    save_model(model, folder_ / "model.safetensors");
    context_.events->finished(task_);
    return model;
  }

 private:
  std::filesystem::path checkpoint_path() const { return folder_ / "checkpoint.safetensors"; }

  void write_log() const {
    std::string text;
    for (const std::string& line : state_.log) text += line + "\n";
    write_file(folder_ / "log.jsonl", text);
  }

  /// Trains one epoch, moves state_ on and returns its log line.
  std::string run_epoch(int epoch) {
    epoch_started_ = Clock::now();
    const std::vector<std::uint32_t> order =
        epoch_order(data_.train.size(), settings_.seed, static_cast<std::uint64_t>(epoch));
    EpochTotals totals;
    EpochRecord record;
    const bool quantized = epoch >= settings_.float_epochs;
    record.epoch = epoch + 1;
    record.sparsity_strength = state_.sparsity_strength;
    for (std::int64_t i = 0; i < steps_per_epoch_; ++i) {
      throw_if_stopped(context_);
      const std::int64_t step = epoch * steps_per_epoch_ + i;
      const std::int64_t steps = settings_.epochs * steps_per_epoch_;
      schedule(step, record);
      totals.add(run_step(order, epoch, i, record), settings_.batch);
      average_.update(module_, step, steps, steps_per_epoch_);
      report(step + 1, steps, totals);
    }
    record.loss = totals.loss / static_cast<double>(totals.steps);
    record.train_accuracy =
        100.0 * static_cast<double>(totals.correct) / static_cast<double>(totals.images);
    record.sparsity = 100.0 * static_cast<double>(totals.zeros) /
                      static_cast<double>(std::max<std::int64_t>(1, totals.activations));
    record.validation_accuracy = evaluate(module_, data_.validation, device_, quantized).accuracy();
    if (settings_.precision == TrainPrecision::bfloat16) {
      record.validation_accuracy_bfloat16 =
          evaluate(module_, data_.validation, device_, quantized, settings_.precision).accuracy();
    }
    record.seconds = seconds_since(epoch_started_);
    ++state_.epochs_done;
    if (quantized) {
      state_.sparsity_strength =
          steer_strength(state_.sparsity_strength, settings_.sparsity.target, record.sparsity);
    }
    state_.log.push_back(to_json(record));
    return state_.log.back();
  }

  /// What the schedules say of a step. Those of the plan begin with quantization.
  void schedule(std::int64_t step, EpochRecord& record) const {
    const std::int64_t steps = settings_.epochs * steps_per_epoch_;
    record.learning_rate = learning_rate(settings_.optimizer, step, steps);
    const std::int64_t skipped = settings_.float_epochs * steps_per_epoch_;
    if (step < skipped) return;
    const StepPlanSettings& plan = settings_.plan;
    record.radius = radius(plan, step - skipped, steps - skipped, steps_per_epoch_);
    if (takes_errors(plan.kind)) {
      record.error_rate = error_rate(plan.errors, step - skipped, steps - skipped);
    }
  }

  StepResult run_step(const std::vector<std::uint32_t>& order, int epoch, std::int64_t i,
                      const EpochRecord& record) {
    const auto& input = std::get<Input>(module_.graph().nodes.front().op);
    const std::size_t count = static_cast<std::size_t>(settings_.batch);
    pixels_.resize(count * data_.train.image_bytes());
    labels_.resize(count);
    gather_batch(data_.train, std::span(order).subspan(static_cast<std::size_t>(i) * count, count),
                 settings_.augmentation, static_cast<std::uint8_t>(input.zero_point),
                 settings_.seed, static_cast<std::uint64_t>(epoch), pixels_, labels_);
    const Batch batch = make_batch(data_.train, input, pixels_, labels_, device_);
    const std::int64_t step = epoch * steps_per_epoch_ + i;
    StepResult result;
    try {
      result = plan_->step(module_, optimizer_,
                           {batch,
                            {state_.sparsity_strength},
                            record.learning_rate,
                            record.radius,
                            record.error_rate,
                            step,
                            injection_.draw(step, settings_.batch, device_),
                            settings_.precision,
                            epoch >= settings_.float_epochs});
    } catch (const Error& error) {
      fail_diverged(epoch, i, error.what());
    }
    if (!std::isfinite(result.loss) || !std::isfinite(result.total_loss) ||
        !std::isfinite(result.activation_sum)) {
      fail_diverged(epoch, i, fmt::format("the loss is {}", result.total_loss));
    }
    return result;
  }

  std::string likely_cause() const {
    std::string cause = "optimizer.learning_rate is too high or optimizer.warmup_steps too few";
    if (settings_.optimizer.muon_rate > 0) cause = "optimizer.muon_rate is too high, or " + cause;
    if (takes_errors(settings_.plan.kind)) cause = "plan.errors.rate is too high, or " + cause;
    if (takes_ascent(settings_.plan.kind)) {
      cause = "plan.radius is too large or plan.radius_warmup too short, or " + cause;
    }
    return cause;
  }

  [[noreturn]] void fail_diverged(int epoch, std::int64_t step, const std::string& what) const {
    fail(
        "{}: training diverged in epoch {}, step {}: {}; likely {}; the checkpoint after epoch "
        "{} is intact",
        folder_.string(), epoch + 1, step + 1, what, likely_cause(), state_.epochs_done);
  }

  void report(std::int64_t step, std::int64_t steps, const EpochTotals& totals) {
    if (seconds_since(reported_) < 0.1 && step != steps) return;
    reported_ = Clock::now();
    const double rate =
        static_cast<double>(totals.images) / std::max(1e-9, seconds_since(epoch_started_));
    Progress progress;
    progress.task = task_;
    progress.unit = "steps";
    progress.done = static_cast<double>(step);
    progress.total = static_cast<double>(steps);
    progress.note = fmt::format("loss {:.3f}, {:.0f} images/s",
                                totals.loss / static_cast<double>(totals.steps), rate);
    context_.events->progress(progress);
  }

  Model finished_model() {
    if (average_.active()) {
      average_.install(module_);
      recalibrate_batch_norm(module_, data_.train, device_);
    }
    Model model = export_model(module_);
    try {
      check_model(model);
    } catch (const Error& error) {
      fail("{}: training ended with an absurd network: {}; likely {}", folder_.string(),
           error.what(), likely_cause());
    }
    ModelInfo& info = model.info;
    info.name = describe(settings_);
    info.dataset = settings_.dataset;
    info.class_names = data_.test.class_names;
    info.recipe = settings_json(settings_);
    info.seed = settings_.seed;
    info.created_by = "flatenn " FLATENN_VERSION;
    info.float_accuracy = evaluate(module_, data_.test, device_, false).accuracy();
    const auto evaluator = make_evaluator(Engine::automatic, model, data_.test);
    info.clean_accuracy = accuracy(*evaluator, data_.test);
    info.sparsity = activation_sparsity(*evaluator, model, data_.test);
    return model;
  }

  TrainingIdentity identity_;
  const TrainSettings& settings_;
  const TrainData& data_;
  std::filesystem::path folder_;
  const Context& context_;
  torch::Device device_;
  Module module_;
  Sgd optimizer_;
  ParameterAverage average_;
  std::unique_ptr<StepPlan> plan_;
  Injection injection_;
  std::string task_;
  std::int64_t steps_per_epoch_ = 0;
  TrainingState state_;
  std::vector<std::uint8_t> pixels_, labels_;
  Clock::time_point epoch_started_, reported_{};
};

/// Claims the folder for these settings, or finds that it belongs to them already.
void claim_folder(const std::filesystem::path& folder, const TrainingIdentity& identity) {
  make_folder(folder);
  const std::filesystem::path config = folder / "config.toml";
  if (!std::filesystem::exists(config)) {
    write_file(config, to_text(identity));
  } else if (!describes(read_text_file(config), identity)) {
    fail(
        "{}: holds a training with other settings or pictures (see its config.toml); choose "
        "another folder or remove it",
        folder.string());
  }
}

/// The network, and a line when faults in its dead channels are louder than elsewhere.
Model with_warning(Model model, const std::filesystem::path& folder, const Context& context) {
  const std::vector<DeadChannels> dead = dead_channels(model);
  if (largest_gain(dead) > 1) {
    context.events->warning(fmt::format("{}: {}", folder.string(), describe(dead)));
  }
  return model;
}

}  // namespace

TrainData load_train_data(const TrainSettings& settings) {
  const auto load = [&](Split split) {
    return load_dataset(settings.dataset, split, settings.data_folder);
  };
  TrainData data{load(Split::train), load(Split::validation), load(Split::test), {}};
  data.train_hash = data.train.hash();
  return data;
}

Model train(const TrainSettings& settings, const TrainData& data,
            const std::filesystem::path& folder, const Context& context) {
  check_settings(settings);
  if (static_cast<std::size_t>(settings.batch) > data.train.size()) {
    fail("batch = {} is more than the {} training images", settings.batch, data.train.size());
  }
  // Refuse what cannot be before any file is written.
  parse_device(settings.device);
  std::unique_ptr<StepPlan> plan =
      make_step_plan(settings.plan, build_training_graph(settings, data.train), settings.seed);
  const std::filesystem::path model = folder / "model.safetensors";
  const bool finished = std::filesystem::exists(model);
  if (!finished) check_precision(settings.precision);
  TrainingIdentity identity{settings, data.train_hash};
  claim_folder(folder, identity);
  if (finished) return with_warning(load_model(model), folder, context);
  // Two trainings in one folder would overwrite each other's checkpoints.
  const WriterLock lock(folder / "training", "training");
  prepare_process(settings.threads);
  return with_warning(Training(std::move(identity), data, folder, std::move(plan), context).run(),
                      folder, context);
}

}  // namespace flatenn
