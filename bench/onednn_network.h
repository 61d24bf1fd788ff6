// A network as oneDNN int8 primitives: the library core that the own kernels are measured against.
//
// Everything is as good for the library as a campaign could make it: layouts of its choice, images
// reordered once before all maps, scale, residual addition, clipping and conversion fused into the
// layers, one buffer after another taken from a small pool. In return it need not round as Model
// says: a residual branch is added in floats instead of in clipped 8-bit codes, and a bias is
// divided by the scale that multiplies it again.
#pragma once

#include <cstdint>
#include <memory>
#include <oneapi/dnnl/dnnl.hpp>
#include <span>
#include <unordered_map>
#include <vector>

#include "flatenn/data/dataset.h"
#include "flatenn/graph/model.h"
#include "flatenn/memory/memory_image.h"

namespace flatenn {

class OnednnNetwork {
 public:
  /// `batch` divides the number of images. Preconditions: no weight offsets, pixels without a zero
  /// point; a residual branch is conv2d, quantize, add.
  OnednnNetwork(const Model& model, const Dataset& data, int batch);

  /// Replaces plain weights: seen after the next pack().
  void write(std::span<const CodeWrite> writes);
  /// All weights from the plain to the library's layout.
  void pack();

  void classify(std::span<std::uint8_t> classes);

 private:
  struct Call {
    dnnl::primitive primitive;
    std::unordered_map<int, dnnl::memory> arguments;
  };
  struct Weights {
    std::vector<std::int8_t> codes;  ///< plain, what faults strike
    dnnl::memory packed;
    Call reorder;
  };
  struct Block {
    std::unique_ptr<std::uint8_t[]> bytes;
    std::size_t size = 0;
    bool free = false;
  };

  void compile(const Dataset& data);
  void add_layer(int node, int end, int shortcut);
  void add_addition(int node);
  void add_pool(int node);
  dnnl::primitive_attr layer_attributes(int node, int end, int shortcut) const;
  template <class Layer>
  void add_layer_call(const typename Layer::primitive_desc& layer, int node, int end, int shortcut);
  int zero_point(int node) const;
  dnnl::memory bias(int node, int end, int shortcut) const;
  dnnl::memory add_weights(int node, const dnnl::memory::desc& plain,
                           const dnnl::memory::desc& packed);
  dnnl::memory in_layout(int node, const dnnl::memory::desc& wanted);
  dnnl::memory allocate(const dnnl::memory::desc& desc);
  void prepare_images(const Dataset& data, const dnnl::memory::desc& wanted);
  void release_read(int node);
  std::vector<int> readers(int node) const;
  bool is_deferred_branch(int node) const;
  dnnl::memory::dims dims(int node) const;

  Model model_;
  std::vector<NodeInfo> infos_;
  int batch_;
  dnnl::engine engine_{dnnl::engine::kind::cpu, 0};
  dnnl::stream stream_{engine_};
  std::vector<dnnl::memory> results_;  ///< one a node; empty: none of its own
  std::vector<int> last_read_;         ///< by which node, one a node
  std::vector<Block> blocks_;
  std::vector<Weights> weights_;  ///< one a tensor
  std::vector<Call> calls_;
  std::vector<dnnl::memory> images_;  ///< one a batch, in the first layer's layout
};

}  // namespace flatenn
