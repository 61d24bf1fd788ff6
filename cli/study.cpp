// flatenn study: train the arms, corrupt their memories, judge the claims.
#include "flatenn/study/study.h"

#include <fmt/format.h>

#include <filesystem>
#include <memory>

#include "cli/commands.h"

namespace flatenn::cli {
namespace {

struct Options {
  std::string config;
  std::string out;
  std::string data_folder;
};

void run(const Options& options, Session& session) {
  StudySettings settings;
  read_config({options.config, session.overrides, true}, [&](Binder& b) { bind(b, settings); });
  if (!options.data_folder.empty()) settings.train.data_folder = options.data_folder;
  const std::filesystem::path out = options.out.empty()
                                        ? "runs" / std::filesystem::path(options.config).stem()
                                        : std::filesystem::path(options.out);
  session.resume_hint =
      fmt::format("what is finished is in {}; the same command goes on", out.string());
  const StudySummary summary = run_study(settings, out, session.context);
  if (session.json) {
    print(study_json(summary));
  } else {
    print(
        fmt::format("{}\nwritten to {}: summary.json, tables.txt, *.csv, curves.svg, report.html\n",
                    study_text(summary), out.string()));
  }
}

}  // namespace

void add_study(CLI::App& app, Session& session) {
  auto options = std::make_shared<Options>();
  CLI::App* command = add_command(
      app, session, "study",
      "Train networks, corrupt their memories, judge the claims; resumes where it stopped",
      "flatenn study configs/studies/lenet5-quick.toml",
      [&session, options] { run(*options, session); });
  command->add_option("CONFIG", options->config, "a study (TOML)")->required();
  command->add_option("--out", options->out, "folder of the study; default runs/<name of CONFIG>")
      ->type_name("FOLDER");
  command
      ->add_option("--data,--data-folder", options->data_folder,
                   "folder of the data set's files [train.data_folder]")
      ->type_name("FOLDER");
  add_settings(*command, session, [](Binder& b) {
    StudySettings defaults;
    bind(b, defaults);
  });
}

}  // namespace flatenn::cli
