// MemoryParts: which of a network's memories faults can reach.
//
//   weights      the codes of every conv2d and linear node; words of the tensor's format
//   biases       what is added per channel (NodeAffine::addend); 16 bits, two's complement
//   activations  the buffer that an activation or quantize node fills anew for every image; words
//                of the node's bits, unsigned or two's complement
#pragma once

#include <string>
#include <string_view>

namespace flatenn {

/// In the order of their addresses.
enum class MemoryPart { weights, biases, activations };
std::string_view to_string(MemoryPart part);

/// A choice of parts; weights alone unless said otherwise.
struct MemoryParts {
  bool weights = true;
  bool biases = false;
  bool activations = false;

  bool has(MemoryPart part) const;
  /// At least one.
  bool any() const { return weights || biases || activations; }
  bool operator==(const MemoryParts&) const = default;
};

/// One way of writing each choice, for keys of stored results: "" for weights alone, otherwise the
/// names in memory order: "biases", "weights,activations". Precondition: parts.any().
std::string to_string(const MemoryParts& parts);

/// "biases", "weights,biases,activations", in any order; "" is weights. Throws Error with the known
/// names.
MemoryParts parse_memory_parts(std::string_view text);

}  // namespace flatenn
