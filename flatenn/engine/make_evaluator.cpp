#include "flatenn/engine/make_evaluator.h"

#include "flatenn/base/error.h"
#include "flatenn/engine/int8_evaluator.h"
#include "flatenn/engine/reference_evaluator.h"
#include "flatenn/engine/torch_evaluator.h"

namespace flatenn {

void check_images(const Model& model, const Dataset& data) {
  const Input& input = std::get<Input>(model.graph.nodes.front().op);
  if (input.channels != data.channels || input.height != data.height || input.width != data.width) {
    fail("network '{}' reads {}x{}x{} images, but data set '{}' has {}x{}x{}", model.info.name,
         input.channels, input.height, input.width, data.name, data.channels, data.height,
         data.width);
  }
  const std::int64_t classes = check_graph(model.graph).back().shape.elements();
  if (classes != data.classes) {
    fail("network '{}' knows {} classes, but data set '{}' has {}", model.info.name, classes,
         data.name, data.classes);
  }
}

std::unique_ptr<Evaluator> make_evaluator(Engine engine, const Model& model, const Dataset& data,
                                          MemoryParts exposed) {
  check_images(model, data);
  switch (engine) {
    case Engine::torch:
      return make_torch_evaluator(model, data);
    case Engine::reference:
      return make_reference_evaluator(model, data);
    case Engine::automatic:
    case Engine::int8:
      return make_int8_evaluator(model, data, {.fuse = !exposed.activations});
  }
  FLATENN_ASSERT(!"engine");
  return nullptr;
}

}  // namespace flatenn
