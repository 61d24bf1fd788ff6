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

std::string protection_line(const Subject& subject) {
  const Protection protection = parse_source_protection(subject.source);
  if (!protection.any()) return "";
  const ProtectionCost cost = cost_of(subject, protection);
  std::string text =
      fmt::format("protection {}: {} bits beside {} ({:.2f} %)", to_string(protection),
                  cost.check + cost.metadata + cost.skipped, cost.data, cost.overhead());
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

double overhead_percent(const Subject& subject) {
  const Protection protection = parse_source_protection(subject.source);
  return protection.any() ? cost_of(subject, protection).overhead() : 0;
}

}  // namespace flatenn
