#include "flatenn/engine/int8_evaluator.h"

#include <algorithm>
#include <cstring>
#include <string>
#include <utility>
#include <variant>

#include "flatenn/base/error.h"
#include "flatenn/engine/buffer_faults.h"
#include "flatenn/engine/int8_buffer_faults.h"
#include "flatenn/engine/int8_bytes.h"
#include "flatenn/engine/int8_images.h"
#include "flatenn/engine/int8_kernels.h"
#include "flatenn/engine/int8_plan.h"
#include "flatenn/engine/int8_prefix.h"
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
      const int tensor = plan_->tensor_of_node.at(w.node);
      weights_.set_addend(tensor, w.channel, w.value);
      const auto step = static_cast<std::size_t>(plan_->step_of_tensor[tensor]);
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
  void allocate() {
    std::size_t windows = 0;
    for (const Step& step : plan_->steps) {
      const auto* layer = std::get_if<LayerStep>(&step);
      if (layer != nullptr && !layer->step_masks.empty()) {
        windows = std::max(windows, layer->in_offsets.size());
      }
    }
    windows_ = AlignedBytes(windows * images_per_block * sizeof(std::int32_t));
    logits_ =
        AlignedBytes(static_cast<std::size_t>(plan_->classes) * images_per_block * sizeof(float));
    arena_ = AlignedBytes(static_cast<std::size_t>(plan_->arena_bytes));
    // Borders keep these zero points; steps write the pixels within.
    for (std::size_t b = 1; b < plan_->buffers.size(); ++b) {
      const Buffer& buffer = plan_->buffers[b];
      std::memset(arena_.data() + plan_->places[b], buffer.zero_point,
                  static_cast<std::size_t>(buffer.bytes()));
    }
  }

  /// What keep_before kept, unless a fault reaches into it.
  const Prefix* prefix() const {
    if (prefix_ == nullptr || faults_.reach(prefix_->steps())) return nullptr;
    return prefix_.get();
  }

  const std::uint8_t* cells(int buffer, std::size_t block) const {
    if (buffer == 0) return images_->block(block);
    const Prefix* prefix = this->prefix();
    const std::uint8_t* kept = prefix == nullptr ? nullptr : prefix->cells(buffer, block);
    return kept != nullptr ? kept : arena_.data() + plan_->places[buffer];
  }

  Sink sink(const Destination& to) const {
    Sink sink;
    sink.channels = to.channels;
    if (to.buffer == logits) {
      sink.logits = reinterpret_cast<float*>(logits_.data());
      return sink;
    }
    const Buffer& buffer = plan_->buffers[to.buffer];
    sink.low = to.low;
    sink.high = to.high;
    sink.zero_point = 0x01010101u * static_cast<std::uint32_t>(buffer.zero_point);
    sink.out = arena_.data() + plan_->places[to.buffer];
    sink.offsets = to.offsets.data();
    sink.group_stride = buffer.group_stride();
    return sink;
  }

  /// One block of images through the first `steps` steps, in cache from layer to layer.
  void run_block(std::size_t block, std::size_t steps) {
    const Prefix* kept = prefix();
    for (std::size_t s = kept == nullptr ? 0 : kept->steps(); s < steps; ++s) {
      std::visit([&](const auto& op) { run(op, block); }, plan_->steps[s]);
      faults_.apply(s, arena_.data());
    }
  }

  void run(const LayerStep& layer, std::size_t block) {
    LayerArgs args;
    args.in = cells(layer.in, block);
    args.in_offsets = layer.in_offsets.data();
    args.step_offsets = layer.gather.step_offsets.data();
    args.steps = layer.steps();
    args.positions = static_cast<int>(layer.to.buffer == logits ? layer.in_offsets.size()
                                                                : layer.to.offsets.size());
    args.positions_at_once = layer.positions_at_once;
    args.blocks = layer.blocks;
    args.weights = weights_.weights(layer.tensor);
    args.bias = weights_.bias(layer.tensor);
    args.multiplier = layer.multiplier.data();
    args.addend = weights_.addend(layer.tensor);
    args.sink = sink(layer.to);
    if (!layer.step_masks.empty()) {
      sum_windows(layer, args);
      args.window = reinterpret_cast<const std::int32_t*>(windows_.data());
      args.window_multiplier = layer.window_multiplier.data();
    }
    (layer.low_bytes ? layer.tile->run_low : layer.tile->run)(args);
  }

  void sum_windows(const LayerStep& layer, const LayerArgs& args) {
    WindowArgs window;
    window.in = args.in;
    window.in_offsets = args.in_offsets;
    window.step_offsets = args.step_offsets;
    window.step_masks = layer.step_masks.data();
    window.steps = args.steps;
    window.positions = args.positions;
    window.start = -layer.zero_point * static_cast<std::int32_t>(layer.gather.slots.size());
    window.sums = reinterpret_cast<std::int32_t*>(windows_.data());
    plan_->kernels->window(window);
  }

  void run(const PoolStep& pool, std::size_t block) {
    const Buffer& in = plan_->buffers[pool.in];
    PoolArgs args;
    args.in = cells(pool.in, block);
    args.in_group_stride = in.group_stride();
    args.in_offsets = pool.in_offsets.data();
    args.step_offsets = pool.step_offsets.data();
    args.steps = static_cast<int>(pool.step_offsets.size());
    args.positions = static_cast<int>(pool.in_offsets.size());
    args.groups = static_cast<int>(in.groups.size());
    args.start = -in.zero_point * args.steps;
    args.multiplier = pool.multiplier;
    args.sink = sink(pool.to);
    (pool.average ? plan_->kernels->average : plan_->kernels->max_pool)(args);
  }

  void run(const AddStep& add, std::size_t block) {
    AddArgs args;
    for (int i = 0; i < 2; ++i) {
      const Buffer& in = plan_->buffers[add.in[i]];
      args.in[i] = cells(add.in[i], block);
      args.in_group_stride[i] = in.group_stride();
      args.in_offsets[i] = add.in_offsets[i].data();
      args.zero_point[i] = in.zero_point;
      args.multiplier[i] = add.multiplier[i];
    }
    args.positions = static_cast<int>(add.in_offsets[0].size());
    args.groups = static_cast<int>(plan_->buffers[add.in[0]].groups.size());
    args.sink = sink(add.to);
    plan_->kernels->add(args);
  }

  void run(const FlattenStep& flatten, std::size_t block) {
    const Buffer& in = plan_->buffers[flatten.in];
    const Buffer& out = plan_->buffers[flatten.out];
    std::uint8_t* to = arena_.data() + plan_->places[flatten.out];
    const std::uint8_t* from = cells(flatten.in, block);
    for (int e = 0; e < out.shape.channels; ++e) {
      const std::int64_t source = in.byte_of(e);
      const std::int64_t target = out.byte_of(e);
      for (int i = 0; i < images_per_block; ++i) to[target + 4 * i] = from[source + 4 * i];
    }
  }

  void run(const TwinStep& twin, std::size_t) {
    const Buffer& buffer = plan_->buffers[twin.buffer];
    TwinArgs args;
    args.cells = arena_.data() + plan_->places[twin.buffer] +
                 (std::ssize(buffer.groups) - 1) * buffer.group_stride();
    args.count = buffer.group_stride() / cell_bytes;
    plan_->kernels->twin(args);
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
    for (std::int64_t e = 0; e < buffer.shape.elements(); ++e) {
      trace.codes.push_back(cells(b, block)[buffer.byte_of(e) + 4 * image] - buffer.zero_point);
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
