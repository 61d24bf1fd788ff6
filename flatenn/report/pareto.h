// Pareto: who is beaten by nobody, where several criteria count and none may be traded for another.
#pragma once

#include <span>
#include <vector>

namespace flatenn {

/// Which way a criterion is better.
enum class Better { higher, lower };

/// Whether `a` is at least as good as `b` in every criterion and better in one. Preconditions: a
/// finite value a criterion each.
bool dominates(std::span<const double> a, std::span<const double> b,
               std::span<const Better> better);

/// Of each point, whether no other one dominates it. Equal points stand or fall together. Takes
/// O(n^2) comparisons. Preconditions: as of dominates.
std::vector<bool> pareto_front(const std::vector<std::vector<double>>& points,
                               const std::vector<Better>& better);

}  // namespace flatenn
