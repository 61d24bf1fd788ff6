// ExposedNetwork: a network and the part of its memory that a campaign's faults reach.
#pragma once

#include <optional>
#include <string>

#include "flatenn/campaign/settings.h"
#include "flatenn/graph/model.h"
#include "flatenn/memory/memory_image.h"

namespace flatenn {

class ExposedNetwork {
 public:
  /// `model` must outlive it. Throws Error as MemoryImage::expose does. Precondition: the settings
  /// do not sweep.
  ExposedNetwork(const CampaignSettings& settings, const Model& model);
  ExposedNetwork(const ExposedNetwork&) = delete;
  ExposedNetwork& operator=(const ExposedNetwork&) = delete;

  /// What is evaluated, also without faults: the model; with 16-bit biases where those are exposed.
  const Model& model() const { return coded_ ? *coded_ : model_; }
  const MemoryImage& memory() const { return memory_; }
  const Exposure& exposure() const { return exposure_; }

 private:
  const Model& model_;
  std::optional<Model> coded_;
  MemoryImage memory_;
  Exposure exposure_;
};

/// The parts of the memory that the settings expose; throws Error for unknown names.
MemoryParts exposed_parts(const CampaignSettings& settings);

/// What a campaign exposes, for keys of stored results: "" for all weights, otherwise canonical
/// patterns, behind "PARTS|" when more or other than weights are exposed: "conv1.*,fc3.*:top",
/// "weights,biases|", "activations|conv*".
std::string exposure_text(const CampaignSettings& settings);

/// Its inverse.
struct NamedExposure {
  MemoryParts parts;
  std::vector<std::string> patterns;
};
NamedExposure parse_exposure_text(const std::string& text);

}  // namespace flatenn
