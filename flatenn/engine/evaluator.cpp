#include "flatenn/engine/evaluator.h"

#include <algorithm>
#include <array>

#include "flatenn/base/error.h"

namespace flatenn {
namespace {

constexpr std::array<std::string_view, 4> engine_names = {"automatic", "torch", "int8",
                                                          "reference"};

/// Codes that one call of trace may return: bounds the memory of a measure.
constexpr std::int64_t trace_codes = std::int64_t{4} << 20;

struct ZeroCount {
  std::uint64_t zeros = 0;
  std::uint64_t codes = 0;
};

ZeroCount count_zeros(Evaluator& evaluator, int node, std::int64_t elements, std::size_t images) {
  ZeroCount count;
  const auto step = static_cast<std::size_t>(std::max<std::int64_t>(1, trace_codes / elements));
  for (std::size_t first = 0; first < images; first += step) {
    const NodeTrace trace = evaluator.trace(node, first, std::min(step, images - first));
    count.zeros += std::count(trace.codes.begin(), trace.codes.end(), 0);
    count.codes += trace.codes.size();
  }
  return count;
}

}  // namespace

void Evaluator::write_addends(std::span<const AddendWrite> writes) {
  FLATENN_ASSERT(writes.empty());
}

void Evaluator::set_buffer_faults(std::span<const BufferFault> faults) {
  FLATENN_ASSERT(faults.empty());
}

void write_faults(Evaluator& evaluator, const AppliedFaults& applied) {
  evaluator.write(applied.writes);
  evaluator.write_addends(applied.addends);
  evaluator.set_buffer_faults(applied.buffers);
}

std::size_t count_correct(Evaluator& evaluator, const Dataset& data, std::size_t first,
                          std::size_t count) {
  FLATENN_ASSERT(first <= data.size() && count <= data.size() - first);
  std::vector<std::uint8_t> classes(count);
  evaluator.classify(first, count, classes);
  std::size_t correct = 0;
  for (std::size_t i = 0; i < count; ++i) correct += classes[i] == data.labels[first + i];
  return correct;
}

double accuracy(Evaluator& evaluator, const Dataset& data) {
  FLATENN_ASSERT(data.size() > 0);
  return 100.0 * static_cast<double>(count_correct(evaluator, data, 0, data.size())) /
         static_cast<double>(data.size());
}

double activation_sparsity(Evaluator& evaluator, const Model& model, const Dataset& data) {
  const std::vector<NodeInfo> infos = check_graph(model.graph);
  ZeroCount total;
  for (std::size_t i = 0; i < infos.size(); ++i) {
    if (!std::holds_alternative<Activation>(model.graph.nodes[i].op)) continue;
    const ZeroCount count =
        count_zeros(evaluator, static_cast<int>(i), infos[i].shape.elements(), data.size());
    total.zeros += count.zeros;
    total.codes += count.codes;
  }
  // A network without activations has none that are zero.
  if (total.codes == 0) return 0;
  return 100.0 * static_cast<double>(total.zeros) / static_cast<double>(total.codes);
}

std::string_view to_string(Engine engine) { return engine_names[static_cast<std::size_t>(engine)]; }

Engine parse_engine(std::string_view name) {
  const auto it = std::find(engine_names.begin(), engine_names.end(), name);
  if (it == engine_names.end()) {
    fail("unknown engine '{}'; known: {}", name, fmt::join(engine_names, ", "));
  }
  return static_cast<Engine>(it - engine_names.begin());
}

}  // namespace flatenn
