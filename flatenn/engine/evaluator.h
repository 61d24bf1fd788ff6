// Evaluator: what a network answers, given the codes that its memory holds.
//
// Evaluators compute Model's arithmetic exactly; any two give the same codes, logits and classes.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "flatenn/data/dataset.h"
#include "flatenn/graph/model.h"
#include "flatenn/memory/memory_image.h"

namespace flatenn {

/// Every code or sum of one node for one batch, for tests and measures: count x shape.elements().
struct NodeTrace {
  std::vector<std::int32_t> codes;  ///< codes nodes
  std::vector<float> values;        ///< output: logits
};

/// Thread-compatible: one instance a thread. clone() shares what is immutable (prepared images).
class Evaluator {
 public:
  virtual ~Evaluator() = default;

  /// Replaces weights. O(writes).
  virtual void write(std::span<const CodeWrite> writes) = 0;

  /// Replaces biases. O(writes). By default a bug: an evaluator that knows weights only.
  virtual void write_addends(std::span<const AddendWrite> writes);

  /// From now on these words of activation buffers are faulty and no others (empty: none): what the
  /// node computes, for every image, is read as the fault says. trace() of the node gives what is
  /// read. At most one fault a word. By default a bug unless empty.
  virtual void set_buffer_faults(std::span<const BufferFault> faults);

  /// A promise that weight tensors before `tensor` stay as they are now: what depends on no other
  /// may be computed once, for all clones made afterwards. An evaluator is free to ignore it.
  /// Biases and buffers are not part of the promise: faults in them, before or after, are always
  /// seen.
  virtual void keep_before(int /*tensor*/) {}

  /// Classes of the images [first, first + count) of the dataset given to the factory.
  virtual void classify(std::size_t first, std::size_t count, std::span<std::uint8_t> classes) = 0;

  /// Result of a codes node or the output on the images [first, first + count). Slow; tests and
  /// measures only.
  virtual NodeTrace trace(int node, std::size_t first, std::size_t count) = 0;

  virtual std::unique_ptr<Evaluator> clone() const = 0;
  virtual std::string_view name() const = 0;
};

/// Tells the evaluator what MemoryImage::apply or undo did.
void write_faults(Evaluator& evaluator, const AppliedFaults& applied);

/// Number of images in [first, first + count) classified as labelled.
std::size_t count_correct(Evaluator& evaluator, const Dataset& data, std::size_t first,
                          std::size_t count);

/// Accuracy on the whole dataset, percent.
double accuracy(Evaluator& evaluator, const Dataset& data);

/// Share of zero codes over all activation nodes (post-ReLU, before pooling), weighted by elements,
/// percent, over the whole dataset.
double activation_sparsity(Evaluator& evaluator, const Model& model, const Dataset& data);

/// Which implementation computes.
enum class Engine {
  automatic,  ///< int8
  torch,      ///< libtorch, any device
  int8,       ///< exact integers, images innermost
  reference,  ///< plain loops: the definition, slow
};
std::string_view to_string(Engine engine);
Engine parse_engine(std::string_view name);

}  // namespace flatenn
