// For tests of reports: subjects that could have been measured.
#pragma once

#include <filesystem>
#include <functional>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "flatenn/base/testing.h"
#include "flatenn/campaign/store.h"
#include "flatenn/memory/check_cells.h"
#include "flatenn/memory/protection.h"
#include "flatenn/report/page_figure.h"

namespace flatenn {

/// A memory of eight cells, told by `layout`, tried cell by cell; 90 % of `images` right without
/// faults.
inline Subject single_bit_subject(std::string layout, std::uint64_t images) {
  Subject subject;
  subject.source = "single";
  subject.layout = std::move(layout);
  subject.images = images;
  subject.clean_correct = images * 9 / 10;
  subject.memory_bits = subject.exposed_bits = 8;
  return subject;
}

/// The values of one column of a figure's table, texts as themselves.
inline std::vector<nlohmann::ordered_json> column(const PageFigure& figure,
                                                  const std::string& name) {
  const nlohmann::ordered_json table = figure.table.json();
  for (const auto& one : table["columns"]) {
    if (one["name"] != name) continue;
    std::vector<nlohmann::ordered_json> values;
    for (const auto& value : one["values"]) {
      values.push_back(one.contains("dict") ? one["dict"].at(value.get<std::size_t>()) : value);
    }
    return values;
  }
  throw std::out_of_range("no column " + name);
}

/// The figure of that id.
inline const PageFigure& figure(const PageSection& section, const std::string& id) {
  for (const PageFigure& one : section.figures) {
    if (one.id == id) return one;
  }
  throw std::out_of_range("no figure " + id);
}

/// Changes a subject to one of a memory with that layout, exposed as a whole.
inline std::function<void(Subject&)> unprotected(const std::string& layout) {
  return [layout](Subject& subject) {
    subject.layout = layout;
    subject.memory_bits = subject.exposed_bits = MemoryLayout::parse(layout).bits();
  };
}
/// The same behind a protection.
inline std::function<void(Subject&)> behind(const std::string& protection,
                                            const std::string& layout) {
  return [protection, layout](Subject& subject) {
    const CheckCells cells(MemoryLayout::parse(layout), parse_protection(protection).guard);
    subject.layout = layout;
    subject.source = "cells | " + protection;
    subject.memory_bits = subject.exposed_bits = cells.end();
  };
}

/// A store on disk that goes with the object.
class TestStore {
 public:
  TestStore() : path_(folder_ / "store.db"), store_(Store::open(path_)) {}

  const std::filesystem::path& path() const { return path_; }
  const Store& store() const { return store_; }

  /// A network on 100 images, `clean` of them right without faults; flips at rate 0.02, a map and
  /// its number of right images each. `change` may make it another subject.
  void add(const std::string& label, std::uint64_t clean,
           const std::vector<std::pair<std::uint64_t, std::uint64_t>>& maps_and_correct,
           const std::function<void(Subject&)>& change = {}) const {
    Subject subject = network(label);
    subject.clean_correct = clean;
    if (change) change(subject);
    std::vector<Trial> trials;
    for (const auto& [map, correct] : maps_and_correct) {
      trials.push_back({FaultKind::flip, 0.02, map, correct, 4, 3, 10});
    }
    store_.append(store_.add_subject(subject), trials);
  }

  void add_trials(const std::string& label, const std::vector<Trial>& trials,
                  const std::function<void(Subject&)>& change = {}) const {
    Subject subject = network(label);
    if (change) change(subject);
    store_.append(store_.add_subject(subject), trials);
  }

  /// Two cells of a memory tried one by one.
  void add_single_bits() const {
    store_.append(store_.add_subject(single_bit_subject("fc.weight 4x2", 100)),
                  {{FaultKind::flip, 0, 3, 80, 1, 1, 12}, {FaultKind::flip, 0, 4, 90, 1, 1, 0}});
  }

 private:
  static Subject network(const std::string& label) {
    Subject subject;
    subject.label = label;
    subject.model_hash = "m-" + label;
    subject.data_hash = "d";
    subject.dataset = "synthetic";
    subject.split = "test";
    subject.images = 100;
    subject.clean_correct = 90;
    subject.memory_bits = subject.exposed_bits = 8;
    return subject;
  }

  TemporaryFolder folder_;
  std::filesystem::path path_;
  mutable Store store_;  // tests fill it step by step
};

}  // namespace flatenn
