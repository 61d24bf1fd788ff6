// Model files. When the first byte of the input is odd, the header's length in front of the file is
// repaired, so that mutations of the JSON header reach its reader.
#include "flatenn/base/error.h"
#include "flatenn/graph/builders.h"
#include "flatenn/graph/model.h"
#include "flatenn/graph/testing.h"
#include "tests/fuzz/fuzz.h"

namespace flatenn::fuzz {
namespace {

// Every kind of node in one small network.
Graph all_kinds() {
  WeightFormat weights;
  weights.code.bits = 3;
  const Conv2d conv = {
      .out_channels = 2, .kernel = 3, .stride = 1, .padding = 1, .bias = true, .weights = weights};
  Graph graph;
  graph.nodes = {
      {"image", Input{.channels = 1, .height = 4, .width = 4, .scale = 0.01f, .zero_point = 9}, {}},
      {"conv1", conv, {0}},
      {"norm", GroupNorm{.groups = 2}, {1}},
      {"act1", Activation{.bits = 4}, {2}},
      {"conv2", conv, {3}},
      {"branch", Quantize{.bits = 8}, {4}},
      {"add", Add{}, {5, 3}},
      {"act2", Activation{.bits = 2}, {6}},
      {"pool", MaxPool{.kernel = 2, .stride = 2}, {7}},
      {"mean", AvgPool{.kernel = 2, .stride = 2}, {8}},
      {"act3", Activation{.bits = 4}, {9}},
      {"scaled", ChannelAffine{}, {10}},
      {"codes", Quantize{.bits = 8}, {11}},
      {"flat", Flatten{}, {12}},
      {"fc", Linear{.out_features = 3, .bias = true, .weights = weights}, {13}},
      {"logits", Output{}, {14}}};
  return graph;
}

Bytes corpus_file(const Model& model, std::uint8_t mode) {
  const auto bytes = serialize_model(model);
  Bytes input = {mode};
  for (const std::byte b : bytes) input.push_back(std::to_integer<std::uint8_t>(b));
  return input;
}

// Puts the place of the file's last brace in front, which is the header's end unless a tensor holds
// a brace by chance.
void repair_length(std::span<std::uint8_t> file) {
  if (file.size() < 8) return;
  std::uint64_t length = file.size() - 8;
  while (length > 0 && file[8 + length - 1] != '}') --length;
  for (int i = 0; i < 8; ++i) file[i] = static_cast<std::uint8_t>(length >> (8 * i));
}

}  // namespace

std::vector<Bytes> seed_corpus() {
  NetworkOptions options;
  options.input = {.channels = 1, .height = 3, .width = 3};
  options.hidden = {4};
  options.classes = 3;
  options.weights.quantizer = WeightQuantizer::saq;
  Model story = random_model(build_network("mlp", options), 2);
  story.info.name = "mlp";
  story.info.class_names = {"a", "b", "c"};
  const Model kinds = random_model(all_kinds(), 1);
  return {corpus_file(kinds, 0), corpus_file(kinds, 1), corpus_file(story, 0),
          corpus_file(story, 1)};
}

}  // namespace flatenn::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace flatenn;
  if (size == 0) return 0;
  fuzz::Bytes file(data + 1, data + size);
  if (data[0] % 2 == 1) fuzz::repair_length(file);
  try {
    const Model model = parse_model(std::as_bytes(std::span(file)), "input");
    // What was accepted is whole, and writing it gives a file that reads as the same model.
    check_model(model);
    const auto written = serialize_model(model);
    FLATENN_ASSERT(serialize_model(parse_model(written, "written")) == written);
    FLATENN_ASSERT(model.weight_count() > 0);
  } catch (const Error&) {
  }
  return 0;
}
