// What doctor asks libtorch, and which BLAS library computes below it.
#pragma once

#include <string>
#include <string_view>

namespace flatenn::cli {

std::string torch_version();
/// Threads that one operation of libtorch may use.
int torch_threads();

enum class Blas { none, reference, openblas_pthread, openblas_openmp, openblas_serial, other };

struct BlasInfo {
  Blas kind = Blas::none;
  std::string path;  ///< of the library
};

/// Finds the BLAS library among the files of a process's memory map (/proc/self/maps). An optimised
/// library counts before the reference one, which other libraries may have loaded beside it.
BlasInfo find_blas(std::string_view memory_map);

}  // namespace flatenn::cli
