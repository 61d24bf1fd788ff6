#include "flatenn/train/identity.h"

#include <fmt/format.h>

#include "flatenn/base/error.h"
#include "flatenn/config/bind.h"

namespace flatenn {
namespace {

constexpr std::string_view kHashPrefix = "# training images: ";

std::string settings_text(TrainSettings settings) {
  return write_config([&](Binder& b) { bind(b, settings); });
}

std::string without_folder(TrainSettings settings) {
  settings.data_folder.clear();
  return settings_text(settings);
}

}  // namespace

std::string to_text(const TrainingIdentity& identity) {
  return fmt::format("{}{}\n{}", kHashPrefix, identity.data_hash, settings_text(identity.settings));
}

bool describes(std::string_view text, const TrainingIdentity& identity) {
  if (text.starts_with(kHashPrefix)) {
    const std::string_view line = text.substr(0, text.find('\n'));
    if (line.substr(kHashPrefix.size()) != identity.data_hash) return false;
  }
  TrainSettings settings;
  try {
    read_config_text(text, "", {}, [&](Binder& b) { bind(b, settings); });
  } catch (const Error&) {
    return false;  // of a newer program, or damaged
  }
  return without_folder(settings) == without_folder(identity.settings);
}

}  // namespace flatenn
