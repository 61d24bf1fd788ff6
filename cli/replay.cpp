// flatenn replay: one trial again, in detail, and its fault map as a file.
#include "flatenn/campaign/replay.h"

#include <fmt/format.h>

#include <memory>
#include <nlohmann/json.hpp>

#include "cli/commands.h"
#include "cli/fault_options.h"
#include "cli/inputs.h"
#include "flatenn/memory/fault_map_file.h"
#include "flatenn/report/table.h"

namespace flatenn::cli {
namespace {

struct Options {
  std::string model;
  std::string save;
  FaultOptions faults;
  DataOptions data;
  std::uint64_t map = 0;
  std::size_t show = 20;
};

std::string class_name(const Model& model, int label) {
  const auto index = static_cast<std::size_t>(label);
  const std::vector<std::string>& names = model.info.class_names;
  return index < names.size() ? names[index] : fmt::format("{}", label);
}

std::string guard_text(const GuardCounts& guard) {
  return fmt::format(
      "guard: {} words corrected, {} known to be wrong, {} with two or more errors; {} weights "
      "bounded; {} bits read wrong\n",
      guard.corrected, guard.detected, guard.multiple, guard.bounded, guard.bits_wrong);
}

std::string replay_text(const Replay& replay, const Model& model, std::uint64_t images,
                        std::size_t show, bool guarded) {
  const auto percent = [&](std::uint64_t correct) {
    return 100.0 * static_cast<double>(correct) / static_cast<double>(images);
  };
  std::string text =
      fmt::format("{}: clean {:.2f} %, faulty {:.2f} % of {} images; {} answers changed\n\n",
                  trial_name(replay.trial), percent(replay.clean_correct),
                  percent(replay.trial.correct), images, replay.trial.answers_changed);
  Table tensors{{"tensor", "faulty cells", "bits changed"}, {}};
  for (const TensorFaults& tensor : replay.tensors) {
    tensors.rows.push_back(
        {tensor.name, fmt::format("{}", tensor.faulty), fmt::format("{}", tensor.changed)});
  }
  text += aligned_text(tensors) + "\n";
  if (guarded) text += guard_text(replay.guard) + "\n";
  Table answers{{"image", "label", "clean", "faulty"}, {}};
  for (const ChangedAnswer& answer : replay.answers) {
    if (answers.rows.size() == show) break;
    answers.rows.push_back({fmt::format("{}", answer.image), class_name(model, answer.label),
                            class_name(model, answer.clean), class_name(model, answer.faulty)});
  }
  text += aligned_text(answers);
  const std::size_t more = replay.answers.size() - answers.rows.size();
  return more == 0 ? text : text + fmt::format("... and {} more\n", more);
}

nlohmann::json replay_json(const Replay& replay, std::uint64_t images, bool guarded) {
  nlohmann::json json = {{"format", 1},
                         {"kind", to_string(replay.trial.kind)},
                         {"rate", replay.trial.rate},
                         {"map", replay.trial.map},
                         {"images", images},
                         {"clean_correct", replay.clean_correct},
                         {"correct", replay.trial.correct},
                         {"answers_changed", replay.trial.answers_changed},
                         {"bits_faulty", replay.trial.faulty_bits},
                         {"bits_changed", replay.trial.changed_bits},
                         {"tensors", nlohmann::json::array()},
                         {"answers", nlohmann::json::array()}};
  for (const TensorFaults& tensor : replay.tensors) {
    json["tensors"].push_back(
        {{"name", tensor.name}, {"faulty", tensor.faulty}, {"changed", tensor.changed}});
  }
  for (const ChangedAnswer& answer : replay.answers) {
    json["answers"].push_back({{"image", answer.image},
                               {"label", answer.label},
                               {"clean", answer.clean},
                               {"faulty", answer.faulty}});
  }
  if (guarded) {
    json["guard"] = {{"corrected", replay.guard.corrected},
                     {"detected", replay.guard.detected},
                     {"multiple", replay.guard.multiple},
                     {"bounded", replay.guard.bounded},
                     {"bits_wrong", replay.guard.bits_wrong}};
  }
  return json;
}

void run(const Options& options, const Session& session) {
  CampaignSettings settings =
      read_settings(options.faults, session, default_settings(options.data.split));
  settings.first_map = options.map;
  const std::vector<NamedModel> models = load_models({options.model});
  const NamedModel& model = models.front();
  const Dataset images = campaign_images(settings, load_data(options.data, models));
  const Replay replay =
      replay_trial(settings, {model.label, &model.model}, images, session.context);
  if (!options.save.empty()) {
    write_fault_map_file(options.save, {replay.memory_bits, replay.faults});
  }
  const bool guarded = campaign_protection(settings).guard.any();
  if (session.json) {
    print_json(replay_json(replay, images.size(), guarded));
  } else {
    print(replay_text(replay, model.model, images.size(), options.show, guarded));
  }
}

}  // namespace

void add_replay(CLI::App& app, Session& session) {
  auto options = std::make_shared<Options>();
  CLI::App* command = add_command(
      app, session, "replay", "One trial of a campaign again, in detail",
      "flatenn replay model.safetensors --kind flip --rate 0.02 --map 3 --save-map chip3.map",
      [&session, options] { run(*options, session); });
  command->add_option("MODEL", options->model, "a model file")->required();
  command->add_option("--map", options->map, "id of the fault map; source single: the address");
  command->add_option("--save-map", options->save, "write the faulty cells to a file")
      ->type_name("FILE");
  command->add_option("--show", options->show, "changed answers to print");
  add_fault_options(*command, session, options->faults);
  add_data_options(*command, options->data);
}

}  // namespace flatenn::cli
