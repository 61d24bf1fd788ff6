#include "flatenn/stats/variance_split.h"

#include <algorithm>
#include <limits>

#include "flatenn/base/error.h"

namespace flatenn {
namespace {

using Wide = __int128;  // squares of a total below 2^62

struct Sums {
  Wide total = 0, squares = 0;
};

Sums checked_sums(std::span<const std::uint64_t> totals, std::uint64_t most, const char* of,
                  const char* counted) {
  if (totals.size() < 2 || totals.size() >= std::uint64_t{1} << 31) {
    fail("a variance split needs between 2 and 2^31 - 1 {}s, not {}", of, totals.size());
  }
  Sums sums;
  for (std::size_t i = 0; i < totals.size(); ++i) {
    if (totals[i] > most) {
      fail("{} {} is right {} times, more than there are {}s ({})", of, i, totals[i], counted,
           most);
    }
    sums.total += totals[i];
    sums.squares += static_cast<Wide>(totals[i]) * totals[i];
  }
  return sums;
}

}  // namespace

VarianceSplit split_variance(std::span<const std::uint64_t> row_totals,
                             std::span<const std::uint64_t> column_totals) {
  const Sums rows = checked_sums(row_totals, column_totals.size(), "fault map", "image");
  const Sums columns = checked_sums(column_totals, row_totals.size(), "image", "fault map");
  if (rows.total != columns.total) {
    fail("the totals over fault maps sum to {}, those over images to {}; they count the same cells",
         static_cast<std::uint64_t>(rows.total), static_cast<std::uint64_t>(columns.total));
  }
  const Wide maps = static_cast<Wide>(row_totals.size());
  const Wide images = static_cast<Wide>(column_totals.size());
  const Wide square = rows.total * rows.total;
  // Sums of squares, times maps * images.
  const Wide between_maps = maps * rows.squares - square;
  const Wide between_images = images * columns.squares - square;
  const Wide within = maps * images * rows.total - square - between_maps - between_images;
  if (within < 0) fail("no right-or-wrong matrix has these totals over fault maps and images");

  const double r = static_cast<double>(maps), c = static_cast<double>(images);
  const double mean_square_map = static_cast<double>(between_maps) / (r * c) / (r - 1);
  const double mean_square_image = static_cast<double>(between_images) / (r * c) / (c - 1);
  VarianceSplit split;
  split.mean = static_cast<double>(rows.total) / (r * c);
  split.interaction = static_cast<double>(within) / (r * c) / ((r - 1) * (c - 1));
  split.map_clipped = mean_square_map < split.interaction;
  split.image_clipped = mean_square_image < split.interaction;
  split.map = std::max(0.0, (mean_square_map - split.interaction) / c);
  split.image = std::max(0.0, (mean_square_image - split.interaction) / r);
  split.accuracy_over_maps = split.map + split.interaction / c;
  split.share_of_maps = split.accuracy_over_maps > 0 ? split.map / split.accuracy_over_maps
                                                     : std::numeric_limits<double>::quiet_NaN();
  split.of_mean = split.map / r + split.image / c + split.interaction / (r * c);
  return split;
}

}  // namespace flatenn
