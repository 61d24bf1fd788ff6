#include "flatenn/train/checkpoint.h"

#include <fmt/format.h>
#include <torch/types.h>

#include <cstring>
#include <functional>
#include <nlohmann/json.hpp>

#include "flatenn/base/error.h"
#include "flatenn/base/file.h"
#include "flatenn/graph/safetensors.h"

namespace flatenn {
namespace {

using torch::Tensor;

constexpr const char* kFormat = "flatenn-checkpoint 3";

/// Calls visit(name, tensor) for all that is saved, in a fixed order.
void visit_tensors(const Module& module, const Sgd& optimizer, const ParameterAverage& average,
                   const std::function<void(const std::string&, Tensor)>& visit) {
  for (std::size_t i = 0; i < module.parameters().size(); ++i) {
    const Parameter& parameter = module.parameters()[i];
    visit(parameter.name, parameter.tensor.detach());
    visit(parameter.name + ".momentum", optimizer.momenta()[i]);
    if (average.active()) visit(parameter.name + ".average", average.means()[i]);
  }
  for (const Parameter& buffer : module.buffers()) visit(buffer.name, buffer.tensor);
}

/// Counters and the log as one JSON text.
std::string describe(const TrainingState& state, const ParameterAverage& average) {
  return nlohmann::json{{"epochs_done", state.epochs_done},
                        {"sparsity_strength", state.sparsity_strength},
                        {"averaged", average.count()},
                        {"log", state.log}}
      .dump();
}

TrainingState parse_state(const std::string& text, ParameterAverage& average,
                          const std::string& where) {
  const nlohmann::json json = nlohmann::json::parse(text, nullptr, false);
  TrainingState state;
  try {
    state.epochs_done = json.at("epochs_done").get<int>();
    state.sparsity_strength = json.at("sparsity_strength").get<double>();
    average.set_count(json.at("averaged").get<std::int64_t>());
    state.log = json.at("log").get<std::vector<std::string>>();
  } catch (const nlohmann::json::exception&) {
    fail("{}: damaged checkpoint; remove it to train from the start", where);
  }
  if (state.epochs_done < 0 || average.count() < 0 ||
      static_cast<std::size_t>(state.epochs_done) != state.log.size()) {
    fail("{}: damaged checkpoint; remove it to train from the start", where);
  }
  return state;
}

const std::string& text_of(const Safetensors& content, const char* key, const std::string& where) {
  const auto found = content.metadata.find(key);
  if (found == content.metadata.end()) fail("{}: not a checkpoint ('{}' is missing)", where, key);
  return found->second;
}

void copy_tensor(const Safetensors& content, const std::string& name, Tensor target,
                 const std::string& where) {
  for (const TensorView& view : content.tensors) {
    if (view.name != name) continue;
    if (view.dtype != DType::f32 || view.shape != target.sizes().vec()) break;
    Tensor copy = torch::empty(view.shape);
    std::memcpy(copy.data_ptr<float>(), view.bytes.data(), view.bytes.size());
    target.copy_(copy);
    return;
  }
  fail("{}: damaged checkpoint (tensor '{}'); remove it to train from the start", where, name);
}

}  // namespace

void save_checkpoint(const std::filesystem::path& path, const TrainingIdentity& identity,
                     const TrainingState& state, const Module& module, const Sgd& optimizer,
                     const ParameterAverage& average) {
  Safetensors content;
  content.metadata = {
      {"format", kFormat}, {"training", to_text(identity)}, {"state", describe(state, average)}};
  std::vector<Tensor> kept;  // owns what the views point to
  visit_tensors(module, optimizer, average, [&](const std::string& name, const Tensor& tensor) {
    kept.push_back(tensor.cpu().contiguous());
    const auto* bytes = reinterpret_cast<const std::byte*>(kept.back().data_ptr<float>());
    content.tensors.push_back({name,
                               DType::f32,
                               kept.back().sizes().vec(),
                               {bytes, static_cast<std::size_t>(kept.back().nbytes())}});
  });
  write_file(path, write_safetensors(content));
}

std::optional<TrainingState> load_checkpoint(const std::filesystem::path& path,
                                             const TrainingIdentity& identity, Module& module,
                                             Sgd& optimizer, ParameterAverage& average) {
  if (!std::filesystem::exists(path)) return std::nullopt;
  const std::string where = path.string();
  const std::vector<std::byte> bytes = read_file(path);
  const Safetensors content = read_safetensors(bytes, where);
  const std::string& format = text_of(content, "format", where);
  if (format != kFormat) fail("{}: format '{}' is not '{}'", where, format, kFormat);
  if (!describes(text_of(content, "training", where), identity)) {
    fail("{}: belongs to a training with other settings or data; choose another folder", where);
  }
  const TrainingState state = parse_state(text_of(content, "state", where), average, where);
  const torch::NoGradGuard guard;
  visit_tensors(module, optimizer, average, [&](const std::string& name, const Tensor& tensor) {
    copy_tensor(content, name, tensor, where);
  });
  module.set_initialised(state.epochs_done > identity.settings.float_epochs);
  return state;
}

}  // namespace flatenn
