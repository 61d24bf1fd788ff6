#include "flatenn/graph/graph_json.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "flatenn/base/error.h"
#include "flatenn/graph/builders.h"
#include "flatenn/graph/testing.h"

namespace flatenn {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;

json small_nodes() {
  return json::parse(R"([
    {"name": "input", "kind": "input", "inputs": [], "channels": 2, "height": 1, "width": 1,
     "scale": 0.1, "zero_point": 3, "step": 0.1},
    {"name": "fc", "kind": "linear", "inputs": ["input"], "out_features": 3,
     "weights": {"bits": 4, "scale": 0.5}},
    {"name": "output", "kind": "output", "inputs": ["fc"]}])");
}

std::string error_of(const json& nodes) {
  try {
    Model model;
    nodes_from_json(nodes, "file", model);
  } catch (const Error& e) {
    return e.what();
  }
  return "no error";
}

TEST(GraphJson, RoundTripOfEveryBuilder) {
  for (const std::string& name : network_names()) {
    NetworkOptions options{.input = {1, 28, 28, 0.0123f, 73}, .norm = Normalization::group};
    options.width = 0.2;
    options.weights = {WeightQuantizer::saq, {5, Encoding::offset_binary, false}};
    Model model = random_model(build_network(name, options), 3);
    model.steps[1] = 0.1f;
    const auto text = nodes_to_json(model).dump();
    Model back;
    nodes_from_json(json::parse(text), "file", back);
    EXPECT_EQ(back.steps, model.steps);
    EXPECT_EQ(nodes_to_json(back).dump(), text);
    ASSERT_EQ(back.weights.size(), model.weights.size());
    for (std::size_t t = 0; t < back.weights.size(); ++t) {
      EXPECT_EQ(back.weights[t].node, model.weights[t].node);
      EXPECT_EQ(back.weights[t].name, model.weights[t].name);
      EXPECT_EQ(back.weights[t].format, model.weights[t].format);
      EXPECT_EQ(back.weights[t].scale, model.weights[t].scale);
      EXPECT_EQ(back.weights[t].offset, model.weights[t].offset);
    }
    const auto info = check_graph(model.graph);
    const auto info_back = check_graph(back.graph);
    for (std::size_t i = 0; i < info.size(); ++i) {
      EXPECT_EQ(info_back[i].shape, info[i].shape);
      EXPECT_EQ(info_back[i].max_abs_sum, info[i].max_abs_sum);
    }
  }
}

TEST(GraphJson, WhatMayBeLeftOut) {
  Model model;
  nodes_from_json(small_nodes(), "file", model);
  EXPECT_EQ(model.steps, (std::vector<float>{0.1f, 1, 1}));
  EXPECT_EQ(model.weights[0].offset, 0);
  EXPECT_EQ(model.weights[0].format, (CodeFormat{4, Encoding::twos_complement, false}));
  EXPECT_TRUE(std::get<Linear>(model.graph.nodes[1].op).bias);
  EXPECT_EQ(model.graph.nodes[2].inputs, std::vector<int>{1});
}

TEST(GraphJson, GroupNorm) {
  json nodes = small_nodes();
  const json norm_node = {
      {"name", "gn"}, {"kind", "group_norm"}, {"inputs", {"fc"}}, {"groups", 3}};
  nodes.insert(nodes.begin() + 2, norm_node);
  nodes[3]["inputs"] = {"gn"};
  Model model;
  nodes_from_json(nodes, "file", model);
  const auto& norm = std::get<GroupNorm>(model.graph.nodes[2].op);
  EXPECT_EQ(norm.groups, 3);
  EXPECT_EQ(norm.epsilon, 1e-5f);
  nodes[2]["epsilon"] = 0.3;
  Model other;
  nodes_from_json(nodes, "file", other);
  EXPECT_EQ(std::get<GroupNorm>(other.graph.nodes[2].op).epsilon, 0.3f);
  nodes[2].erase("groups");
  EXPECT_THAT(error_of(nodes), HasSubstr("file: node 'gn': the key 'groups' is missing"));
  nodes[2]["groups"] = 1;
  nodes[2]["epsilon"] = 1e300;
  EXPECT_THAT(error_of(nodes), HasSubstr("file: node 'gn': 'epsilon' is 1e+300"));
}

TEST(GraphJson, MistakesNameFileAndNode) {
  struct Case {
    const char* message;
    void (*spoil)(json&);
  };
  const Case cases[] = {
      {"file: 'nodes' must be an array", [](json& n) { n = json::object(); }},
      {"file: node number 1: must be a JSON object", [](json& n) { n[1] = 3; }},
      {"file: node number 1: the key 'name' is missing", [](json& n) { n[1].erase("name"); }},
      {"file: node 'fc': the key 'kind' is missing", [](json& n) { n[1].erase("kind"); }},
      {"file: node 'fc': unknown kind 'dense'; known: input, conv2d",
       [](json& n) { n[1]["kind"] = "dense"; }},
      {"file: node 'fc': unknown kind 'batch_norm'", [](json& n) { n[1]["kind"] = "batch_norm"; }},
      {"file: node 'fc': reads 'output', which is not the name of an earlier node",
       [](json& n) { n[1]["inputs"] = {"output"}; }},
      {"file: node 'fc': inputs: must hold strings", [](json& n) { n[1]["inputs"] = {0}; }},
      {"file: node 'fc': 'out_features' must be a whole number",
       [](json& n) { n[1]["out_features"] = 1e10; }},
      {"file: node 'fc': unknown key 'biass'", [](json& n) { n[1]["biass"] = true; }},
      {"file: node 'fc': weights: 'bits' must be a whole number from 2 to 8",
       [](json& n) { n[1]["weights"]["bits"] = 9; }},
      {"unknown encoding", [](json& n) { n[1]["weights"]["encoding"] = "gray"; }},
      {"file: node 'fc': weights: the key 'scale' is missing",
       [](json& n) { n[1]["weights"].erase("scale"); }},
      {"file: node 'fc': weights: unknown key 'zero'",
       [](json& n) { n[1]["weights"]["zero"] = 0; }},
      {"file: node 'fc': 'step' is 1e+300", [](json& n) { n[1]["step"] = 1e300; }},
      {"file: two nodes are named 'input'", [](json& n) { n[1]["name"] = "input"; }},
  };
  for (const Case& c : cases) {
    json nodes = small_nodes();
    c.spoil(nodes);
    EXPECT_THAT(error_of(nodes), HasSubstr(c.message));
  }
}

}  // namespace
}  // namespace flatenn
