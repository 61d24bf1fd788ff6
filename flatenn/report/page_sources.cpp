#include "flatenn/report/page_sources.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "flatenn/analysis/results_json.h"
#include "flatenn/base/error.h"
#include "flatenn/base/file.h"
#include "flatenn/report/training_time.h"

namespace flatenn {
namespace {

namespace fs = std::filesystem;

/// A trailing separator hides a folder's name.
fs::path trimmed(const fs::path& path) {
  const fs::path absolute = fs::absolute(path).lexically_normal();
  return absolute.has_filename() ? absolute : absolute.parent_path();
}

fs::path store_file(const fs::path& path) {
  if (!fs::is_directory(path)) return path;
  const fs::path store = path / "faults.db";
  if (!fs::exists(store)) {
    fail("{}: no faults.db in this folder; name a store, or the folder of a study", path.string());
  }
  return store;
}

std::string title_of(const fs::path& path) { return trimmed(path).stem().string(); }

PageStore read_store(const fs::path& path, const PageSourceOptions& options) {
  const Store store = Store::open_read_only(store_file(path));
  PageStore found{title_of(path),
                  read_arms(store, options.maps, options.labels, options.critical_points)};
  if (fs::is_directory(path)) add_training_seconds(path, found.arms);
  return found;
}

void add_analysis(const fs::path& path, PageInputs& inputs) {
  const std::string text = read_text_file(path);
  const auto json = nlohmann::json::parse(text, nullptr, false);
  if (json.is_object() && json.contains("study")) {
    inputs.study = parse_study_analysis(text, path.string());
  } else {
    inputs.analyses.push_back(parse_analysis(text, path.string()));
  }
}

/// analysis.json of the study, and of its networks in the order of their folders.
std::vector<fs::path> analyses_in(const fs::path& folder) {
  std::vector<fs::path> found;
  if (fs::exists(folder / "analysis.json")) found.push_back(folder / "analysis.json");
  for (const char* part : {"analysis", "arms"}) {
    if (!fs::is_directory(folder / part)) continue;
    std::vector<fs::path> below;
    for (const auto& entry : fs::directory_iterator(folder / part)) {
      const fs::path& path = entry.path();
      if (entry.is_directory() && fs::exists(path / "analysis.json")) {
        below.push_back(path / "analysis.json");
      } else if (path.extension() == ".json") {
        below.push_back(path);
      }
    }
    std::ranges::sort(below);
    found.insert(found.end(), below.begin(), below.end());
  }
  return found;
}

void add_claims(const fs::path& folder, PageInputs& inputs) {
  const fs::path summary = folder / "summary.json";
  if (!fs::exists(summary)) return;
  inputs.claims = read_study_claims(read_text_file(summary), summary.string());
}

void add_folder(const fs::path& folder, PageInputs& inputs) {
  const fs::path settings = folder / "study.toml";
  if (fs::exists(settings)) inputs.settings = read_text_file(settings);
  for (const fs::path& path : analyses_in(folder)) add_analysis(path, inputs);
}

}  // namespace

PageInputs read_run(const fs::path& path, const PageSourceOptions& options) {
  PageInputs inputs;
  inputs.title = title_of(path);
  inputs.stores.push_back(read_store(path, options));
  if (fs::is_directory(path)) add_claims(path, inputs);
  return inputs;
}

PageInputs read_page(const fs::path& path, const PageSourceOptions& options) {
  PageInputs inputs = read_run(path, options);
  if (fs::is_directory(path)) add_folder(path, inputs);
  for (const fs::path& analysis : options.analyses) add_analysis(analysis, inputs);
  return inputs;
}

PageInputs read_comparison(const fs::path& a, const fs::path& b, const PageSourceOptions& options) {
  PageInputs inputs;
  inputs.stores = {read_store(a, options), read_store(b, options)};
  if (inputs.stores[0].name == inputs.stores[1].name) {
    inputs.stores[0].name = trimmed(a).string();
    inputs.stores[1].name = trimmed(b).string();
  }
  if (inputs.stores[0].name == inputs.stores[1].name) inputs.stores[1].name += " (again)";
  inputs.title = fmt::format("{} and {}", inputs.stores[0].name, inputs.stores[1].name);
  for (const fs::path& analysis : options.analyses) add_analysis(analysis, inputs);
  return inputs;
}

}  // namespace flatenn
