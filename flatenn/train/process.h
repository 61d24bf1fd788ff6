// Process: what training settles for the whole process it runs in.
#pragma once

namespace flatenn {

/// Sets the number of threads of libtorch and BLAS for the calling thread, and lets the allocator
/// keep freed memory: a step asks for the same megabytes over and over, and handing them back to
/// the system each time costs more than the step itself. May be called from several threads; give
/// all of them the same number.
void prepare_process(int threads);

}  // namespace flatenn
