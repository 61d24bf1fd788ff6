#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <cstring>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "flatenn/base/error.h"
#include "flatenn/base/file.h"
#include "flatenn/base/testing.h"
#include "flatenn/graph/builders.h"
#include "flatenn/graph/model.h"
#include "flatenn/graph/safetensors.h"
#include "flatenn/graph/testing.h"

namespace flatenn {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;

/// Numbers in closed form: the golden file must not depend on any generator.
Model golden_model() {
  NetworkOptions options{.input = {1, 2, 3, 0.0078125f, 31}, .classes = 3, .hidden = {4}};
  options.weights = {WeightQuantizer::saq, {3, Encoding::offset_binary, false}};
  options.last_weight_bits = 2;
  Model model;
  model.graph = mlp(options);
  const auto infos = check_graph(model.graph);
  model.affine.resize(infos.size());
  model.steps = {0.0078125f, 0.0078125f, 1, 0.1f, 1, 1};
  for (const int i : weight_nodes(model.graph)) {
    const Node& node = model.graph.nodes[i];
    WeightTensor tensor{
        i, node.name + ".weight", infos[i].weight_shape, weight_format(node).code, 0.1f, 0.05f, {}};
    for (int k = 0; k < infos[i].weight_count; ++k) {
      const int levels = 1 << tensor.format.bits;
      tensor.codes.push_back(static_cast<std::int8_t>((k * 5 + i) % levels - levels / 2));
    }
    model.weights.push_back(tensor);
    for (int c = 0; c < infos[i].shape.channels; ++c) {
      model.affine[i].multiplier.push_back(0.01f * static_cast<float>(c + 1));
      model.affine[i].window_multiplier.push_back(0.005f * static_cast<float>(c + 1));
      model.affine[i].addend.push_back(1.0f / static_cast<float>(c + 3));
    }
  }
  model.info = {.name = "golden",
                .dataset = "none",
                .class_names = {"zero", "one", "zwö"},
                .recipe = R"({"epochs": 3, "batch": 0.1})",
                .seed = 18446744073709551615u,
                .float_accuracy = 91.27,
                .clean_accuracy = 90.0 / 0.99,
                .sparsity = 12.5,
                .created_by = "flatenn golden"};
  return model;
}

void expect_equal(const Model& a, const Model& b) {
  EXPECT_EQ(a.steps, b.steps);
  ASSERT_EQ(a.affine.size(), b.affine.size());
  for (std::size_t i = 0; i < a.affine.size(); ++i) {
    EXPECT_EQ(a.affine[i].multiplier, b.affine[i].multiplier);
    EXPECT_EQ(a.affine[i].window_multiplier, b.affine[i].window_multiplier);
    EXPECT_EQ(a.affine[i].addend, b.affine[i].addend);
  }
  ASSERT_EQ(a.weights.size(), b.weights.size());
  for (std::size_t t = 0; t < a.weights.size(); ++t) {
    EXPECT_EQ(a.weights[t].shape, b.weights[t].shape);
    EXPECT_EQ(a.weights[t].codes, b.weights[t].codes);
  }
  EXPECT_EQ(a.info.class_names, b.info.class_names);
  EXPECT_EQ(a.info.seed, b.info.seed);
  EXPECT_EQ(a.info.clean_accuracy, b.info.clean_accuracy);
  EXPECT_EQ(json::parse(a.info.recipe), json::parse(b.info.recipe));
  EXPECT_EQ(model_hash(a), model_hash(b));
}

std::string error_of(std::span<const std::byte> bytes) {
  try {
    parse_model(bytes, "m.safetensors");
  } catch (const Error& e) {
    return e.what();
  }
  return "no error";
}

/// The golden model with a normalization of its hidden layer: format version 2.
Model golden_normalised_model() {
  Model model = golden_model();
  std::vector<Node>& nodes = model.graph.nodes;
  nodes.insert(nodes.begin() + 3, {"fc1_gn", GroupNorm{2, 0.0009765625f}, {2}});
  nodes[4].inputs = {3};
  for (std::size_t i = 5; i < nodes.size(); ++i) nodes[i].inputs = {static_cast<int>(i) - 1};
  model.affine.insert(model.affine.begin() + 3, {{0.5f, -0.75f, 1, 1.25f}, {}, {0, 0.1f, 2, -3}});
  model.steps.insert(model.steps.begin() + 3, 1);
  model.weights[1].node = 5;
  return model;
}

/// The golden model with an affine behind its activation: format version 3.
Model golden_affine_model() {
  Model model = golden_model();
  std::vector<Node>& nodes = model.graph.nodes;
  nodes.insert(nodes.begin() + 4,
               {{"fc1_bn", ChannelAffine{}, {3}}, {"fc1_codes", Quantize{}, {4}}});
  for (std::size_t i = 6; i < nodes.size(); ++i) nodes[i].inputs = {static_cast<int>(i) - 1};
  model.affine.insert(model.affine.begin() + 4,
                      {{{0.5f, -0.75f, 1, 1.25f}, {}, {0, 0.1f, 2, -3}}, {}});
  model.steps.insert(model.steps.begin() + 4, {1, 0.25f});
  model.weights[1].node = 6;
  return model;
}

void expect_golden(const Model& model, const std::string& name) {
  const auto bytes = serialize_model(model);
  const std::filesystem::path copy = FLATENN_BINARY_DIR "/golden_" + name;
  write_file(copy, bytes);
  const auto golden = read_file(FLATENN_SOURCE_DIR "/flatenn/graph/testdata/" + name);
  // A wanted change of format raises the version and checks in the new file.
  EXPECT_TRUE(bytes == golden) << "what today's writer makes is " << copy;
}

TEST(ModelFile, TodaysWriterMakesTheGoldenFiles) {
  expect_golden(golden_model(), "mlp.safetensors");
  expect_golden(golden_normalised_model(), "group_norm.safetensors");
  expect_golden(golden_affine_model(), "channel_affine.safetensors");
}

TEST(ModelFile, TheGoldenFileReads) {
  const Model model = load_model(FLATENN_SOURCE_DIR "/flatenn/graph/testdata/mlp.safetensors");
  expect_equal(model, golden_model());
  EXPECT_EQ(model_hash(model), "8e920473bf3b66b65983f0e747501255");
}

TEST(ModelFile, TheSecondGoldenFileReads) {
  const Model model =
      load_model(FLATENN_SOURCE_DIR "/flatenn/graph/testdata/group_norm.safetensors");
  expect_equal(model, golden_normalised_model());
}

TEST(ModelFile, TheThirdGoldenFileReads) {
  const Model model =
      load_model(FLATENN_SOURCE_DIR "/flatenn/graph/testdata/channel_affine.safetensors");
  expect_equal(model, golden_affine_model());
}

/// Older programs read what has no newer kind.
TEST(ModelFile, TheVersionIsTheLowestThatKnowsAllKinds) {
  const auto version = [](const Model& model) {
    const auto bytes = serialize_model(model);
    return json::parse(read_safetensors(bytes, "x").metadata.at("flatenn"))["version"].get<int>();
  };
  EXPECT_EQ(version(golden_model()), 1);
  EXPECT_EQ(version(golden_normalised_model()), 2);
  EXPECT_EQ(version(golden_affine_model()), 3);
  Model truncated = golden_model();
  std::get<Linear>(truncated.graph.nodes[2].op).weights.quantizer = WeightQuantizer::symmetric;
  EXPECT_EQ(version(truncated), 3);
  const auto bytes = serialize_model(golden_normalised_model());
  Safetensors content = read_safetensors(bytes, "x");
  json header = json::parse(content.metadata.at("flatenn"));
  header["version"] = 1;
  content.metadata["flatenn"] = header.dump();
  EXPECT_THAT(error_of(write_safetensors(content)),
              HasSubstr("model header: holds a kind of node or a quantizer of format version 2"));
}

TEST(ModelFile, RoundTripOfEveryBuilder) {
  for (const std::string& name : network_names()) {
    NetworkOptions options;
    options.norm = name == "mlp" ? Normalization::group : Normalization::batch;
    options.width = 0.2;
    options.weights.quantizer = WeightQuantizer::saq;
    const Model model = random_model(build_network(name, options), 5);
    const auto bytes = serialize_model(model);
    const Model back = parse_model(bytes, "x");
    expect_equal(model, back);
    EXPECT_TRUE(serialize_model(back) == bytes);
  }
}

TEST(ModelFile, HashKnowsInferenceAndNotTheStory) {
  const Model model = golden_model();
  Model other = model;
  other.info = {};
  EXPECT_EQ(model_hash(other), model_hash(model));
  other = model;
  other.weights[1].codes[0] ^= 1;
  EXPECT_NE(model_hash(other), model_hash(model));
  other = model;
  other.affine[2].addend[0] += 1;
  EXPECT_NE(model_hash(other), model_hash(model));
  other = model;
  std::get<Input>(other.graph.nodes[0].op).zero_point = 5;
  EXPECT_NE(model_hash(other), model_hash(model));
}

TEST(ModelFile, SavesAndLoads) {
  const TemporaryFolder folder;
  const std::filesystem::path path = folder / "model.safetensors";
  save_model(golden_model(), path);
  expect_equal(load_model(path), golden_model());
  std::filesystem::remove(path);
  EXPECT_THROW(load_model(path), Error);
}

TEST(ModelFile, RefusesToWriteWhatItWouldNotRead) {
  Model model = golden_model();
  model.info.name = "not \xff UTF-8";
  EXPECT_THROW(serialize_model(model), Error);
  model = golden_model();
  model.weights.clear();
  EXPECT_THROW(serialize_model(model), Error);
}

/// The golden file with its header JSON and its tensors changed.
std::vector<std::byte> spoiled(const std::function<void(json&, std::vector<TensorView>&)>& spoil) {
  const auto bytes = serialize_model(golden_model());
  Safetensors content = read_safetensors(bytes, "golden");
  json header = json::parse(content.metadata.at("flatenn"));
  spoil(header, content.tensors);
  content.metadata["flatenn"] = header.dump();
  return write_safetensors(content);
}

TEST(ModelFile, EveryFlawIsOneClearLine) {
  static const std::vector<float> bad_floats = {1, 2, std::numeric_limits<float>::infinity(), 4};
  static const std::vector<float> short_floats = {1, 2};
  static const std::vector<std::int8_t> bad_codes(24, 100);
  using Tensors = std::vector<TensorView>;
  struct Case {
    const char* message;
    void (*spoil)(json&, Tensors&);
  };
  const auto find = [](Tensors& tensors, std::string_view name) -> TensorView& {
    return *std::ranges::find(tensors, name, &TensorView::name);
  };
  static const auto find_tensor = find;
  const Case cases[] = {
      {"format version 4, this program reads up to 3; upgrade FlatENN",
       [](json& h, Tensors&) { h["version"] = 4; }},
      {"model header: the key 'version' is missing", [](json& h, Tensors&) { h.erase("version"); }},
      {"'version' must be a whole number", [](json& h, Tensors&) { h["version"] = "1"; }},
      {"model header: the key 'nodes' is missing", [](json& h, Tensors&) { h.erase("nodes"); }},
      {"the graph has no nodes",
       [](json& h, Tensors& t) {
         h["nodes"] = json::array();
         t.clear();
       }},
      {"model header: node 'fc1': unknown key 'x'",
       [](json& h, Tensors&) { h["nodes"][2]["x"] = 0; }},
      {"node 'fc1' (linear): out_features is 0",
       [](json& h, Tensors&) { h["nodes"][2]["out_features"] = 0; }},
      {"shape (4, 6), its node needs (1000000, 6)",
       [](json& h, Tensors&) { h["nodes"][2]["out_features"] = 1000000; }},
      {"model header: info: 'seed' must be", [](json& h, Tensors&) { h["info"]["seed"] = -1; }},
      {"model header: info: class_names: must hold strings",
       [](json& h, Tensors&) {
         h["info"]["class_names"] = {1, 2, 3};
       }},
      {"2 class names for 3 classes",
       [](json& h, Tensors&) {
         h["info"]["class_names"] = {"a", "b"};
       }},
      {"the tensor 'fc1.weight' is missing",
       [](json&, Tensors& t) { std::erase_if(t, [](auto& v) { return v.name == "fc1.weight"; }); }},
      {"node 'fc1': multiplier has 0 values, must have 4",
       [](json&, Tensors& t) {
         std::erase_if(t, [](auto& v) { return v.name == "fc1.multiplier"; });
       }},
      {"tensor 'other': belongs to no node of the graph",
       [](json&, Tensors& t) {
         find_tensor(t, "fc1.weight").name = "other";
         t.push_back({"fc1.weight", DType::i8, {4, 6}, std::as_bytes(std::span(bad_codes))});
       }},
      {"tensor 'fc1.weight': dtype U8, must be I8",
       [](json&, Tensors& t) { find_tensor(t, "fc1.weight").dtype = DType::u8; }},
      {"tensor 'fc1.addend': dtype I8, must be F32",
       [](json&, Tensors& t) {
         find_tensor(t, "fc1.addend").dtype = DType::i8;
         find_tensor(t, "fc1.addend").shape = {16};
       }},
      {"tensor 'fc1.addend': must have one dimension",
       [](json&, Tensors& t) {
         find_tensor(t, "fc1.addend").shape = {2, 2};
       }},
      {"tensor 'fc1.weight': shape (24), its node needs (4, 6)",
       [](json&, Tensors& t) { find_tensor(t, "fc1.weight").shape = {24}; }},
      {"code 100 at element 0 is not a 3-bit offset_binary code (-4 to 3)",
       [](json&, Tensors& t) {
         find_tensor(t, "fc1.weight").bytes = std::as_bytes(std::span(bad_codes));
       }},
      {"node 'fc1': addend[2] is inf",
       [](json&, Tensors& t) {
         find_tensor(t, "fc1.addend").bytes = std::as_bytes(std::span(bad_floats));
       }},
      {"node 'fc1': addend has 2 values, must have 4",
       [](json&, Tensors& t) {
         find_tensor(t, "fc1.addend").bytes = std::as_bytes(std::span(short_floats));
         find_tensor(t, "fc1.addend").shape = {2};
       }},
  };
  for (const Case& c : cases) {
    const std::string error = error_of(spoiled(c.spoil));
    EXPECT_THAT(error, HasSubstr(c.message));
    EXPECT_THAT(error, testing::StartsWith("m.safetensors: "));
    EXPECT_EQ(error.find('\n'), std::string::npos);
  }
}

TEST(ModelFile, OtherSafetensorsAreNotModels) {
  EXPECT_THAT(error_of(write_safetensors({})), HasSubstr("but not a FlatENN model"));
  EXPECT_THAT(error_of(write_safetensors({{{"flatenn", "{"}}, {}})),
              HasSubstr("model header: not valid JSON"));
  EXPECT_THAT(error_of(write_safetensors({{{"flatenn", std::string(1000000, '[')}}, {}})),
              HasSubstr("levels of nested JSON"));
  EXPECT_THAT(error_of(write_safetensors({{{"flatenn", "[]"}}, {}})),
              HasSubstr("must be a JSON object"));
}

TEST(ModelFile, EveryTruncationIsAnError) {
  const auto bytes = serialize_model(golden_model());
  for (std::size_t n = 0; n < bytes.size(); ++n) {
    EXPECT_NE(error_of(std::span(bytes).first(n)), "no error") << n;
  }
}

RC_GTEST_PROP(ModelFile, DamagedBytesAreReadOrRefused, ()) {
  static const auto good = serialize_model(golden_model());
  auto bytes = good;
  const int changes = *rc::gen::inRange(1, 5);
  for (int i = 0; i < changes; ++i) {
    bytes[*rc::gen::inRange<std::size_t>(0, bytes.size())] =
        static_cast<std::byte>(*rc::gen::inRange(0, 256));
  }
  try {
    // Whatever is accepted is a whole model: it can be written and read again.
    const auto again = serialize_model(parse_model(bytes, "m"));
    RC_ASSERT(serialize_model(parse_model(again, "m")) == again);
  } catch (const Error&) {
    RC_ASSERT(bytes != good);
  }
}

}  // namespace
}  // namespace flatenn
