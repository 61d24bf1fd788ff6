#include "flatenn/campaign/settings.h"

#include <algorithm>
#include <set>

#include "flatenn/base/error.h"
#include "flatenn/campaign/exposed_network.h"

namespace flatenn {
namespace {

template <class T>
void check_list(const std::vector<T>& values, std::string_view key) {
  if (values.empty()) fail("{}: the list is empty", key);
  std::set<T> seen;
  for (const T& value : values) {
    if (seen.insert(value).second) continue;
    if constexpr (std::is_enum_v<T>) {
      fail("{}: {} is listed twice", key, to_string(value));
    } else {
      fail("{}: {} is listed twice", key, value);
    }
  }
}

void check_combination(const CampaignSettings& settings, const FaultSource& source) {
  if (settings.sequential() && !source.uses_rate()) {
    fail("until: a source without a rate ('{}') has no maps to stop; leave it out",
         settings.source);
  }
  const Protection protection = campaign_protection(settings);
  if (source.kind == FaultSourceKind::single && protection.any()) {
    fail(
        "source: single cells are tried in unprotected memories only, but headroom, placement or "
        "guard say {}",
        to_string(protection));
  }
  for (const FaultKind kind : settings.kinds) {
    check_kind(protection, exposed_parts(settings), kind);
  }
  if (settings.sample > 0 && source.kind != FaultSourceKind::single) {
    fail("sample: counts single cells, but source is '{}'; did you mean source = \"single\"?",
         settings.source);
  }
}

}  // namespace

Sweep parse_sweep(std::string_view name) {
  if (name == "none") return Sweep::none;
  if (name == "layers") return Sweep::layers;
  if (name == "bits") return Sweep::bits;
  fail("unknown sweep \"{}\"; known: layers, bits, none", name);
}

void bind(Binder& binder, CampaignSettings& settings) {
  std::vector<std::string> kinds;
  for (const FaultKind kind : settings.kinds) kinds.emplace_back(to_string(kind));
  binder.value("kinds", kinds, "fault kinds: flip, stuck0, stuck1, stuck");
  settings.kinds.clear();
  for (const std::string& kind : kinds) settings.kinds.push_back(parse_fault_kind(kind));
  binder.value("rates", settings.rates, "share of faulty cells, each in [0, 1]", between(0, 1));
  binder.value("maps", settings.maps, "fault maps a cell", between(1, 1e9));
  binder.value("first_map", settings.first_map, "id of the first fault map", between(0, 1e12));
  binder.value("seed", settings.seed, "seed of the fault maps");
  binder.value("source", settings.source,
               "where faulty cells come from: cells, burst:N, word, row, column, bank, chip:1..3, "
               "single, file:PATH");
  binder.value("word_bits", settings.geometry.word_bits, "cells read together",
               between(1, 1 << 20));
  binder.value("row_words", settings.geometry.row_words, "words along a row", between(1, 1 << 20));
  binder.value("rows", settings.geometry.rows, "rows of a bank", between(1, 1 << 20));
  binder.value("memory", settings.memory,
               "memories that faults reach: weights, biases, activations");
  binder.value("exposed", settings.exposed,
               "what faults reach there, as patterns NAME[:BITS]: conv1.*, *:top; empty: all");
  binder.choice("sweep", settings.sweep, {"none", "layers", "bits"},
                "expose every layer, or every bit position, alone");
  binder.value("headroom", settings.headroom,
               "largest code of the format over largest code of the network, at least: wider steps",
               between(1, 64));
  binder.value("placement", settings.placement,
               "where bits lie: skip:N, protect:K, interleave:D, rotate:G, combined by +");
  binder.value("guard", settings.guard,
               "what reads do: tmr:K, parity:N, secded:N, bound:1..3[:channel], combined by +");
  binder.value("until", settings.until,
               "stop a cell when its mean is known to +- so many points; 0: fixed number of maps",
               between(0, 50));
  binder.value("max_maps", settings.max_maps, "with until: at most so many maps a cell",
               between(1, 1e7));
  binder.value("sample", settings.sample, "source single: cells tried a kind; 0: all",
               between(0, 1e9));
  binder.value("images", settings.images, "evaluate the first n images; 0: all");
  binder.value("per_image", settings.per_image,
               "store which images each trial classified rightly (images / 8 bytes a trial)");
  binder.choice("engine", settings.engine, {"automatic", "torch", "int8", "reference"},
                "what computes; all give the same results");
  binder.value("keep_prefix", settings.keep_prefix,
               "compute layers before the first exposed one once, not for every map");
  binder.value("threads", settings.threads, "0: all processors", between(0, 4096));
}

void check_settings(const CampaignSettings& settings) {
  check_list(settings.kinds, "kinds");
  check_list(settings.rates, "rates");
  for (const double rate : settings.rates) {
    if (!(rate >= 0 && rate <= 1)) fail("rates: {} is outside [0, 1]", rate);
  }
  if (settings.maps == 0) fail("maps: at least one fault map is needed");
  if (settings.max_maps == 0) fail("max_maps: at least one fault map is needed");
  if (!(settings.until >= 0)) fail("until: {} is no width", settings.until);
  if (settings.threads < 0) fail("threads: {} is negative", settings.threads);
  check_combination(settings, campaign_source(settings));
}

FaultSource campaign_source(const CampaignSettings& settings) {
  return parse_fault_source(settings.source, settings.geometry);
}

Protection campaign_protection(const CampaignSettings& settings) {
  if (!(settings.headroom >= 1 && settings.headroom <= 64)) {
    fail("headroom: {} is outside [1, 64]", settings.headroom);
  }
  return {settings.headroom, parse_placement(settings.placement, settings.geometry),
          parse_guard(settings.guard)};
}

std::vector<double> trial_rates(const CampaignSettings& settings) {
  const bool has_rate = !settings.single_bit() && !settings.source.starts_with("file:");
  return has_rate ? settings.rates : std::vector<double>{0};
}

}  // namespace flatenn
