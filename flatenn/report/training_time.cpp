#include "flatenn/report/training_time.h"

#include <cmath>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string_view>
#include <system_error>

#include "flatenn/base/error.h"
#include "flatenn/base/file.h"

namespace flatenn {
namespace {

namespace fs = std::filesystem;

/// A label comes from a store, and that from anywhere: no part of it may lead out of the folder.
bool names_a_folder(const std::string& label) {
  return !label.empty() && label != "." && label != ".." &&
         label.find_first_of(std::string_view("/\0", 2)) == std::string::npos;
}

}  // namespace

double parse_training_seconds(const std::string& text, std::string_view where) {
  std::istringstream lines(text);
  double sum = 0;
  int number = 0;
  for (std::string line; std::getline(lines, line);) {
    ++number;
    const auto json = nlohmann::json::parse(line, nullptr, false);
    if (!json.is_object()) fail("{}:{}: not a line of a training's log", where, number);
    const auto seconds = json.find("seconds");
    if (seconds == json.end()) return -1;
    const double value = seconds->is_number() ? seconds->get<double>() : -1;
    // Written so that not-a-number is refused, too.
    if (!(value >= 0)) fail("{}:{}: seconds must be a number from 0 up", where, number);
    sum += value;
  }
  return number == 0 || !std::isfinite(sum) ? -1 : sum;
}

double training_seconds(const fs::path& log) {
  std::error_code unreadable;  // a name that no file can have, say
  if (!fs::exists(log, unreadable)) return -1;
  return parse_training_seconds(read_text_file(log), log.string());
}

void add_training_seconds(const fs::path& folder, std::vector<Arm>& arms) {
  for (Arm& arm : arms) {
    double sum = 0;
    bool known = true;
    for (const std::string& label : arm.labels) {
      const double seconds =
          names_a_folder(label) ? training_seconds(folder / "arms" / label / "log.jsonl") : -1;
      known = known && seconds >= 0;
      sum += seconds;
    }
    arm.training_seconds = known ? sum / static_cast<double>(arm.labels.size()) : -1;
  }
}

}  // namespace flatenn
