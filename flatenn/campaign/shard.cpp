#include "flatenn/campaign/shard.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <string>

#include "flatenn/base/error.h"

namespace flatenn {
namespace {

constexpr int kMostParts = 1'000'000;

std::optional<int> parse_count(std::string_view text) {
  int value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  if (value < 0 || value > kMostParts) return std::nullopt;
  return value;
}

/// The environment, read as numbers.
class Variables {
 public:
  explicit Variables(const std::function<const char*(const char*)>& get) : get_(get) {}

  bool has(const char* name) const { return get_(name) != nullptr; }
  int number(const char* name) const {
    const std::string_view text = get_(name);
    const std::optional<int> value = parse_count(text);
    if (!value) fail("environment variable {}: '{}' is not a number from 0 on", name, text);
    return *value;
  }
  int number_or(const char* name, int otherwise) const {
    return has(name) ? number(name) : otherwise;
  }

 private:
  const std::function<const char*(const char*)>& get_;
};

/// Where a launcher says which process this is.
struct Launcher {
  const char *rank, *size, *neighbours;
};

/// srun is told from a mere batch script by the size of the step: the script has a rank, too.
constexpr Launcher kLaunchers[] = {
    {"RANK", "WORLD_SIZE", "LOCAL_WORLD_SIZE"},
    {"OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE", "OMPI_COMM_WORLD_LOCAL_SIZE"},
    {"PMI_RANK", "PMI_SIZE", "MPI_LOCALNRANKS"},
    {"SLURM_PROCID", "SLURM_STEP_NUM_TASKS", nullptr},
};

Shard process_of_job(const Variables& variables) {
  for (const Launcher& launcher : kLaunchers) {
    if (!variables.has(launcher.rank) || !variables.has(launcher.size)) continue;
    Shard shard{variables.number(launcher.rank), variables.number(launcher.size), 1};
    if (shard.index >= shard.count) {
      fail("environment variables {} = {} and {} = {}: ranks count from 0", launcher.rank,
           shard.index, launcher.size, shard.count);
    }
    if (launcher.neighbours != nullptr) {
      shard.neighbours = std::max(1, variables.number_or(launcher.neighbours, 1));
    }
    return shard;
  }
  return {};
}

/// The task of a Slurm job array.
Shard task_of_array(const Variables& variables) {
  if (!variables.has("SLURM_ARRAY_TASK_ID")) return {};
  const int id = variables.number("SLURM_ARRAY_TASK_ID");
  const int first = variables.number_or("SLURM_ARRAY_TASK_MIN", 0);
  const int last = variables.number_or("SLURM_ARRAY_TASK_MAX", id);
  const int step = std::max(1, variables.number_or("SLURM_ARRAY_TASK_STEP", 1));
  const int count = (last - first) / step + 1;
  // A list such as 1,3,7, or some tasks of an array started again, does not tell how many parts
  // there are in all.
  if (id < first || id > last || variables.number_or("SLURM_ARRAY_TASK_COUNT", count) != count) {
    fail("the Slurm array has gaps, so its tasks cannot be numbered; give --shard INDEX/COUNT");
  }
  return {(id - first) / step, count, 1};
}

}  // namespace

Shard parse_shard(std::string_view text) {
  const std::size_t slash = text.find('/');
  if (slash != std::string_view::npos) {
    const auto index = parse_count(text.substr(0, slash));
    const auto count = parse_count(text.substr(slash + 1));
    if (index && count && *index < *count) return {*index, *count, 1};
  }
  fail("'{}' is not a part of a campaign; the parts of four are 0/4, 1/4, 2/4 and 3/4", text);
}

Shard launched_shard(const std::function<const char*(const char*)>& variable) {
  const Variables variables(variable);
  const Shard process = process_of_job(variables);
  const Shard task = task_of_array(variables);
  return {task.index * process.count + process.index, task.count * process.count,
          process.neighbours};
}

std::filesystem::path shard_path(const std::filesystem::path& path, const Shard& shard) {
  if (shard.whole()) return path;
  std::filesystem::path part = path;
  part.replace_filename(fmt::format("{}.part-{}-of-{}{}", path.stem().string(), shard.index,
                                    shard.count, path.extension().string()));
  return part;
}

}  // namespace flatenn
