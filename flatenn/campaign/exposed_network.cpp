#include "flatenn/campaign/exposed_network.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "flatenn/base/error.h"
#include "flatenn/memory/bias_codes.h"

namespace flatenn {

ExposedNetwork::ExposedNetwork(const CampaignSettings& settings, const Model& model)
    : model_(model),
      coded_(exposed_parts(settings).biases ? std::optional(with_coded_biases(model))
                                            : std::nullopt),
      memory_(this->model(), exposed_parts(settings)),
      exposure_(memory_.expose(settings.exposed)) {
  FLATENN_ASSERT(settings.sweep == Sweep::none);
}

MemoryParts exposed_parts(const CampaignSettings& settings) {
  return parse_memory_parts(fmt::format("{}", fmt::join(settings.memory, ",")));
}

std::string exposure_text(const CampaignSettings& settings) {
  const std::string parts = to_string(exposed_parts(settings));
  return fmt::format("{}{}{}", parts, parts.empty() ? "" : "|",
                     fmt::join(canonical_patterns(settings.exposed), ","));
}

NamedExposure parse_exposure_text(const std::string& text) {
  NamedExposure exposure;
  std::size_t begin = text.find('|');
  if (begin != text.npos) exposure.parts = parse_memory_parts(text.substr(0, begin));
  for (begin = begin == text.npos ? 0 : begin + 1; begin < text.size();) {
    const std::size_t comma = std::min(text.find(',', begin), text.size());
    exposure.patterns.push_back(text.substr(begin, comma - begin));
    begin = comma + 1;
  }
  return exposure;
}

}  // namespace flatenn
