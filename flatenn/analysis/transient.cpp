#include "flatenn/analysis/transient.h"

#include <torch/types.h>

#include <cmath>

#include "flatenn/analysis/float_network.h"
#include "flatenn/base/error.h"
#include "flatenn/engine/make_evaluator.h"
#include "flatenn/train/injection.h"

namespace flatenn {
namespace {

using torch::Tensor;

constexpr std::size_t kBatch = 100;

/// Images of a batch that a strike leaves right, and whose answers it changes.
struct Counts {
  std::int64_t right = 0, changed = 0;
};

/// One network on its images.
class Strikes {
 public:
  Strikes(const TransientSettings& settings, const Model& model, const Dataset& data)
      : settings_(settings),
        model_(model),
        data_(data),
        infos_(check_graph(model.graph)),
        network_(model, data, Precision::single_, settings.clips) {}

  Tensor answers(std::size_t first, const SumsHook& hook = {}) const {
    return network_.logits({}, first, kBatch, hook).argmax(1);
  }

  Tensor labels(std::size_t first) const {
    return torch::from_blob(const_cast<std::uint8_t*>(data_.labels.data()) + first,
                            {std::int64_t(kBatch)}, torch::kUInt8)
        .to(torch::kInt64);
  }

  /// Strikes layer number `layer` by errors of this size; `clean`: answers without.
  Counts strike(std::size_t first, std::size_t layer, double error, const Tensor& clean) const {
    const int node = model_.weights[layer].node;
    RandomStream stream(settings_.seed, Purpose::transient, first / kBatch, layer);
    const double sign = stream.below(2) == 0 ? 1 : -1;
    const Tensor factors =
        draw_factors(settings_.shape, infos_[static_cast<std::size_t>(node)].shape, kBatch, 1,
                     sign * error, stream);
    const std::vector<float>& shift = model_.affine[static_cast<std::size_t>(node)].addend;
    const Tensor addend = torch::tensor(shift).view({-1, 1, 1, 1});
    const Tensor struck = answers(first, [&](int at, const Tensor& sums) {
      return at == node ? (sums - addend) * factors + addend : sums;
    });
    return {(struck == labels(first)).sum().item<std::int64_t>(),
            (struck != clean).sum().item<std::int64_t>()};
  }

 private:
  const TransientSettings& settings_;
  const Model& model_;
  const Dataset& data_;
  std::vector<NodeInfo> infos_;
  FloatNetwork network_;
};

void check(const TransientSettings& settings, std::size_t images) {
  if (settings.errors.empty()) fail("errors: none given, for example 3,10,100");
  for (const double error : settings.errors) {
    if (!std::isfinite(error)) fail("errors: {} is not a finite number", error);
  }
  if (images < 2 * kBatch) fail("transient errors need 200 images or more, not {}", images);
}

/// The cell of one error, batch by batch.
struct Totals {
  std::vector<double> right, changed;  ///< percent a batch, mean over layers
  std::vector<Counts> layers;
};

TransientCell to_cell(double error, const Totals& totals, const Model& model, std::size_t images) {
  TransientCell cell{error, t_interval(totals.right), t_interval(totals.changed), {}};
  const double percent = 100.0 / static_cast<double>(images);
  for (std::size_t layer = 0; layer < totals.layers.size(); ++layer) {
    cell.layers.push_back({model.weights[layer].name,
                           static_cast<double>(totals.layers[layer].right) * percent,
                           static_cast<double>(totals.layers[layer].changed) * percent});
  }
  return cell;
}

}  // namespace

TransientResult measure_transient(const TransientSettings& settings, const Model& model,
                                  const Dataset& data, const Context& context) {
  check_images(model, data);
  const std::size_t asked = settings.images == 0 ? data.size() : settings.images;
  if (asked > data.size()) {
    fail("images: {} asked, but {} has {}", asked, data.name, data.size());
  }
  check(settings, asked);
  const torch::NoGradGuard guard;
  const Strikes strikes(settings, model, data);
  const std::size_t batches = asked / kBatch, layers = model.weights.size();
  std::vector<Totals> totals(settings.errors.size());
  for (Totals& one : totals) one.layers.resize(layers);
  Progress progress;
  progress.task = "transient errors";
  progress.unit = "batches";
  progress.total = static_cast<double>(batches);
  std::int64_t clean_right = 0;
  for (std::size_t batch = 0; batch < batches; ++batch) {
    throw_if_stopped(context);
    const std::size_t first = batch * kBatch;
    const Tensor clean = strikes.answers(first);
    clean_right += (clean == strikes.labels(first)).sum().item<std::int64_t>();
    for (std::size_t e = 0; e < totals.size(); ++e) {
      Counts sum;
      for (std::size_t layer = 0; layer < layers; ++layer) {
        const Counts counts = strikes.strike(first, layer, settings.errors[e], clean);
        sum.right += counts.right;
        sum.changed += counts.changed;
        totals[e].layers[layer].right += counts.right;
        totals[e].layers[layer].changed += counts.changed;
      }
      const double percent = 100.0 / static_cast<double>(kBatch * layers);
      totals[e].right.push_back(static_cast<double>(sum.right) * percent);
      totals[e].changed.push_back(static_cast<double>(sum.changed) * percent);
    }
    progress.done += 1;
    context.events->progress(progress);
  }
  context.events->finished(progress.task);
  const std::size_t images = batches * kBatch;
  TransientResult result{
      images, 100.0 * static_cast<double>(clean_right) / static_cast<double>(images), {}};
  for (std::size_t e = 0; e < totals.size(); ++e) {
    result.cells.push_back(to_cell(settings.errors[e], totals[e], model, images));
  }
  return result;
}

}  // namespace flatenn
