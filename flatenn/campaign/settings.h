// Settings of a campaign: what to measure, and when it is enough.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "flatenn/config/bind.h"
#include "flatenn/engine/evaluator.h"
#include "flatenn/memory/fault_source.h"
#include "flatenn/memory/protection.h"

namespace flatenn {

/// One subject (network, images, exposure) becomes several, each exposing a part alone.
enum class Sweep {
  none,
  layers,  ///< one weight tensor at a time
  bits,    ///< one bit position at a time
};

Sweep parse_sweep(std::string_view name);  ///< throws Error with the known names

/// Every combination of kind, rate and map is one trial a subject.
struct CampaignSettings {
  std::vector<FaultKind> kinds = {FaultKind::flip, FaultKind::stuck0, FaultKind::stuck1};
  std::vector<double> rates = {0.001, 0.005, 0.01, 0.02, 0.03, 0.05};
  std::uint64_t maps = 50;
  std::uint64_t first_map = 0;  ///< final figures: from 0; choices on validation: from 10,000
  std::uint64_t seed = 1;

  /// Where faulty cells come from: parse_fault_source. With "single" a map is one cell, its id the
  /// address, `rates`, `maps` and `first_map` have no say, and `sample` counts.
  std::string source = "cells";
  Geometry geometry;
  std::vector<std::string> memory = {"weights"};  ///< memories that faults reach: memory_parts.h
  std::vector<std::string> exposed;               ///< patterns within (exposure.h); empty: all
  Sweep sweep = Sweep::none;                      ///< over what is exposed

  /// How weights and biases are encoded, placed and read (protection.h); not for "single".
  double headroom = 1;
  std::string placement, guard;  ///< parse_placement, parse_guard; empty: none

  /// Above 0: a cell (kind, rate) gets maps until its 95 % confidence sequence is within +- `until`
  /// points, at most `max_maps`; `maps` has no say.
  double until = 0;
  std::uint64_t max_maps = 2000;
  /// Single-bit campaigns: cells tried a kind; 0: every exposed cell.
  std::uint64_t sample = 0;

  std::uint64_t images = 0;  ///< the first n images; 0: all
  bool per_image = false;    ///< store which images each trial answers rightly
  Engine engine = Engine::automatic;
  bool keep_prefix = true;  ///< layers before the first exposed one are computed once
  int threads = 0;          ///< 0: all processors

  bool sequential() const { return until > 0; }
  bool single_bit() const { return source == "single"; }
};
void bind(Binder& binder, CampaignSettings& settings);

/// Throws Error for empty or repeated kinds and rates, rates outside [0, 1], no maps, an unknown
/// source, settings that contradict each other.
void check_settings(const CampaignSettings& settings);

/// Reads the map file of a source that has one; throws Error as parse_fault_source does.
FaultSource campaign_source(const CampaignSettings& settings);

/// Throws Error as parse_placement and parse_guard do.
Protection campaign_protection(const CampaignSettings& settings);

/// The rates that trials are stored under: those of the settings, or 0 alone for sources that have
/// no rate (single cells, a map file).
std::vector<double> trial_rates(const CampaignSettings& settings);

}  // namespace flatenn
