// flatenn plan: how many fault maps, or single-bit trials, an answer needs.
#include <fmt/format.h>

#include <memory>
#include <nlohmann/json.hpp>
#include <optional>

#include "cli/commands.h"
#include "flatenn/base/error.h"
#include "flatenn/stats/sample_size.h"

namespace flatenn::cli {
namespace {

struct Options {
  std::optional<double> sd, half_width;
  std::optional<std::uint64_t> bits;
  std::optional<double> margin;
  double expected = 50;
};

void run(const Options& options, const Session& session) {
  const bool maps = options.sd && options.half_width && !options.bits && !options.margin;
  const bool trials = options.bits && options.margin && !options.sd && !options.half_width;
  if (!maps && !trials) {
    fail("give --sd and --half-width for fault maps, or --bits and --margin for single bits");
  }
  if (maps) {
    const std::uint64_t count = maps_for_half_width(*options.sd, *options.half_width);
    if (session.json) return print_json({{"format", 1}, {"maps", count}});
    return print(
        fmt::format("{} fault maps: 95 % t interval of +- {:g} points at a deviation of "
                    "{:g} points\n",
                    count, *options.half_width, *options.sd));
  }
  const std::uint64_t count =
      trials_for_margin(*options.bits, *options.margin / 100, 0.95, options.expected / 100);
  if (session.json) return print_json({{"format", 1}, {"trials", count}});
  print(
      fmt::format("{} of {} bits: a share near {:g} % to +- {:g} points at 95 % (Leveugle et al., "
                  "2009)\n",
                  count, *options.bits, options.expected, *options.margin));
}

}  // namespace

void add_plan(CLI::App& app, Session& session) {
  auto options = std::make_shared<Options>();
  CLI::App* command =
      add_command(app, session, "plan", "How many fault maps, or single-bit trials, are enough",
                  "flatenn plan --sd 8 --half-width 0.5\n"
                  "    flatenn plan --bits 245880 --margin 1 --expected 5",
                  [&session, options] { run(*options, session); });
  command->add_option("--sd", options->sd, "deviation over fault maps, points (from a few maps)");
  command->add_option("--half-width", options->half_width, "of the interval wanted, points");
  command->add_option("--bits", options->bits, "cells of the memory");
  command->add_option("--margin", options->margin, "of the share of outcomes, points");
  command->add_option("--expected", options->expected, "share guessed, percent; 50 is safe");
}

}  // namespace flatenn::cli
