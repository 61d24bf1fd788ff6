#include "cli/inputs.h"

#include <map>

#include "flatenn/base/error.h"

namespace flatenn::cli {

std::vector<NamedModel> load_models(const std::vector<std::string>& paths) {
  std::vector<NamedModel> models;
  std::map<std::string, int> uses;
  for (const std::string& path : paths) {
    Model model = load_model(path);
    ++uses[model.info.name];
    models.push_back({model.info.name, path, std::move(model)});
  }
  for (NamedModel& model : models) {
    if (model.label.empty() || uses[model.label] > 1) model.label = model.path;
  }
  return models;
}

void add_data_options(CLI::App& command, DataOptions& options) {
  command
      .add_option("--data,--data-folder", options.folder,
                  "folder of the data set's files [where Debian has them]")
      ->type_name("FOLDER");
  command.add_option("--dataset", options.dataset, "data set [what the model's header names]")
      ->type_name("NAME");
  command.add_option("--split", options.split, "images: test or validation [test]")
      ->type_name("NAME");
}

Dataset load_data(const DataOptions& options, const std::vector<NamedModel>& models) {
  std::string name = options.dataset;
  if (name.empty()) {
    name = models.front().model.info.dataset;
    for (const NamedModel& model : models) {
      if (model.model.info.dataset == name) continue;
      fail("{} names data set '{}' and {} names '{}'; choose one with --dataset",
           models.front().path, name, model.path, model.model.info.dataset);
    }
    if (name.empty()) {
      fail("{}: the header names no data set; give one with --dataset", models.front().path);
    }
  }
  return load_dataset(name, parse_split(options.split), options.folder);
}

}  // namespace flatenn::cli
