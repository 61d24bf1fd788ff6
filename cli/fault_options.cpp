#include "cli/fault_options.h"

#include <fmt/format.h>

namespace flatenn::cli {

void add_fault_options(CLI::App& command, Session& session, FaultOptions& options) {
  command.add_option("--config", options.config, "settings as TOML")->type_name("FILE");
  command.add_option("--kinds,--kind", options.kinds, "fault kinds: flip,stuck0,stuck1,stuck")
      ->type_name("LIST")
      ->expected(1);
  command
      .add_option("--rates,--rate", options.rates,
                  "shares of faulty cells: 0.001,0.01 or 1e-3..5e-2:8 (logarithmic)")
      ->type_name("LIST")
      ->expected(1);
  command.add_option("--maps", options.maps, "fault maps a cell");
  command.add_option("--first-map", options.first_map, "id of the first fault map");
  command.add_option("--seed", options.seed, "seed of the fault maps");
  command
      .add_option(
          "--source", options.source,
          "where faulty cells come from: cells, burst:N, word, row, column, bank, chip:1..3, "
          "single, file:PATH")
      ->type_name("NAME");
  command
      .add_option("--memory", options.memory,
                  "memories that faults reach: weights,biases,activations")
      ->type_name("LIST")
      ->expected(1);
  command
      .add_option("--expose", options.exposed,
                  "what faults reach, NAME[:BITS]: conv1.*,fc3.*,*:top,*:0-1")
      ->type_name("LIST")
      ->expected(1);
  command
      .add_option(
          "--guard", options.guard,
          "what reads do about faults: tmr:K, parity:N, secded:N[:zero], bound:1..3[:channel], "
          "combined by +")
      ->type_name("GUARD");
  command
      .add_option("--placement", options.placement,
                  "where bits lie: skip:N, protect:K, interleave:D, rotate:G, combined by +")
      ->type_name("PLACEMENT");
  command
      .add_option("--headroom", options.headroom,
                  "largest code of the format over the largest of the network; 1: as it is")
      ->type_name("FACTOR");
  command.add_option("--images", options.images, "the first n images only");
  command.add_option("--engine", options.engine, "automatic, int8, torch or reference")
      ->type_name("NAME");
  command.add_option("--threads", options.threads, "0: all processors");
  add_settings(command, session, [](Binder& b) {
    CampaignSettings settings;
    bind(b, settings);
  });
}

CampaignSettings read_settings(const FaultOptions& options, const Session& session,
                               CampaignSettings defaults) {
  CampaignSettings settings = std::move(defaults);
  read_config({options.config, session.overrides}, [&](Binder& b) { bind(b, settings); });
  if (!options.kinds.empty()) {
    settings.kinds.clear();
    for (const std::string& kind : split_list(options.kinds)) {
      settings.kinds.push_back(parse_fault_kind(kind));
    }
  }
  if (!options.rates.empty()) {
    settings.rates = expand_grid(fmt::format("{}", fmt::join(options.rates, ",")), "--rates");
  }
  if (!options.memory.empty()) settings.memory = split_list(options.memory);
  if (!options.exposed.empty()) settings.exposed = split_list(options.exposed);
  if (options.maps) settings.maps = *options.maps;
  if (options.first_map) settings.first_map = *options.first_map;
  if (options.seed) settings.seed = *options.seed;
  if (options.images) settings.images = *options.images;
  if (options.source) settings.source = *options.source;
  if (options.guard) settings.guard = *options.guard;
  if (options.placement) settings.placement = *options.placement;
  if (options.headroom) settings.headroom = *options.headroom;
  if (options.engine) settings.engine = parse_engine(*options.engine);
  if (options.threads) settings.threads = *options.threads;
  check_settings(settings);
  return settings;
}

CampaignSettings default_settings(std::string_view split) {
  CampaignSettings settings;
  if (split == "validation") settings.first_map = 10'000;
  return settings;
}

}  // namespace flatenn::cli
