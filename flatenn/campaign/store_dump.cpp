#include "flatenn/campaign/store_dump.h"

#include <map>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <utility>

#include "flatenn/base/hash.h"

namespace flatenn {
namespace {

nlohmann::ordered_json subject_json(const Subject& subject) {
  return {{"key", subject.key()},
          {"label", subject.label},
          {"model_hash", subject.model_hash},
          {"data_hash", subject.data_hash},
          {"dataset", subject.dataset},
          {"split", subject.split},
          {"exposure", subject.exposure},
          {"source", subject.source},
          {"layout", subject.layout},
          {"images", subject.images},
          {"memory_bits", subject.memory_bits},
          {"exposed_bits", subject.exposed_bits},
          {"seed", subject.seed},
          {"float_accuracy", subject.float_accuracy},
          {"sparsity", subject.sparsity},
          {"clean_correct", subject.clean_correct}};
}

/// By hand: a million lines take a second, and nothing in them needs escapes.
std::string trial_line(const Trial& trial) {
  std::string line =
      fmt::format(R"({{"trial":{{"kind":"{}","rate":{},"map":{},"correct":{},"faulty_bits":{},)"
                  R"("changed_bits":{},"answers_changed":{})",
                  to_string(trial.kind), trial.rate, trial.map, trial.correct, trial.faulty_bits,
                  trial.changed_bits, trial.answers_changed);
  if (!trial.right.empty()) {
    line += fmt::format(R"(,"per_image":"{}")", hash_hex(std::as_bytes(std::span(trial.right))));
  }
  return line + "}}\n";
}

}  // namespace

void dump_store(const Store& store, const std::function<void(std::string_view)>& write) {
  std::map<std::string, Subject> subjects;
  for (Subject& subject : store.subjects()) subjects.emplace(subject.key(), std::move(subject));
  for (const auto& [key, subject] : subjects) {
    const nlohmann::ordered_json line = {{"subject", subject_json(subject)}};
    // A store may hold bytes that are no UTF-8, for example a file's name.
    write(line.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n");
    store.visit_trials(key, Answers::load, [&](const Trial& trial) { write(trial_line(trial)); });
  }
}

}  // namespace flatenn
