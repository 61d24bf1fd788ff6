// Settings of an attack: how many stored bits may be flipped, and how they are looked for.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "flatenn/config/bind.h"

namespace flatenn {

/// How the bits to flip are chosen; attack_search.h says what each does.
enum class AttackMethod {
  progressive,  ///< one bit after the other, each the best of many by trial
  gradient,     ///< all bits at once, by projected gradient ascent
  random,       ///< by chance: what the two others are compared with
};
std::string_view to_string(AttackMethod method);
/// Throws Error with the closest name, or all known ones.
AttackMethod parse_attack_method(std::string_view name);

struct AttackSettings {
  std::vector<std::string> methods = {"progressive", "gradient", "random"};
  /// Budgets: an attack flips at most so many bits.
  std::vector<int> flips = {1, 2, 5, 10, 20, 40, 80, 160, 320};
  int restarts = 5;                  ///< of gradient and random, each with draws of its own
  std::uint64_t images = 256;        ///< the first n, on which the bits are chosen
  std::uint64_t test_images = 0;     ///< the first n, on which the damage is measured; 0: all
  std::vector<std::string> exposed;  ///< patterns of attackable weights (exposure.h); empty: all
  std::uint64_t seed = 0;            ///< of all draws

  int candidates = 1;  ///< progressive: bits a layer that are tried before one is flipped

  int steps = 40;          ///< gradient: of an ascent
  double step_size = 0.5;  ///< gradient: of the weight that moves most, in halves of its range
  double momentum = 0.5;   ///< gradient

  /// Does not belong to what the results depend on.
  int threads = 0;  ///< 0: all processors

  std::vector<AttackMethod> chosen_methods() const;
  std::uint64_t largest_budget() const;
};
void bind(Binder& binder, AttackSettings& settings);

/// Throws Error for no or repeated methods, unknown ones, no budgets, budgets that are not above 0
/// or do not ascend.
void check_settings(const AttackSettings& settings);

/// What results depend on, as JSON: without `threads`.
std::string attack_settings_text(AttackSettings settings);

}  // namespace flatenn
