// flatenn train: train one network as a settings file says.
#include <fmt/format.h>

#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>

#include "cli/commands.h"
#include "flatenn/config/bind.h"
#include "flatenn/train/trainer.h"

namespace flatenn::cli {
namespace {

struct Options {
  std::string config;
  std::string out;
  std::string data_folder;
};

void run(const Options& options, Session& session) {
  TrainSettings settings;
  read_config({options.config, session.overrides}, [&](Binder& b) { bind(b, settings); });
  if (!options.data_folder.empty()) settings.data_folder = options.data_folder;
  check_settings(settings);
  session.resume_hint =
      fmt::format("the last finished epoch is in {}; the same command goes on", options.out);
  const std::filesystem::path folder = options.out;
  const Model model = train(settings, load_train_data(settings), folder, session.context);
  const std::string file = (folder / "model.safetensors").string();
  if (session.json) {
    print_json({{"model", file},
                {"float", model.info.float_accuracy},
                {"clean", model.info.clean_accuracy},
                {"sparsity", model.info.sparsity}});
    return;
  }
  print(fmt::format("{}: float {:.2f} %, quantized clean {:.2f} %, zero activations {:.1f} %\n",
                    file, model.info.float_accuracy, model.info.clean_accuracy,
                    model.info.sparsity));
}

}  // namespace

void add_train(CLI::App& app, Session& session) {
  auto options = std::make_shared<Options>();
  CLI::App* command = add_command(
      app, session, "train", "Train a network as a settings file says; resumes where it stopped",
      "flatenn train configs/recipes/lenet5-as-saq.toml --out runs/as-saq",
      [&session, options] { run(*options, session); });
  command->add_option("CONFIG", options->config, "settings, TOML")->required();
  command->add_option("--out", options->out, "folder of the log, the checkpoint and the model")
      ->type_name("FOLDER")
      ->required();
  command
      ->add_option("--data,--data-folder", options->data_folder,
                   "folder of the data set's files [data_folder]")
      ->type_name("FOLDER");
  add_settings(*command, session,
               [settings = TrainSettings()](Binder& b) mutable { bind(b, settings); });
}

}  // namespace flatenn::cli
