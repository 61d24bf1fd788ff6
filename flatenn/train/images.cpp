#include "flatenn/train/images.h"

#include <torch/types.h>

#include <algorithm>
#include <array>

#include "flatenn/base/error.h"

namespace flatenn {
namespace {

/// Images a forward pass without gradients.
constexpr std::size_t kEvaluationBatch = 256;
/// What batch norm is recalibrated on: 8 times as many images hardly move its statistics.
constexpr std::size_t kRecalibrationBatches = 20;

double percent(std::int64_t part, std::int64_t whole) {
  return whole == 0 ? 0.0 : 100.0 * static_cast<double>(part) / static_cast<double>(whole);
}

}  // namespace

Batch make_batch(const Dataset& data, const Input& input, std::span<const std::uint8_t> pixels,
                 std::span<const std::uint8_t> labels, const torch::Device& device) {
  const std::size_t images = labels.size();
  const std::size_t places = data.image_bytes();
  FLATENN_ASSERT(pixels.size() == images * places);
  std::array<float, 256> value;
  for (int q = 0; q < 256; ++q) {
    value[static_cast<std::size_t>(q)] = input.scale * static_cast<float>(q - input.zero_point);
  }
  Batch batch;
  batch.pixels = torch::empty({data.channels, data.height, data.width, std::int64_t(images)});
  float* target = batch.pixels.data_ptr<float>();
  for (std::size_t place = 0; place < places; ++place) {
    for (std::size_t i = 0; i < images; ++i) *target++ = value[pixels[i * places + place]];
  }
  batch.labels = torch::empty({std::int64_t(images)}, torch::kInt64);
  std::copy(labels.begin(), labels.end(), batch.labels.data_ptr<std::int64_t>());
  if (!device.is_cpu()) batch = {batch.pixels.to(device), batch.labels.to(device)};
  return batch;
}

namespace {

Batch batch_at(const Module& module, const Dataset& data, std::size_t first, std::size_t count,
               const torch::Device& device) {
  const std::size_t bytes = data.image_bytes();
  return make_batch(data, std::get<Input>(module.graph().nodes.front().op),
                    std::span(data.images).subspan(first * bytes, count * bytes),
                    std::span(data.labels).subspan(first, count), device);
}

}  // namespace

double Answers::accuracy() const { return percent(correct, static_cast<std::int64_t>(images)); }
double Answers::sparsity() const { return percent(zeros, activations); }

Answers evaluate(Module& module, const Dataset& data, const torch::Device& device, bool quantized,
                 TrainPrecision precision) {
  Answers answers;
  for (std::size_t first = 0; first < data.size(); first += kEvaluationBatch) {
    const std::size_t count = std::min(kEvaluationBatch, data.size() - first);
    const Batch batch = batch_at(module, data, first, count, device);
    const Pass pass = module.forward(
        batch.pixels, {.quantized = quantized, .training = false, .precision = precision});
    answers.images += count;
    answers.correct += (pass.logits.argmax(1) == batch.labels).sum().item<std::int64_t>();
    answers.zeros += pass.zeros;
    answers.activations += pass.activations;
  }
  return answers;
}

void recalibrate_batch_norm(Module& module, const Dataset& data, const torch::Device& device) {
  if (module.buffers().empty()) return;
  const std::size_t batches =
      std::clamp<std::size_t>(data.size() / kEvaluationBatch, 1, kRecalibrationBatches);
  for (std::size_t i = 0; i < batches; ++i) {
    const std::size_t first = i * kEvaluationBatch;
    const std::size_t count = std::min(kEvaluationBatch, data.size() - first);
    const Batch batch = batch_at(module, data, first, count, device);
    module.forward(batch.pixels, {.momentum = 1.0 / static_cast<double>(i + 1)});
  }
}

}  // namespace flatenn
