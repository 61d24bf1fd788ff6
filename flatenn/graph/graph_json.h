// Graphs as JSON: the "nodes" of a model file's header (docs/formats.md).
#pragma once

#include <nlohmann/json.hpp>
#include <string_view>

#include "flatenn/graph/model.h"

namespace flatenn {

/// The nodes with their weight formats, scales, offsets and steps. Keys in a fixed order. Floats
/// are written so that reading gives the same float.
nlohmann::ordered_json nodes_to_json(const Model& model);

/// The inverse: fills model.graph, model.steps, and of model.weights everything but shapes and
/// codes. Unknown kinds, keys, types and inputs throw Error naming `where` and the node; whether
/// the nodes fit together is left to check_model.
void nodes_from_json(const nlohmann::json& nodes, std::string_view where, Model& model);

}  // namespace flatenn
