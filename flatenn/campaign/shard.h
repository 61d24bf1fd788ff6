// Shard: which part of a campaign this process works on.
//
// Parts are disjoint and need not talk: each has a store of its own, `flatenn store merge` unites
// them, and a part that died is started again. docs/scaling.md shows the commands.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string_view>

namespace flatenn {

/// Part `index` of `count`, from 0. {0, 1} is the whole.
struct Shard {
  int index = 0;
  int count = 1;
  int neighbours = 1;  ///< processes of this campaign on this machine, itself included

  bool whole() const { return count == 1; }
  /// Whether piece of work `number` belongs to this part: every count-th piece.
  bool owns(std::uint64_t number) const {
    return number % static_cast<std::uint64_t>(count) == static_cast<std::uint64_t>(index);
  }
  bool operator==(const Shard&) const = default;
};

/// "2/8": the third of eight. Throws Error.
Shard parse_shard(std::string_view text);

/// The part that a launcher gave this process; the whole when none did. Understands torchrun (RANK
/// of WORLD_SIZE), Open MPI, PMI (MPICH, Intel MPI), srun, and Slurm's job arrays, an array of
/// parallel jobs included. `variable` returns nullptr for what is not set (std::getenv). Throws
/// Error, naming the variable, for values that make no sense.
Shard launched_shard(const std::function<const char*(const char*)>& variable);

/// Where this part stores its trials: "faults.db" becomes "faults.part-2-of-8.db"; the whole keeps
/// the name.
std::filesystem::path shard_path(const std::filesystem::path& path, const Shard& shard);

}  // namespace flatenn
