// Puts six weights of 4 bits into a memory, lets each cell stick at 1 with probability 1/4,
// and undoes it.
//
// Expected output:
//   stored: 0 0.5 -0.5 1.5 -4 3.5
//   7 of 24 cells are stuck at 1, 4 of them changed
//     address 0: linear1.weight[0] bit 0
//     address 5: linear1.weight[1] bit 1
//     address 6: linear1.weight[1] bit 2
//     address 15: linear1.weight[3] bit 3
//   read: 0.5 3.5 -0.5 -2.5 -4 3.5
//   undone: 0 0.5 -0.5 1.5 -4 3.5
//   exactly as before
#include <fmt/format.h>

#include <string>
#include <vector>

#include "flatenn/memory/fault_map.h"
#include "flatenn/memory/memory_image.h"

namespace {

flatenn::Model six_weights() {
  flatenn::WeightTensor weights;
  weights.name = "linear1.weight";
  weights.shape = {2, 3};
  weights.format = {.bits = 4, .encoding = flatenn::Encoding::twos_complement};
  weights.scale = 0.5f;
  weights.codes = {0, 1, -1, 3, -8, 7};
  flatenn::Model model;
  model.weights = {weights};
  return model;
}

void print_weights(const char* title, const flatenn::MemoryImage& memory, float scale) {
  fmt::print("{}:", title);
  for (std::uint64_t i = 0; i < memory.tensors()[0].elements; ++i) {
    fmt::print(" {}", flatenn::dequantize(memory.code(0, i), scale, 0));
  }
  fmt::print("\n");
}

}  // namespace

int main() {
  const flatenn::Model model = six_weights();
  flatenn::MemoryImage memory(model);
  const std::string clean = memory.hash();
  const float scale = model.weights[0].scale;
  print_weights("stored", memory, scale);

  std::vector<flatenn::Fault> faults;
  flatenn::draw_fault_map(/*seed=*/1, /*map=*/0, memory.bits(), /*rate=*/0.25, faults);
  flatenn::AppliedFaults applied;
  memory.apply(faults, flatenn::FaultKind::stuck1, memory.expose_all(), applied);

  fmt::print("{} of {} cells are stuck at 1, {} of them changed\n", applied.faulty_bits,
             memory.bits(), applied.changed.size());
  for (const std::uint64_t address : applied.changed) {
    const flatenn::Cell cell = memory.cell(address);
    fmt::print("  address {}: {}[{}] bit {}\n", address, memory.tensors()[cell.tensor].name,
               cell.element, cell.bit);
  }
  print_weights("read", memory, scale);

  memory.undo(applied);
  print_weights("undone", memory, scale);
  fmt::print("{}\n", memory.hash() == clean ? "exactly as before" : "not as before");
}
