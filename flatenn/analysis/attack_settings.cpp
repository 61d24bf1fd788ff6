#include "flatenn/analysis/attack_settings.h"

#include <algorithm>

#include "flatenn/base/error.h"

namespace flatenn {
namespace {

/// In the order of AttackMethod.
const std::vector<std::string> method_names = {"progressive", "gradient", "random"};

}  // namespace

std::string_view to_string(AttackMethod method) {
  return method_names.at(static_cast<std::size_t>(method));
}

AttackMethod parse_attack_method(std::string_view name) {
  const auto found = std::ranges::find(method_names, name);
  if (found == method_names.end()) {
    fail("unknown method of attack '{}'{}", name, suggestion(name, method_names));
  }
  return static_cast<AttackMethod>(found - method_names.begin());
}

std::vector<AttackMethod> AttackSettings::chosen_methods() const {
  std::vector<AttackMethod> chosen;
  for (const std::string& name : methods) chosen.push_back(parse_attack_method(name));
  return chosen;
}

std::uint64_t AttackSettings::largest_budget() const {
  return static_cast<std::uint64_t>(std::ranges::max(flips));
}

void bind(Binder& b, AttackSettings& s) {
  b.value("methods", s.methods, "progressive, gradient, random");
  b.value("flips", s.flips, "budgets: bits that an attack may flip, ascending");
  b.value("restarts", s.restarts, "of gradient and random", between(1, 100000));
  b.value("images", s.images, "the first so many, on which bits are chosen", at_least(1));
  b.value("test_images", s.test_images, "the first so many, on which damage is measured; 0: all");
  b.value("exposed", s.exposed, "weights that can be attacked: NAME[:BITS]; none: all");
  b.value("seed", s.seed, "of all draws");
  b.value("candidates", s.candidates, "progressive: bits a layer to try before one is flipped",
          between(1, 1e6));
  b.value("steps", s.steps, "gradient: of an ascent", between(1, 100000));
  b.value("step_size", s.step_size, "gradient: of the weight that moves most, in half ranges",
          between(1e-6, 1e3));
  b.value("momentum", s.momentum, "gradient: share of the last step that is kept", between(0, 1));
  b.value("threads", s.threads, "0: all processors", between(0, 1024));
}

void check_settings(const AttackSettings& settings) {
  std::vector<AttackMethod> methods = settings.chosen_methods();
  if (methods.empty()) fail("methods: none; name one or more of progressive, gradient, random");
  std::ranges::sort(methods);
  const auto twice = std::ranges::adjacent_find(methods);
  if (twice != methods.end()) fail("methods: {} stands twice", to_string(*twice));
  if (settings.flips.empty()) fail("flips: no budget; name one or more, as in 1,10,100");
  int last = 0;
  for (const int budget : settings.flips) {
    if (budget < 1) fail("flips: {} bits; a budget is 1 or more", budget);
    if (budget <= last) fail("flips: {} does not ascend from {}", budget, last);
    last = budget;
  }
  if (settings.restarts < 1) fail("restarts: {}; 1 or more are needed", settings.restarts);
  if (settings.images < 1) fail("images: bits are chosen on 1 or more");
}

std::string attack_settings_text(AttackSettings settings) {
  settings.threads = 0;
  return config_json([&](Binder& b) { bind(b, settings); });
}

}  // namespace flatenn
