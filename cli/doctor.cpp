// flatenn doctor: what this machine offers, and what would help.
#include <fmt/format.h>
#include <sqlite3.h>

#include <filesystem>
#include <fstream>
#include <memory>
#include <nlohmann/json.hpp>
#include <sstream>
#include <thread>

#include "cli/commands.h"
#include "cli/doctor_torch.h"
#include "flatenn/base/error.h"
#include "flatenn/data/dataset.h"
#include "flatenn/engine/int8_evaluator.h"
#include "flatenn/report/table.h"

namespace flatenn::cli {
namespace {

/// One line of the report. `advice` is empty when all is well.
struct Finding {
  std::string subject;
  std::string detail;
  std::string advice;
};

std::string slurp(const char* path) {
  std::ifstream file(path);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

Finding versions() {
  return {"versions",
          fmt::format("flatenn {}, libtorch {}, SQLite {}, compiler {}", FLATENN_VERSION,
                      torch_version(), sqlite3_libversion(), __VERSION__),
          ""};
}

std::string processor_name() {
  std::istringstream lines(slurp("/proc/cpuinfo"));
  for (std::string line; std::getline(lines, line);) {
    const std::size_t colon = line.find(": ");
    if (line.starts_with("model name") && colon != line.npos) return line.substr(colon + 2);
  }
  return "unknown";
}

std::string processor_features() {
  std::vector<std::string> features;
#if defined(__x86_64__)
  __builtin_cpu_init();
  if (__builtin_cpu_supports("avx2")) features.emplace_back("avx2");
  if (__builtin_cpu_supports("avx512f")) features.emplace_back("avx512f");
  if (__builtin_cpu_supports("avx512vnni")) features.emplace_back("avx512_vnni");
  if (__builtin_cpu_supports("avx512bf16")) features.emplace_back("avx512_bf16");
#endif
  return features.empty() ? "none that matter here" : fmt::format("{}", fmt::join(features, " "));
}

Finding processor() {
  return {"processor",
          fmt::format("{}, {} threads, {}", processor_name(), std::thread::hardware_concurrency(),
                      processor_features()),
          ""};
}

Finding integer_path() {
  const Int8Path path = detect_int8_path();
  const char* advice = path == Int8Path::portable
                           ? "campaigns run several times faster on a processor with AVX2 or "
                             "AVX-512 VNNI"
                           : "";
  return {"int8 path", std::string(to_string(path)), advice};
}

Finding blas() {
  const BlasInfo info = find_blas(slurp("/proc/self/maps"));
  const std::string openmp = "apt-get install libopenblas0-openmp";
  switch (info.kind) {
    case Blas::reference:
      return {"BLAS", "reference BLAS, " + info.path,
              "training is about 15 times slower than with OpenBLAS: " + openmp};
    case Blas::openblas_pthread:
      return {"BLAS", "OpenBLAS with threads of its own, " + info.path,
              "the OpenMP build shares libtorch's threads and is faster on several: " + openmp};
    case Blas::openblas_openmp:
      return {"BLAS", "OpenBLAS with OpenMP, " + info.path, ""};
    case Blas::openblas_serial:
      return {"BLAS", "OpenBLAS, one thread, " + info.path, ""};
    case Blas::other:
      return {"BLAS", info.path, ""};
    case Blas::none:
      return {"BLAS", "none found beside libtorch (it may contain one)", ""};
  }
  return {"BLAS", "unknown", ""};
}

Finding threads() {
  const char* openmp = std::getenv("OMP_NUM_THREADS");
  return {"threads",
          fmt::format("{} processors, libtorch uses {} an operation, OMP_NUM_THREADS {}",
                      std::thread::hardware_concurrency(), torch_threads(),
                      openmp == nullptr ? "not set" : openmp),
          ""};
}

Finding dataset(const std::string& name) {
  try {
    const Dataset data = load_dataset(name, Split::test);
    return {"data " + name,
            fmt::format("{} test images of {}x{}x{}, {} classes", data.size(), data.channels,
                        data.height, data.width, data.classes),
            ""};
  } catch (const Error& error) {
    return {"data " + name, "not found", error.what()};
  }
}

Finding disk() {
  std::error_code error;
  const auto space = std::filesystem::space(std::filesystem::current_path(), error);
  if (error) return {"disk", "unknown: " + error.message(), ""};
  constexpr double kGibibyte = 1 << 30;
  const double free = static_cast<double>(space.available) / kGibibyte;
  return {"disk", fmt::format("{:.1f} GiB free here", free),
          free < 1 ? "less than 1 GiB is left for checkpoints, models and results" : ""};
}

std::vector<Finding> examine() {
  std::vector<Finding> findings = {versions(), processor(), integer_path(), blas(), threads()};
  for (const std::string& name : dataset_names()) findings.push_back(dataset(name));
  findings.push_back(disk());
  return findings;
}

std::string text(const std::vector<Finding>& findings) {
  Table table{{"what", "found"}, {}};
  std::string advice;
  for (const Finding& finding : findings) {
    table.rows.push_back({finding.subject, finding.detail});
    if (!finding.advice.empty())
      advice += fmt::format("  {}: {}\n", finding.subject, finding.advice);
  }
  return aligned_text(table) + (advice.empty() ? "\nNothing to do.\n" : "\nAdvice:\n" + advice);
}

nlohmann::json as_json(const std::vector<Finding>& findings) {
  nlohmann::json list = nlohmann::json::array();
  for (const Finding& finding : findings) {
    list.push_back(
        {{"what", finding.subject}, {"found", finding.detail}, {"advice", finding.advice}});
  }
  return {{"findings", list}};
}

}  // namespace

void add_doctor(CLI::App& app, Session& session) {
  add_command(app, session, "doctor",
              "Versions, processor, BLAS, data sets, disk; says what to install", "flatenn doctor",
              [&session] {
                const std::vector<Finding> findings = examine();
                session.json ? print_json(as_json(findings)) : print(text(findings));
              });
}

}  // namespace flatenn::cli
