// Fault options: the settings of a campaign as command-line options.
#pragma once

#include <CLI/CLI.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "cli/commands.h"
#include "flatenn/campaign/campaign.h"

namespace flatenn::cli {

struct FaultOptions {
  std::string config;
  std::vector<std::string> kinds, rates, memory, exposed;
  std::optional<std::uint64_t> maps, first_map, seed, images;
  std::optional<std::string> engine, source, placement, guard;
  std::optional<double> headroom;
  std::optional<int> threads;
};

/// --kinds, --rates, --maps, --first-map, --seed, --source, --memory, --expose, --headroom,
/// --placement, --guard, --images, --engine, --threads, --config and --set.
void add_fault_options(CLI::App& command, Session& session, FaultOptions& options);

/// `defaults` < file < environment < --set < options of their own. Checked.
CampaignSettings read_settings(const FaultOptions& options, const Session& session,
                               CampaignSettings defaults);

/// Choices made on the validation split have fault maps of their own.
CampaignSettings default_settings(std::string_view split);

}  // namespace flatenn::cli
