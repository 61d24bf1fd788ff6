#include "flatenn/report/protection_costs.h"

#include <fmt/format.h>

#include "flatenn/campaign/exposed_network.h"

namespace flatenn {
namespace {

ProtectionCost cost_of(const Subject& subject, const Protection& protection) {
  const MemoryParts parts = parse_exposure_text(subject.exposure).parts;
  const MemoryLayout layout = MemoryLayout::parse(subject.layout, parts);
  check_protection(protection, layout);
  return protection_cost(protection, layout);
}

}  // namespace

std::optional<ProtectionCost> stored_cost(const Subject& subject) {
  if (subject.layout.empty()) return {};
  return cost_of(subject, parse_source_protection(subject.source));
}

Subject unprotected_subject(Subject subject) {
  const std::string source = unprotected_source(subject.source);
  if (source == subject.source) return subject;
  subject.source = source;
  if (subject.layout.empty()) return subject;
  const NamedExposure exposure = parse_exposure_text(subject.exposure);
  const MemoryLayout layout = MemoryLayout::parse(subject.layout, exposure.parts);
  subject.memory_bits = layout.bits();
  subject.exposed_bits = layout.expose(exposure.patterns).bits();
  return subject;
}

std::string protection_line(const Subject& subject) {
  const Protection protection = parse_source_protection(subject.source);
  if (!protection.any()) return "";
  const ProtectionCost cost = cost_of(subject, protection);
  std::string text =
      fmt::format("protection {}: {} bits beside {} ({:.2f} %)", to_string(protection),
                  cost.stored() - cost.data, cost.data, cost.overhead());
  if (cost.metadata > 0) text += fmt::format(", {} of them with the chip's map", cost.metadata);
  if (cost.skipped > 0) text += fmt::format(", {} of them in skipped columns", cost.skipped);
  if (cost.hardened > 0) text += fmt::format(", {} bits in protected cells", cost.hardened);
  return text + fmt::format(", throughput {:.2f} %\n", cost.throughput());
}

nlohmann::ordered_json protection_json(const Subject& subject) {
  const Protection protection = parse_source_protection(subject.source);
  if (!protection.any()) return nullptr;
  const ProtectionCost cost = cost_of(subject, protection);
  return {{"text", to_string(protection)},
          {"data_bits", cost.data},
          {"check_bits", cost.check},
          {"metadata_bits", cost.metadata},
          {"skipped_bits", cost.skipped},
          {"hardened_bits", cost.hardened},
          {"overhead_percent", cost.overhead()},
          {"throughput_percent", cost.throughput()}};
}

}  // namespace flatenn
