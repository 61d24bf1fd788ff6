#include "flatenn/report/attack_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "flatenn/report/table.h"

namespace flatenn {
namespace {

using nlohmann::ordered_json;

double percent(double part, std::uint64_t whole) {
  return whole == 0 ? 0 : 100 * part / static_cast<double>(whole);
}

double percent(std::uint64_t part, std::uint64_t whole) {
  return percent(static_cast<double>(part), whole);
}

/// "3 of 5, most conv1.weight".
std::string layers_text(const std::vector<std::string>& names, const AttackRun& run) {
  const auto hit = std::ranges::count_if(run.layers, [](std::uint64_t flips) { return flips > 0; });
  if (hit == 0) return "none";
  const auto most = std::ranges::max_element(run.layers) - run.layers.begin();
  return fmt::format("{} of {}, most {}", hit, names.size(), names[static_cast<std::size_t>(most)]);
}

std::vector<std::string> row(const AttackResult& result, const AttackOutcome& outcome) {
  const AttackRun& run = outcome.strongest();
  const auto accuracy = [&](double correct) {
    return fmt::format("{:.2f}", percent(correct, result.test_images));
  };
  return {fmt::format("{}", outcome.budget),
          std::string(to_string(outcome.method)),
          fmt::format("{}", run.cells.size()),
          accuracy(static_cast<double>(run.correct)),
          accuracy(outcome.mean_correct()),
          accuracy(static_cast<double>(outcome.fewest_correct())),
          fmt::format("{:.3f}", run.known.loss),
          fmt::format("{:.0f}", percent(run.top_bits, run.cells.size())),
          layers_text(result.tensors, run),
          fmt::format("{}", outcome.runs.size())};
}

std::string network_text(const AttackResult& result) {
  std::string text = fmt::format(
      "{}: {:.2f} % of {} {} images of {} without flips; {} of {} stored bits exposed\nattacks "
      "know "
      "{} {} images, on which the loss is {:.3f} and the accuracy {:.2f} %\n\n",
      result.label, percent(result.clean_correct, result.test_images), result.test_images,
      result.test_split, result.dataset, result.exposed_bits, result.memory_bits,
      result.known_images, result.known_split, result.known.loss, result.known.accuracy);
  Table table{{"budget", "method", "flips", "accuracy %", "mean %", "worst %", "loss", "top bits %",
               "layers hit", "runs"},
              {}};
  for (const AttackOutcome& outcome : result.outcomes) {
    table.rows.push_back(row(result, outcome));
  }
  return text + aligned_text(table) + "\n";
}

ordered_json run_json(const AttackResult& result, const AttackRun& run) {
  ordered_json layers = ordered_json::object();
  for (std::size_t t = 0; t < run.layers.size(); ++t) {
    if (run.layers[t] > 0) layers[result.tensors[t]] = run.layers[t];
  }
  return {{"restart", run.restart},   {"flips", run.cells.size()},
          {"loss", run.known.loss},   {"known_accuracy", run.known.accuracy},
          {"correct", run.correct},   {"accuracy", percent(run.correct, result.test_images)},
          {"top_bits", run.top_bits}, {"layers", std::move(layers)},
          {"cells", run.cells}};
}

ordered_json outcome_json(const AttackResult& result, const AttackOutcome& outcome) {
  ordered_json runs = ordered_json::array();
  for (const AttackRun& run : outcome.runs) runs.push_back(run_json(result, run));
  return {{"method", to_string(outcome.method)},
          {"budget", outcome.budget},
          {"accuracy", percent(outcome.strongest().correct, result.test_images)},
          {"mean_accuracy", percent(outcome.mean_correct(), result.test_images)},
          {"worst_accuracy", percent(outcome.fewest_correct(), result.test_images)},
          {"loss", outcome.strongest().known.loss},
          {"strongest", &outcome.strongest() - outcome.runs.data()},
          {"runs", std::move(runs)}};
}

ordered_json result_json(const AttackResult& result) {
  ordered_json outcomes = ordered_json::array();
  for (const AttackOutcome& outcome : result.outcomes) {
    outcomes.push_back(outcome_json(result, outcome));
  }
  return {{"label", result.label},
          {"model_hash", result.model_hash},
          {"dataset", result.dataset},
          {"split", result.test_split},
          {"data_hash", result.test_hash},
          {"images", result.test_images},
          {"known_split", result.known_split},
          {"known_hash", result.known_hash},
          {"known_images", result.known_images},
          {"settings", result.settings},
          {"exposure", result.exposure},
          {"memory_bits", result.memory_bits},
          {"exposed_bits", result.exposed_bits},
          {"known_loss", result.known.loss},
          {"known_accuracy", result.known.accuracy},
          {"clean_correct", result.clean_correct},
          {"clean", percent(result.clean_correct, result.test_images)},
          {"attacks", std::move(outcomes)}};
}

}  // namespace

std::string attack_text(const std::vector<AttackResult>& results) {
  std::string text;
  for (const AttackResult& result : results) text += network_text(result);
  return text +
         "Accuracy, flips, loss, top bits and layers are those of the run with the largest loss on "
         "the known images;\nmean and worst are over all runs, on the test images. Damage found is "
         "a lower bound: a better attack may do more.\n";
}

ordered_json attack_json(const std::vector<AttackResult>& results) {
  ordered_json models = ordered_json::array();
  for (const AttackResult& result : results) models.push_back(result_json(result));
  return {{"format", 1}, {"models", std::move(models)}};
}

}  // namespace flatenn
