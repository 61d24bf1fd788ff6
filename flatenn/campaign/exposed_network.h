// ExposedNetwork: a network, its memory as a campaign protects it, and the part that faults reach.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "flatenn/campaign/settings.h"
#include "flatenn/graph/model.h"
#include "flatenn/memory/protected_memory.h"

namespace flatenn {

class ExposedNetwork {
 public:
  /// `model` must outlive it. Throws Error as expose_cells does. Precondition: the settings do not
  /// sweep.
  ExposedNetwork(const CampaignSettings& settings, const Model& model);
  ExposedNetwork(const ExposedNetwork&) = delete;
  ExposedNetwork& operator=(const ExposedNetwork&) = delete;

  /// What is evaluated, also without faults: the model; with 16-bit biases where those are exposed
  /// and the headroom that the settings ask for.
  const Model& model() const { return recoded_ ? *recoded_ : model_; }
  const ProtectedMemory& memory() const { return memory_; }

 private:
  const Model& model_;
  std::optional<Model> recoded_;
  ProtectedMemory memory_;
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

/// Where faulty cells come from and what stands between them and the weights, for keys of stored
/// results: to_string(source), behind it " | PROTECTION" where there is one: "", "burst 4",
/// "cells | secded:64", "row 128 | interleave:4+secded:64".
std::string source_text(const FaultSource& source, const Protection& protection);
/// The protection in such a text; throws Error as parse_protection does.
Protection parse_source_protection(std::string_view text);
/// Such a text without its protection: to_string(source).
std::string unprotected_source(std::string_view text);

}  // namespace flatenn
