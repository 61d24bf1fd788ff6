// For tests of memory images: fault maps, and what must hold whatever the image stores.
#pragma once

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <cstdint>
#include <vector>

#include "flatenn/memory/fault_map.h"
#include "flatenn/memory/memory_image.h"

namespace flatenn {

/// The faults of one map of seed 1.
inline std::vector<Fault> draw(std::uint64_t map, std::uint64_t bits, double rate) {
  std::vector<Fault> faults;
  draw_fault_map(1, map, bits, rate, faults);
  return faults;
}

inline FaultKind any_kind() {
  return *rc::gen::element(FaultKind::flip, FaultKind::stuck0, FaultKind::stuck1, FaultKind::stuck);
}

/// Applies and undoes `maps` maps after one that hits every bit: `storage(applied)`, the addresses
/// of buffers of AppliedFaults, must stay.
template <class Storage>
void expect_no_allocation_once_warm(MemoryImage& image, FaultKind kind, std::uint64_t maps,
                                    Storage&& storage) {
  const Exposure all = image.expose_all();
  AppliedFaults applied;
  image.apply(draw(0, image.bits(), 1), FaultKind::flip, all, applied);
  image.undo(applied);
  const auto warm = storage(applied);
  for (std::uint64_t map = 0; map < maps; ++map) {
    image.apply(draw(map, image.bits(), 0.4), kind, all, applied);
    image.undo(applied);
    EXPECT_EQ(storage(applied), warm) << "map " << map;
  }
}

}  // namespace flatenn
