#include "flatenn/campaign/exposed_network.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "flatenn/base/error.h"
#include "flatenn/memory/bias_codes.h"
#include "flatenn/memory/headroom.h"

namespace flatenn {

namespace {

constexpr std::string_view kBar = " | ";

/// What is stored instead of the model's own codes; nothing where those are.
std::optional<Model> recode(const CampaignSettings& settings, const Model& model) {
  const bool biases = exposed_parts(settings).biases;
  if (settings.headroom == 1 && !biases) return std::nullopt;
  Model recoded = with_headroom(model, settings.headroom);
  return biases ? with_coded_biases(recoded) : recoded;
}

}  // namespace

ExposedNetwork::ExposedNetwork(const CampaignSettings& settings, const Model& model)
    : model_(model),
      recoded_(recode(settings, model)),
      memory_(this->model(), exposed_parts(settings), campaign_protection(settings),
              settings.exposed) {
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

std::string source_text(const FaultSource& source, const Protection& protection) {
  const std::string text = to_string(source);
  if (!protection.any()) return text;
  return fmt::format("{}{}{}", text.empty() ? "cells" : text, kBar, to_string(protection));
}

Protection parse_source_protection(std::string_view text) {
  const std::size_t bar = text.find(kBar);
  return bar == text.npos ? Protection{} : parse_protection(text.substr(bar + kBar.size()));
}

std::string unprotected_source(std::string_view text) {
  const std::size_t bar = text.find(kBar);
  const std::string_view source = text.substr(0, bar);
  return std::string(bar != text.npos && source == "cells" ? std::string_view() : source);
}

}  // namespace flatenn
