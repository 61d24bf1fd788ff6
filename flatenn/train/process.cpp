#include "flatenn/train/process.h"

#include <ATen/Parallel.h>
#include <dlfcn.h>
#include <malloc.h>

#include <mutex>

namespace flatenn {

void prepare_process(int threads) {
  static std::mutex mutex;
  const std::lock_guard lock(mutex);
  at::set_num_threads(threads);
  // OpenBLAS's pthread build has threads of its own that libtorch does not limit.
  using SetThreads = void (*)(int);
  void* const symbol = dlsym(RTLD_DEFAULT, "openblas_set_num_threads");
  if (symbol != nullptr) reinterpret_cast<SetThreads>(symbol)(threads);
#ifdef __GLIBC__
  mallopt(M_MMAP_THRESHOLD, 32 << 20);  // the highest that glibc takes
  mallopt(M_TRIM_THRESHOLD, 256 << 20);
#endif
}

}  // namespace flatenn
