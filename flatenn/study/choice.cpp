#include "flatenn/study/choice.h"

#include <optional>

#include "flatenn/base/error.h"

namespace flatenn {

std::size_t reference_arm(std::span<const ArmAccuracies> arms) {
  FLATENN_ASSERT(!arms.empty());
  for (std::size_t i = 0; i < arms.size(); ++i) {
    if (!arms[i].variant && !arms[i].sparse && arms[i].metric.empty()) return i;
  }
  return 0;
}

std::size_t choose_cell(std::span<const CellAccuracies> cells, double chance, double margin) {
  FLATENN_ASSERT(!cells.empty());
  std::optional<std::size_t> worst;
  std::size_t mildest = 0;
  double worst_drop = 0, mildest_drop = 0;
  for (std::size_t i = 0; i < cells.size(); ++i) {
    const ArmAccuracies& arm = cells[i].arms[reference_arm(cells[i].arms)];
    const double accuracy = seed_averaged(arm).mean;
    const double drop = Accumulator(arm.clean).mean() - accuracy;
    if (i == 0 || drop < mildest_drop) {
      mildest = i;
      mildest_drop = drop;
    }
    if (accuracy >= chance + margin && (!worst || drop > worst_drop)) {
      worst = i;
      worst_drop = drop;
    }
  }
  return worst.value_or(mildest);
}

}  // namespace flatenn
