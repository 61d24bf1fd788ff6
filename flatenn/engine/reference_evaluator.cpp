#include "flatenn/engine/reference_evaluator.h"

#include <algorithm>
#include <cmath>
#include <span>
#include <variant>

#include "flatenn/base/error.h"
#include "flatenn/engine/buffer_faults.h"

namespace flatenn {
namespace {

/// Result of one node for one image: codes of a codes node (less the zero point of an input), or
/// the affine values v of a sums node. Row-major channels x height x width.
struct Result {
  Shape shape;
  std::vector<std::int32_t> codes;
  std::vector<float> values;

  std::int32_t code(int c, int y, int x) const {
    return codes[(std::size_t(c) * shape.height + y) * shape.width + x];
  }
  /// Padding reads as code 0.
  std::int32_t padded(int c, int y, int x) const {
    if (y < 0 || y >= shape.height || x < 0 || x >= shape.width) return 0;
    return code(c, y, x);
  }
};

std::int32_t quantized(float v, float low, float high) {
  v = v > low ? v : low;
  v = v < high ? v : high;
  return static_cast<std::int32_t>(std::nearbyint(v));
}

/// Affine of a conv2d or linear sum.
float affine(std::int64_t sum, std::int64_t window, const NodeAffine& map, float addend,
             int channel) {
  float v = static_cast<float>(sum) * map.multiplier[channel];
  if (!map.window_multiplier.empty()) {
    const float w = static_cast<float>(window) * map.window_multiplier[channel];
    v = v + w;
  }
  return v + addend;
}

/// What is read of a code written to the faulty word. Words are as wide as their node's codes span.
std::int32_t faulty_code(const BufferFault& fault, const NodeInfo& info, std::int32_t code) {
  const std::int32_t words = info.max_code - info.min_code + 1;  // 2^bits
  const std::int32_t word = (code + words) % words;
  const std::int32_t read = (word & fault.keep) ^ fault.toggle;
  return read > info.max_code ? read - words : read;
}

class ReferenceEvaluator final : public Evaluator {
 public:
  ReferenceEvaluator(const Model& model, const Dataset& data)
      : model_(&model), data_(&data), infos_(check_graph(model.graph)) {
    for (const WeightTensor& tensor : model.weights) codes_.push_back(tensor.codes);
    for (const NodeAffine& affine : model.affine) addends_.push_back(affine.addend);
    faults_.resize(infos_.size());
  }

  void write(std::span<const CodeWrite> writes) override {
    for (const CodeWrite& w : writes) codes_.at(w.tensor).at(w.element) = w.code;
  }

  void write_addends(std::span<const AddendWrite> writes) override {
    for (const AddendWrite& w : writes) addends_.at(w.node).at(w.channel) = w.value;
  }

  void set_buffer_faults(std::span<const BufferFault> faults) override {
    for (const BufferFault& fault : faults) check_buffer_fault(fault, model_->graph, infos_);
    faults_.assign(infos_.size(), {});
    for (const BufferFault& fault : faults) faults_[fault.node].push_back(fault);
  }

  void classify(std::size_t first, std::size_t count, std::span<std::uint8_t> classes) override {
    FLATENN_ASSERT(first + count <= data_->size() && classes.size() == count);
    for (std::size_t i = 0; i < count; ++i) {
      const std::vector<Result> results = evaluate(first + i, infos_.size());
      const std::vector<float>& logits = results.back().values;
      // max_element gives the first of the largest.
      const auto largest = std::max_element(logits.begin(), logits.end());
      classes[i] = static_cast<std::uint8_t>(largest - logits.begin());
    }
  }

  NodeTrace trace(int node, std::size_t first, std::size_t count) override {
    FLATENN_ASSERT(first + count <= data_->size());
    NodeTrace trace;
    for (std::size_t i = first; i < first + count; ++i) {
      const std::vector<Result> results = evaluate(i, node + 1);
      const Result& result = results.back();
      trace.codes.insert(trace.codes.end(), result.codes.begin(), result.codes.end());
      trace.values.insert(trace.values.end(), result.values.begin(), result.values.end());
    }
    return trace;
  }

  std::unique_ptr<Evaluator> clone() const override {
    return std::make_unique<ReferenceEvaluator>(*this);
  }

  std::string_view name() const override { return "reference"; }

 private:
  /// Results of the first `nodes` nodes.
  std::vector<Result> evaluate(std::size_t image, std::size_t nodes) const {
    std::vector<Result> results;
    for (std::size_t n = 0; n < nodes; ++n) {
      Result result;
      result.shape = infos_[n].shape;
      compute(static_cast<int>(n), image, results, result);
      for (const BufferFault& fault : faults_[n]) {
        std::int32_t& code = result.codes[fault.element];
        code = faulty_code(fault, infos_[n], code);
      }
      results.push_back(std::move(result));
    }
    return results;
  }

  void compute(int n, std::size_t image, const std::vector<Result>& results, Result& out) const {
    const Node& node = model_->graph.nodes[n];
    const auto in = [&](int i) -> const Result& { return results[node.inputs[i]]; };
    if (const auto* input = std::get_if<Input>(&node.op)) {
      for (const std::uint8_t q : data_->image(image)) out.codes.push_back(q - input->zero_point);
    } else if (const auto* conv = std::get_if<Conv2d>(&node.op)) {
      convolve(n, *conv, in(0), out);
    } else if (std::holds_alternative<Linear>(node.op)) {
      multiply(n, in(0), out);
    } else if (std::holds_alternative<ChannelAffine>(node.op)) {
      scale(n, in(0), out);
    } else if (const auto* norm = std::get_if<GroupNorm>(&node.op)) {
      normalise(n, *norm, in(0), out);
    } else if (const auto* activation = std::get_if<Activation>(&node.op)) {
      quantize(in(0), 0, (1 << activation->bits) - 1, out);
    } else if (const auto* op = std::get_if<Quantize>(&node.op)) {
      quantize(in(0), -(1 << (op->bits - 1)), (1 << (op->bits - 1)) - 1, out);
    } else if (const auto* pool = std::get_if<MaxPool>(&node.op)) {
      max_pool(*pool, in(0), out);
    } else if (const auto* average = std::get_if<AvgPool>(&node.op)) {
      avg_pool(*average, model_->affine[n].multiplier[0], in(0), out);
    } else if (std::holds_alternative<Add>(node.op)) {
      add(model_->affine[n], in(0), in(1), out);
    } else {
      FLATENN_ASSERT(std::holds_alternative<Flatten>(node.op) ||
                     std::holds_alternative<Output>(node.op));
      out.codes = in(0).codes;
      out.values = in(0).values;
    }
  }

  /// Index in Model::weights of a conv2d or linear node.
  int tensor_of(int node) const {
    for (std::size_t t = 0; t < model_->weights.size(); ++t) {
      if (model_->weights[t].node == node) return static_cast<int>(t);
    }
    FLATENN_ASSERT(!"node without weights");
    return -1;
  }

  void convolve(int n, const Conv2d& conv, const Result& in, Result& out) const {
    const std::vector<std::int8_t>& weights = codes_[tensor_of(n)];
    const int k = conv.kernel;
    for (int f = 0; f < out.shape.channels; ++f) {
      for (int y = 0; y < out.shape.height; ++y) {
        for (int x = 0; x < out.shape.width; ++x) {
          std::int64_t sum = 0;
          std::int64_t window = 0;
          std::size_t w = std::size_t(f) * in.shape.channels * k * k;
          for (int c = 0; c < in.shape.channels; ++c) {
            for (int ky = 0; ky < k; ++ky) {
              for (int kx = 0; kx < k; ++kx) {
                const std::int32_t q = in.padded(c, y * conv.stride + ky - conv.padding,
                                                 x * conv.stride + kx - conv.padding);
                sum += weights[w++] * q;
                window += q;
              }
            }
          }
          out.values.push_back(affine(sum, window, model_->affine[n], addends_[n][f], f));
        }
      }
    }
  }

  void multiply(int n, const Result& in, Result& out) const {
    const std::vector<std::int8_t>& weights = codes_[tensor_of(n)];
    for (int f = 0; f < out.shape.channels; ++f) {
      std::int64_t sum = 0;
      std::int64_t window = 0;
      for (std::size_t i = 0; i < in.codes.size(); ++i) {
        sum += weights[f * in.codes.size() + i] * in.codes[i];
        window += in.codes[i];
      }
      out.values.push_back(affine(sum, window, model_->affine[n], addends_[n][f], f));
    }
  }

  /// Values lie as they are summed: channel, row, column.
  void normalise(int n, const GroupNorm& norm, const Result& in, Result& out) const {
    const NodeAffine& map = model_->affine[n];
    const std::size_t plane = std::size_t(in.shape.height) * in.shape.width;
    const std::size_t count = in.values.size() / norm.groups;
    for (int g = 0; g < norm.groups; ++g) {
      const std::span group = std::span(in.values).subspan(g * count, count);
      double sum = 0;
      for (const float v : group) sum += v;
      const double mean = sum / static_cast<double>(count);
      double squares = 0;
      for (const float v : group) squares += (v - mean) * (v - mean);
      const double variance = squares / static_cast<double>(count);
      const auto gain = static_cast<float>(1 / std::sqrt(variance + norm.epsilon));
      for (std::size_t i = 0; i < count; ++i) {
        const std::size_t channel = (g * count + i) / plane;
        const float centred = group[i] - static_cast<float>(mean);
        const float scaled = centred * gain * map.multiplier[channel];
        out.values.push_back(scaled + addends_[n][channel]);
      }
    }
  }

  void scale(int n, const Result& in, Result& out) const {
    const std::size_t plane = static_cast<std::size_t>(in.shape.height) * in.shape.width;
    for (std::size_t i = 0; i < in.codes.size(); ++i) {
      const std::size_t channel = i / plane;
      const float scaled = static_cast<float>(in.codes[i]) * model_->affine[n].multiplier[channel];
      out.values.push_back(scaled + addends_[n][channel]);
    }
  }

  static void quantize(const Result& in, int low, int high, Result& out) {
    for (const float v : in.values) {
      out.codes.push_back(quantized(v, static_cast<float>(low), static_cast<float>(high)));
    }
  }

  static void max_pool(const MaxPool& pool, const Result& in, Result& out) {
    for (int c = 0; c < out.shape.channels; ++c) {
      for (int y = 0; y < out.shape.height; ++y) {
        for (int x = 0; x < out.shape.width; ++x) {
          std::int32_t largest = in.code(c, y * pool.stride, x * pool.stride);
          for (int ky = 0; ky < pool.kernel; ++ky) {
            for (int kx = 0; kx < pool.kernel; ++kx) {
              largest = std::max(largest, in.code(c, y * pool.stride + ky, x * pool.stride + kx));
            }
          }
          out.codes.push_back(largest);
        }
      }
    }
  }

  static void avg_pool(const AvgPool& pool, float multiplier, const Result& in, Result& out) {
    for (int c = 0; c < out.shape.channels; ++c) {
      for (int y = 0; y < out.shape.height; ++y) {
        for (int x = 0; x < out.shape.width; ++x) {
          std::int64_t sum = 0;
          for (int ky = 0; ky < pool.kernel; ++ky) {
            for (int kx = 0; kx < pool.kernel; ++kx) {
              sum += in.code(c, y * pool.stride + ky, x * pool.stride + kx);
            }
          }
          out.values.push_back(static_cast<float>(sum) * multiplier);
        }
      }
    }
  }

  static void add(const NodeAffine& map, const Result& a, const Result& b, Result& out) {
    for (std::size_t i = 0; i < a.codes.size(); ++i) {
      const float left = static_cast<float>(a.codes[i]) * map.multiplier[0];
      const float right = static_cast<float>(b.codes[i]) * map.multiplier[1];
      out.values.push_back(left + right);
    }
  }

  const Model* model_;
  const Dataset* data_;
  std::vector<NodeInfo> infos_;
  std::vector<std::vector<std::int8_t>> codes_;   ///< one a weight tensor, as written
  std::vector<std::vector<float>> addends_;       ///< one a node, as written
  std::vector<std::vector<BufferFault>> faults_;  ///< one list a node
};

}  // namespace

std::unique_ptr<Evaluator> make_reference_evaluator(const Model& model, const Dataset& data) {
  return std::make_unique<ReferenceEvaluator>(model, data);
}

}  // namespace flatenn
