#include "flatenn/engine/int8_evaluator.h"

#include <algorithm>
#include <string>
#include <utility>

#include "flatenn/base/error.h"
#include "flatenn/engine/buffer_faults.h"
#include "flatenn/engine/int8_buffer_faults.h"
#include "flatenn/engine/int8_bytes.h"
#include "flatenn/engine/int8_images.h"
#include "flatenn/engine/int8_kernels.h"
#include "flatenn/engine/int8_plan.h"
#include "flatenn/engine/int8_prefix.h"
#include "flatenn/engine/int8_steps.h"
#include "flatenn/engine/int8_weights.h"

namespace flatenn {
namespace {

using namespace int8;

const Kernels* find_kernels(Int8Path path) {
  switch (path) {
    case Int8Path::avx512_vnni:
      return avx512_vnni_kernels();
    case Int8Path::avx2:
      return avx2_kernels();
    case Int8Path::automatic:
    case Int8Path::portable:
      break;
  }
  return portable_kernels();
}

class Int8Evaluator final : public Evaluator {
 public:
  Int8Evaluator(std::shared_ptr<const Plan> plan, std::shared_ptr<const PreparedImages> images,
                std::string name, std::size_t kept_bytes)
      : plan_(std::move(plan)),
        images_(std::move(images)),
        name_(std::move(name)),
        kept_bytes_(kept_bytes),
        weights_(plan_),
        faults_(*plan_) {
    allocate();
  }

  Int8Evaluator(const Int8Evaluator& other)
      : plan_(other.plan_),
        images_(other.images_),
        name_(other.name_),
        kept_bytes_(other.kept_bytes_),
        prefix_(other.prefix_),
        weights_(other.weights_),
        faults_(other.faults_) {
    allocate();
  }

  void write(std::span<const CodeWrite> writes) override {
    for (const CodeWrite& w : writes) weights_.set(w.tensor, w.element, w.code);
  }

  void write_addends(std::span<const AddendWrite> writes) override {
    for (const AddendWrite& w : writes) {
      const std::size_t step = write_addend(w);
      if (prefix_ != nullptr && step < prefix_->steps()) prefix_ = nullptr;
    }
  }

  void set_buffer_faults(std::span<const BufferFault> faults) override {
    for (const BufferFault& fault : faults) {
      check_buffer_fault(fault, plan_->model.graph, plan_->infos);
    }
    if (!have_buffers(*plan_, faults)) end_fusion();
    faults_.set(*plan_, faults);
  }

  void keep_before(int tensor) override {
    prefix_ = nullptr;
    const std::size_t blocks = (images_->size() + images_per_block - 1) / images_per_block;
    const auto prefix = std::make_shared<Prefix>(*plan_, tensor, blocks);
    if (prefix->steps() == 0 || prefix->bytes() > kept_bytes_) return;
    if (faults_.reach(prefix->steps())) return;
    prefix->allocate();
    for (std::size_t block = 0; block < blocks; ++block) {
      run_block(block, prefix->steps());
      prefix->keep(*plan_, block, arena_.data());
    }
    prefix_ = prefix;
  }

  void classify(std::size_t first, std::size_t count, std::span<std::uint8_t> classes) override {
    FLATENN_ASSERT(first + count <= images_->size() && classes.size() == count);
    std::uint8_t block_classes[images_per_block];
    std::size_t done = 0;
    while (done < count) {
      const std::size_t block = (first + done) / images_per_block;
      const std::size_t skip = (first + done) % images_per_block;
      const std::size_t take = std::min(images_per_block - skip, count - done);
      run_block(block, plan_->steps.size());
      largest_logits(block_classes);
      std::copy_n(block_classes + skip, take, classes.begin() + done);
      done += take;
    }
  }

  NodeTrace trace(int node, std::size_t first, std::size_t count) override {
    FLATENN_ASSERT(first + count <= images_->size());
    const Prefix* kept_steps = prefix();
    const bool kept = kept_steps != nullptr && plan_->steps_until[node] <= kept_steps->steps();
    if (kept) return unfused().trace(node, first, count);
    if (plan_->buffer_of_node.at(node) < 0 && node + 1 < std::ssize(plan_->model.graph.nodes)) {
      return unfused().trace(node, first, count);
    }
    NodeTrace trace;
    for (std::size_t i = first; i < first + count; ++i) {
      if (i == first || i % images_per_block == 0) {
        run_block(i / images_per_block, plan_->steps_until[node]);
      }
      append(node, static_cast<int>(i % images_per_block), i / images_per_block, trace);
    }
    return trace;
  }

  std::unique_ptr<Evaluator> clone() const override {
    return std::make_unique<Int8Evaluator>(*this);
  }

  std::string_view name() const override { return name_; }

 private:
  /// Returns the step that it takes part in.
  std::size_t write_addend(const AddendWrite& w) {
    if (std::holds_alternative<ChannelAffine>(plan_->model.graph.nodes.at(w.node).op)) {
      weights_.set_node_addend(w.node, w.channel, w.value);
      return plan_->steps_until[w.node] - 1;
    }
    const int tensor = plan_->tensor_of_node.at(w.node);
    FLATENN_ASSERT(tensor >= 0);
    if (plan_->layer_of(tensor).norm.node == w.node) {
      weights_.set_norm_addend(tensor, w.channel, w.value);
    } else {
      weights_.set_addend(tensor, w.channel, w.value);
    }
    return static_cast<std::size_t>(plan_->step_of_tensor[tensor]);
  }

  void allocate() {
    windows_ = AlignedBytes(window_bytes(*plan_));
    values_ = AlignedBytes(value_bytes(*plan_));
    patches_ = AlignedBytes(patch_bytes(*plan_));
    logits_ =
        AlignedBytes(static_cast<std::size_t>(plan_->classes) * images_per_block * sizeof(float));
    arena_ = AlignedBytes(static_cast<std::size_t>(plan_->arena_bytes));
    fill_borders(*plan_, arena_.data());
  }

  /// What keep_before kept, unless a fault reaches into it.
  const Prefix* prefix() const {
    if (prefix_ == nullptr || faults_.reach(prefix_->steps())) return nullptr;
    return prefix_.get();
  }

  Workplace workplace(std::size_t block) const {
    return {plan_.get(),
            &weights_,
            prefix(),
            block,
            images_->block(block),
            arena_.data(),
            reinterpret_cast<std::int32_t*>(windows_.data()),
            reinterpret_cast<float*>(logits_.data()),
            reinterpret_cast<float*>(values_.data()),
            patches_.data()};
  }

  /// One block of images through the first `steps` steps, in cache from layer to layer.
  void run_block(std::size_t block, std::size_t steps) {
    const Workplace place = workplace(block);
    for (std::size_t s = place.prefix == nullptr ? 0 : place.prefix->steps(); s < steps; ++s) {
      run_step(plan_->steps[s], place);
      faults_.apply(s, arena_.data());
    }
  }

  /// Ties go to the lowest class.
  void largest_logits(std::uint8_t* classes) const {
    const float* values = reinterpret_cast<const float*>(logits_.data());
    float best[images_per_block];
    std::copy_n(values, images_per_block, best);
    std::fill_n(classes, images_per_block, 0);
    for (int c = 1; c < plan_->classes; ++c) {
      for (int i = 0; i < images_per_block; ++i) {
        const float v = values[c * images_per_block + i];
        if (best[i] < v) {
          best[i] = v;
          classes[i] = static_cast<std::uint8_t>(c);
        }
      }
    }
  }

  void append(int node, int image, std::size_t block, NodeTrace& trace) const {
    if (plan_->buffer_of_node[node] < 0) {
      const float* values = reinterpret_cast<const float*>(logits_.data());
      for (int c = 0; c < plan_->classes; ++c) {
        trace.values.push_back(values[c * images_per_block + image]);
      }
      return;
    }
    const int b = plan_->buffer_of_node[node];
    const Buffer& buffer = plan_->buffers[b];
    const std::uint8_t* cells = workplace(block).cells(b);
    for (std::int64_t e = 0; e < buffer.shape.elements(); ++e) {
      trace.codes.push_back(cells[buffer.byte_of(e) + 4 * image] - buffer.zero_point);
    }
  }

  /// The same network with every node's codes in a buffer.
  Int8Evaluator& unfused() {
    if (unfused_ == nullptr) {
      const auto plan = std::make_shared<const Plan>(compile(plan_->model, *plan_->kernels, false));
      unfused_ = std::make_unique<Int8Evaluator>(plan, images_, name_, 0);
    }
    unfused_->weights_.copy(weights_);
    unfused_->faults_.set(*unfused_->plan_, faults_.faults());
    return *unfused_;
  }

  /// From now on every node's codes lie in a buffer.
  void end_fusion() {
    Int8Evaluator& other = unfused();
    plan_ = std::move(other.plan_);
    prefix_ = nullptr;
    weights_ = std::move(other.weights_);
    faults_ = std::move(other.faults_);
    windows_ = std::move(other.windows_);
    values_ = std::move(other.values_);
    patches_ = std::move(other.patches_);
    arena_ = std::move(other.arena_);
    logits_ = std::move(other.logits_);
    unfused_ = nullptr;
  }

  std::shared_ptr<const Plan> plan_;
  std::shared_ptr<const PreparedImages> images_;
  std::string name_;
  std::size_t kept_bytes_;
  std::shared_ptr<const Prefix> prefix_;  ///< of keep_before
  PackedWeights weights_;
  BufferFaults faults_;
  AlignedBytes windows_;  ///< window sums of the layer at work
  AlignedBytes values_;   ///< what the layer at work normalises
  AlignedBytes patches_;  ///< what the layer at work transforms
  AlignedBytes arena_;    ///< all buffers but the prepared image
  AlignedBytes logits_;   ///< classes x 16 floats
  std::unique_ptr<Int8Evaluator> unfused_;
};

}  // namespace

std::string_view to_string(Int8Path path) {
  switch (path) {
    case Int8Path::automatic:
      return "automatic";
    case Int8Path::avx512_vnni:
      return "avx512_vnni";
    case Int8Path::avx2:
      return "avx2";
    case Int8Path::portable:
      break;
  }
  return "portable";
}

Int8Path detect_int8_path() {
  if (avx512_vnni_kernels() != nullptr) return Int8Path::avx512_vnni;
  if (avx2_kernels() != nullptr) return Int8Path::avx2;
  return Int8Path::portable;
}

std::unique_ptr<Evaluator> make_int8_evaluator(const Model& model, const Dataset& data,
                                               const Int8EvaluatorOptions& options) {
  check_model(model);
  const auto& input = std::get<Input>(model.graph.nodes.front().op);
  if (input.channels != data.channels || input.height != data.height || input.width != data.width) {
    fail("the network reads {}x{}x{} images, but data set '{}' has {}x{}x{}", input.channels,
         input.height, input.width, data.name, data.channels, data.height, data.width);
  }
  const Int8Path path = options.path == Int8Path::automatic ? detect_int8_path() : options.path;
  const Kernels* kernels = find_kernels(path);
  if (kernels == nullptr) {
    fail("this processor cannot run the {} path; the best it has is {}", to_string(path),
         to_string(detect_int8_path()));
  }
  const auto plan = std::make_shared<const Plan>(compile(model, *kernels, options.fuse));
  const auto images = std::make_shared<const PreparedImages>(data, plan->buffers[0]);
  return std::make_unique<Int8Evaluator>(plan, images, fmt::format("int8 {}", to_string(path)),
                                         options.kept_bytes);
}

}  // namespace flatenn
