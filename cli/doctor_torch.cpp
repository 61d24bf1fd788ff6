#include "cli/doctor_torch.h"

#include <ATen/Parallel.h>
#include <torch/version.h>

namespace flatenn::cli {
namespace {

Blas classify(std::string_view path) {
  const auto has = [&](std::string_view part) { return path.find(part) != path.npos; };
  if (has("openblas-openmp") || has("libopenblaso")) return Blas::openblas_openmp;
  if (has("openblas-serial")) return Blas::openblas_serial;
  if (has("openblas")) return Blas::openblas_pthread;
  if (has("libmkl_core") || has("libblis") || has("libsatlas") || has("libtatlas")) {
    return Blas::other;
  }
  if (has("/libblas.so")) return Blas::reference;
  return Blas::none;
}

}  // namespace

std::string torch_version() { return TORCH_VERSION; }

int torch_threads() { return at::get_num_threads(); }

BlasInfo find_blas(std::string_view memory_map) {
  BlasInfo found;
  while (!memory_map.empty()) {
    const std::string_view line = memory_map.substr(0, memory_map.find('\n'));
    memory_map.remove_prefix(std::min(line.size() + 1, memory_map.size()));
    const std::size_t slash = line.find('/');
    if (slash == line.npos) continue;
    const std::string_view path = line.substr(slash);
    const Blas kind = classify(path);
    if (kind == Blas::none) continue;
    if (found.kind == Blas::none || found.kind == Blas::reference)
      found = {kind, std::string(path)};
  }
  return found;
}

}  // namespace flatenn::cli
