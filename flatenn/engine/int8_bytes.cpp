#include "flatenn/engine/int8_bytes.h"

#include <algorithm>
#include <new>

#include "flatenn/engine/int8_kernels.h"

namespace flatenn::int8 {

AlignedBytes::AlignedBytes(std::size_t size)
    : bytes_(static_cast<std::uint8_t*>(
          ::operator new[](std::max<std::size_t>(size, 1), std::align_val_t{cell_bytes}))) {}

void AlignedBytes::Free::operator()(std::uint8_t* p) const {
  ::operator delete[](p, std::align_val_t{cell_bytes});
}

}  // namespace flatenn::int8
