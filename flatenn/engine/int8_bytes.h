// Memory for full vector loads.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

namespace flatenn::int8 {

/// `size` bytes at a multiple of the cell size, left uninitialised.
class AlignedBytes {
 public:
  AlignedBytes() = default;
  explicit AlignedBytes(std::size_t size);
  std::uint8_t* data() const { return bytes_.get(); }

 private:
  struct Free {
    void operator()(std::uint8_t* p) const;
  };
  std::unique_ptr<std::uint8_t[], Free> bytes_;
};

}  // namespace flatenn::int8
