#include "flatenn/engine/torch_evaluator.h"

#include <torch/cuda.h>
#include <torch/types.h>

#include <algorithm>
#include <cmath>
#include <variant>

#include "flatenn/base/error.h"
#include "flatenn/engine/buffer_faults.h"

namespace flatenn {
namespace {

using at::Tensor;

/// float32 holds every integer up to here.
constexpr std::int64_t exact_float = std::int64_t{1} << 24;

at::ScalarType sum_type(const NodeInfo& info) {
  return info.max_abs_sum < exact_float ? at::kFloat : at::kDouble;
}

at::Device open_device(const std::string& name) {
  try {
    const at::Device device(name);
    if (device.is_cpu()) return device;
    if (device.is_cuda()) {
      const auto count = static_cast<int>(torch::cuda::device_count());
      if (std::max<int>(device.index(), 0) < count) return device;
      fail("device '{}': this libtorch sees {} CUDA devices", name, count);
    }
  } catch (const c10::Error&) {
    // libtorch's message is about its own interface; ours follows.
  }
  fail("unknown device '{}'; known: cpu, cuda, cuda:0, cuda:1, ...", name);
}

/// One float per channel, shaped to multiply count x channels x height x width.
Tensor channel_tensor(const std::vector<float>& values, at::Device device) {
  if (values.empty()) return {};
  return at::tensor(values).to(device).view({1, -1, 1, 1});
}

/// What no fault changes; clones share it.
struct Prepared {
  const Model* model;
  const Dataset* data;
  at::Device device;
  std::int64_t batch;
  std::vector<NodeInfo> infos;
  std::vector<int> last_reader = {};  ///< after it a node's result is not needed
  std::vector<int> tensor_of = {};    ///< index in Model::weights, -1 for nodes without
  Tensor images = {};                 ///< uint8 on the device
  std::vector<Tensor> multiplier = {}, window_multiplier = {};  ///< one a node
  std::vector<Tensor> ones = {};  ///< for nodes with a weight offset: a filter that sums the window
};

Prepared prepare(const Model& model, const Dataset& data, const TorchEvaluatorOptions& options) {
  Prepared p{.model = &model,
             .data = &data,
             .device = open_device(options.device),
             .batch = options.batch,
             .infos = check_graph(model.graph)};
  FLATENN_ASSERT(options.batch > 0);
  FLATENN_ASSERT(p.infos.front().shape == (Shape{data.channels, data.height, data.width}));
  const std::size_t nodes = model.graph.nodes.size();
  p.last_reader.assign(nodes, static_cast<int>(nodes));
  p.tensor_of.assign(nodes, -1);
  for (std::size_t t = 0; t < model.weights.size(); ++t) {
    p.tensor_of[model.weights[t].node] = static_cast<int>(t);
  }
  p.images = at::from_blob(
                 const_cast<std::uint8_t*>(data.images.data()),
                 {static_cast<std::int64_t>(data.size()), data.channels, data.height, data.width},
                 at::kByte)
                 .to(p.device);
  for (std::size_t n = 0; n < nodes; ++n) {
    for (const int input : model.graph.nodes[n].inputs) p.last_reader[input] = static_cast<int>(n);
    const NodeAffine& affine = model.affine[n];
    p.multiplier.push_back(channel_tensor(affine.multiplier, p.device));
    p.window_multiplier.push_back(channel_tensor(affine.window_multiplier, p.device));
    std::vector<std::int64_t> window(p.infos[n].weight_shape.begin(),
                                     p.infos[n].weight_shape.end());
    if (!window.empty()) window[0] = 1;
    p.ones.push_back(affine.window_multiplier.empty()
                         ? Tensor()
                         : at::ones(window, at::device(p.device).dtype(sum_type(p.infos[n]))));
  }
  return p;
}

/// The faulty words of one node's buffer.
class NodeFaults {
 public:
  NodeFaults() = default;
  NodeFaults(const std::vector<BufferFault>& faults, const NodeInfo& info, at::Device device)
      : info_(info) {
    std::vector<std::int64_t> elements;
    std::vector<int> keep, toggle;
    for (const BufferFault& fault : faults) {
      elements.push_back(fault.element);
      keep.push_back(fault.keep);
      toggle.push_back(fault.toggle);
    }
    elements_ = at::tensor(elements, at::kLong).to(device);
    keep_ = at::tensor(keep, at::kInt).to(device);
    toggle_ = at::tensor(toggle, at::kInt).to(device);
  }

  bool empty() const { return !elements_.defined(); }

  /// What is read of count x channels x height x width codes.
  Tensor read(const Tensor& codes) const {
    const Tensor flat = codes.flatten(1);
    const int words = info_.max_code - info_.min_code + 1;  // 2^bits
    Tensor word = flat.index_select(1, elements_).to(at::kInt).bitwise_and(words - 1);
    word = word.bitwise_and(keep_).bitwise_xor(toggle_);
    // Words beyond the largest code are the negative ones.
    word = at::where(word > info_.max_code, word - words, word).to(at::kFloat);
    return flat.index_copy(1, elements_, word).view(codes.sizes());
  }

 private:
  NodeInfo info_;
  Tensor elements_, keep_, toggle_;
};

/// Sums over the first dimension from its beginning on, one rounding an addition: libtorch's own
/// sums promise no order.
Tensor ordered_sum(const Tensor& rows) {
  Tensor sum = at::zeros(rows.size(1), rows.options());
  for (std::int64_t i = 0; i < rows.size(0); ++i) sum.add_(rows[i]);
  return sum;
}

/// f of every element, on the host: devices may round quotients and roots in ways of their own.
template <class F>
Tensor on_host(const Tensor& x, F f) {
  Tensor result = x.cpu().clone();
  auto* values = result.data_ptr<double>();
  std::transform(values, values + result.numel(), values, f);
  return result.to(x.device());
}

/// (v - mean) * gain of count x channels x height x width values, as model.h states them.
Tensor normalised(const Tensor& v, const GroupNorm& norm) {
  // A row an element of a group, a column a group of an image.
  const Tensor groups = v.reshape({v.size(0) * norm.groups, -1});
  const Tensor rows = groups.t().to(at::kDouble).contiguous();
  const auto count = static_cast<double>(rows.size(0));
  const Tensor mean = on_host(ordered_sum(rows), [&](double sum) { return sum / count; });
  const Tensor distance = at::sub(rows, mean);
  const Tensor gain = on_host(ordered_sum(at::mul(distance, distance)), [&](double squares) {
    return 1 / std::sqrt(squares / count + norm.epsilon);
  });
  const Tensor centred = at::sub(groups, mean.to(at::kFloat).unsqueeze(1));
  return at::mul(centred, gain.to(at::kFloat).unsqueeze(1)).view(v.sizes());
}

class TorchEvaluator final : public Evaluator {
 public:
  explicit TorchEvaluator(std::shared_ptr<const Prepared> prepared)
      : prepared_(std::move(prepared)) {
    const c10::InferenceMode inference;
    const Prepared& p = *prepared_;
    for (const WeightTensor& weights : p.model->weights) {
      const std::vector<std::int64_t> shape(weights.shape.begin(), weights.shape.end());
      weights_.push_back(
          at::from_blob(const_cast<std::int8_t*>(weights.codes.data()), shape, at::kChar)
              .to(at::device(p.device).dtype(sum_type(p.infos[weights.node])))
              .contiguous());
    }
    for (const NodeAffine& affine : p.model->affine) {
      addends_.push_back(channel_tensor(affine.addend, p.device));
    }
    faults_.resize(p.infos.size());
  }

  TorchEvaluator(const TorchEvaluator& other)
      : Evaluator(other), prepared_(other.prepared_), faults_(other.faults_) {
    const c10::InferenceMode inference;
    for (const Tensor& weights : other.weights_) weights_.push_back(weights.clone());
    for (const Tensor& addend : other.addends_) {
      addends_.push_back(addend.defined() ? addend.clone() : addend);
    }
  }

  void write(std::span<const CodeWrite> writes) override {
    const c10::InferenceMode inference;
    while (!writes.empty()) {
      const int tensor = writes.front().tensor;
      const auto end = std::find_if(writes.begin(), writes.end(),
                                    [&](const CodeWrite& w) { return w.tensor != tensor; });
      const auto count = static_cast<std::size_t>(end - writes.begin());
      write_tensor(weights_.at(tensor), writes.first(count));
      writes = writes.subspan(count);
    }
  }

  void write_addends(std::span<const AddendWrite> writes) override {
    const c10::InferenceMode inference;
    for (const AddendWrite& w : writes) {
      const Tensor& addend = addends_.at(w.node);
      FLATENN_ASSERT(addend.defined() && w.channel >= 0 && w.channel < addend.numel());
      addend.select(1, w.channel).fill_(w.value);
    }
  }

  void set_buffer_faults(std::span<const BufferFault> faults) override {
    const c10::InferenceMode inference;
    const Prepared& p = *prepared_;
    for (const BufferFault& fault : faults) check_buffer_fault(fault, p.model->graph, p.infos);
    faults_.assign(p.infos.size(), {});
    std::vector<std::vector<BufferFault>> by_node(p.infos.size());
    for (const BufferFault& fault : faults) by_node[fault.node].push_back(fault);
    for (std::size_t n = 0; n < by_node.size(); ++n) {
      if (!by_node[n].empty()) faults_[n] = NodeFaults(by_node[n], p.infos[n], p.device);
    }
  }

  void classify(std::size_t first, std::size_t count, std::span<std::uint8_t> classes) override {
    FLATENN_ASSERT(classes.size() == count);
    const int output = static_cast<int>(prepared_->infos.size()) - 1;
    std::size_t done = 0;
    for_each_batch(first, count, [&](std::size_t begin, std::size_t images) {
      const Tensor logits = run(output, begin, images).flatten(1).cpu().contiguous();
      const std::int64_t width = logits.size(1);
      for (std::size_t i = 0; i < images; ++i) {
        const float* row = logits.data_ptr<float>() + static_cast<std::int64_t>(i) * width;
        // max_element gives the first of the largest; at::argmax promises no order.
        classes[done++] = static_cast<std::uint8_t>(std::max_element(row, row + width) - row);
      }
    });
  }

  NodeTrace trace(int node, std::size_t first, std::size_t count) override {
    NodeTrace trace;
    for_each_batch(first, count, [&](std::size_t begin, std::size_t images) {
      const Tensor result = run(node, begin, images).cpu().contiguous();
      const float* values = result.data_ptr<float>();
      if (prepared_->infos.at(node).codes) {
        trace.codes.insert(trace.codes.end(), values, values + result.numel());
      } else {
        trace.values.insert(trace.values.end(), values, values + result.numel());
      }
    });
    return trace;
  }

  std::unique_ptr<Evaluator> clone() const override {
    return std::make_unique<TorchEvaluator>(*this);
  }

  std::string_view name() const override { return "torch"; }

 private:
  static void write_tensor(Tensor& weights, std::span<const CodeWrite> writes) {
    const auto count = static_cast<std::int64_t>(writes.size());
    const Tensor index = at::empty({count}, at::kLong);
    const Tensor codes = at::empty({count}, weights.scalar_type());
    AT_DISPATCH_FLOATING_TYPES(weights.scalar_type(), "write", [&] {
      if (weights.is_cpu()) {
        auto* elements = weights.data_ptr<scalar_t>();
        for (const CodeWrite& w : writes) {
          FLATENN_ASSERT(w.element >= 0 && w.element < weights.numel());
          elements[w.element] = w.code;
        }
        return;
      }
      for (std::int64_t i = 0; i < count; ++i) {
        index.data_ptr<std::int64_t>()[i] = writes[i].element;
        codes.data_ptr<scalar_t>()[i] = writes[i].code;
      }
      weights.view(-1).index_put_({index.to(weights.device())}, codes.to(weights.device()));
    });
  }

  template <class Body>
  void for_each_batch(std::size_t first, std::size_t count, Body body) const {
    FLATENN_ASSERT(first <= prepared_->data->size() && count <= prepared_->data->size() - first);
    const c10::InferenceMode inference;
    const auto batch = static_cast<std::size_t>(prepared_->batch);
    for (std::size_t done = 0; done < count; done += batch) {
      body(first + done, std::min(batch, count - done));
    }
  }

  /// Result of node `last`, count x channels x height x width.
  Tensor run(int last, std::size_t first, std::size_t count) const {
    const Prepared& p = *prepared_;
    std::vector<Tensor> results;
    for (int n = 0; n <= last; ++n) {
      const Node& node = p.model->graph.nodes.at(n);
      const Shape& s = p.infos[n].shape;
      results.push_back(
          (n == 0 ? load(first, count) : compute(n, node, results))
              .reshape({static_cast<std::int64_t>(count), s.channels, s.height, s.width}));
      if (!faults_[n].empty()) results.back() = faults_[n].read(results.back());
      for (const int input : node.inputs) {
        if (p.last_reader[input] == n) results[input].reset();
      }
    }
    return results.back();
  }

  Tensor load(std::size_t first, std::size_t count) const {
    const auto begin = static_cast<std::int64_t>(first);
    const Tensor pixels =
        prepared_->images.slice(0, begin, begin + static_cast<std::int64_t>(count));
    return pixels.to(at::kFloat)
        .sub_(std::get<Input>(prepared_->model->graph.nodes[0].op).zero_point);
  }

  Tensor compute(int n, const Node& node, const std::vector<Tensor>& results) const {
    const Tensor& x = results[node.inputs[0]];
    if (std::holds_alternative<Conv2d>(node.op) || std::holds_alternative<Linear>(node.op)) {
      return layer(n, node.op, x.to(sum_type(prepared_->infos[n])));
    }
    if (const auto* op = std::get_if<Activation>(&node.op)) {
      return at::clamp(x, 0, (1 << op->bits) - 1).round_();
    }
    if (const auto* op = std::get_if<Quantize>(&node.op)) {
      return at::clamp(x, -(1 << (op->bits - 1)), (1 << (op->bits - 1)) - 1).round_();
    }
    if (const auto* op = std::get_if<MaxPool>(&node.op)) {
      return at::max_pool2d(x, op->kernel, op->stride);
    }
    const Tensor& multiplier = prepared_->multiplier[n];
    if (const auto* op = std::get_if<AvgPool>(&node.op)) {
      // Divisor 1: the mean's exact integer sum.
      const Tensor sum = at::avg_pool2d(x.to(sum_type(prepared_->infos[n])), op->kernel, op->stride,
                                        0, false, true, 1);
      return at::mul(sum.to(at::kFloat), multiplier);
    }
    if (std::holds_alternative<Add>(node.op)) {
      const Tensor a = at::mul(x, multiplier.select(1, 0));
      const Tensor b = at::mul(results[node.inputs[1]], multiplier.select(1, 1));
      return at::add(a, b);
    }
    if (std::holds_alternative<ChannelAffine>(node.op)) {
      return at::add(at::mul(x.to(at::kFloat), multiplier), addends_[n]);
    }
    if (const auto* op = std::get_if<GroupNorm>(&node.op)) {
      return at::add(at::mul(normalised(x, *op), multiplier), addends_[n]);
    }
    FLATENN_ASSERT(std::holds_alternative<Flatten>(node.op) ||
                   std::holds_alternative<Output>(node.op));
    return x;
  }

  /// conv2d and linear: exact sums, then the float map, one rounding an operation.
  Tensor layer(int n, const Op& op, const Tensor& x) const {
    const Prepared& p = *prepared_;
    const Tensor sums = exact_sums(op, x, weights_[p.tensor_of[n]]);
    Tensor v = at::mul(sums.to(at::kFloat), p.multiplier[n]);
    if (p.ones[n].defined()) {
      const Tensor window = exact_sums(op, x, p.ones[n]).to(at::kFloat);
      v = at::add(v, at::mul(window, p.window_multiplier[n]));
    }
    return at::add(v, addends_[n]);
  }

  static Tensor exact_sums(const Op& op, const Tensor& x, const Tensor& weights) {
    const auto* conv = std::get_if<Conv2d>(&op);
    if (conv == nullptr) {
      return at::mm(x.flatten(1), weights.t()).view({x.size(0), weights.size(0), 1, 1});
    }
    // Plain products and sums: Winograd and Fourier kernels, which libtorch may pick behind
    // conv2d, would leave the integers.
    return at::_slow_conv2d_forward(x, weights, {conv->kernel, conv->kernel}, {},
                                    {conv->stride, conv->stride}, {conv->padding, conv->padding});
  }

  std::shared_ptr<const Prepared> prepared_;
  std::vector<Tensor> weights_;     ///< integer-valued floats, contiguous
  std::vector<Tensor> addends_;     ///< one a node, undefined where it has none
  std::vector<NodeFaults> faults_;  ///< one a node
};

}  // namespace

std::unique_ptr<Evaluator> make_torch_evaluator(const Model& model, const Dataset& data,
                                                const TorchEvaluatorOptions& options) {
  const c10::InferenceMode inference;
  return std::make_unique<TorchEvaluator>(
      std::make_shared<const Prepared>(prepare(model, data, options)));
}

}  // namespace flatenn
