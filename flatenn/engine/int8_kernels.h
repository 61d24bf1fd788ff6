// The inner loops of Int8Evaluator, one set an instruction set, all giving the same bits.
//
// A *cell* is 64 bytes: 16 images x 4 channels, one pixel of a group of channels. Every layer is
// the same gather of cells: at each output position, step k multiplies the cell at in +
// in_offsets[position] + step_offsets[k] by four weights of every output channel. Kernel size,
// stride, padding and layout live in the offsets alone; a linear layer is a convolution with one
// position.
#pragma once

#include <cstddef>
#include <cstdint>

namespace flatenn::int8 {

inline constexpr int images_per_block = 16;
inline constexpr int cell_bytes = 64;
inline constexpr int winograd_entries = 16;

/// Where results go: codes into a buffer of cells, or values as they are.
struct Sink {
  float low = 0, high = 0;       ///< clip range of the codes
  std::uint32_t zero_point = 0;  ///< of the stored byte: code + zero_point, four times
  std::uint8_t* out = nullptr;
  const std::int32_t* offsets = nullptr;  ///< of each output position, bytes
  std::ptrdiff_t group_stride = 0;        ///< bytes from a group of four channels to the next
  int channels = 0;                       ///< channels that exist; more may be computed
  float* values = nullptr;                ///< channels x value_positions x 16 when not null
  int value_positions = 1;
};

/// A residual addition right behind a layer: its values become codes as if they were stored, and
/// these are added to the codes of the other tensor.
struct Residual {
  const std::uint8_t* in = nullptr;       ///< the other tensor's cells; null: no addition
  const std::int32_t* offsets = nullptr;  ///< of each position, bytes
  std::ptrdiff_t group_stride = 0;
  std::int32_t zero_point = 0;
  float low = 0, high = 0;   ///< clip range of the layer's own codes
  float multiplier[2] = {};  ///< of the layer's own and of the other codes
};

/// One conv2d or linear layer over one block of images.
struct LayerArgs {
  const std::uint8_t* in = nullptr;
  const std::int32_t* in_offsets = nullptr;  ///< one a position; four a position when pooled
  const std::int32_t* step_offsets = nullptr;
  int steps = 0;
  int positions = 0;                     ///< of the output
  int positions_at_once = 0;             ///< all channels of these before the next ones
  int blocks = 0;                        ///< blocks of Tile::channels output channels
  const std::int8_t* weights = nullptr;  ///< blocks x steps x channels x 4
  const std::int32_t* bias = nullptr;    ///< what sums start from
  const float* multiplier = nullptr;
  const float* addend = nullptr;
  const float* window_multiplier = nullptr;  ///< or null
  const std::int32_t* window = nullptr;      ///< positions x 16 sums of input codes, or null
  Residual residual;                         ///< not in pooled tiles
  Sink sink;
};

/// A 3x3 convolution of stride 1 in tiles of 2x2 positions (int8_winograd.h). Of `layer`,
/// in_offsets and step_offsets are not used; its weights are blocks x groups x entries x channels x
/// 4 bytes, its bias blocks x entries x channels.
struct WinogradArgs {
  LayerArgs layer;
  const std::int32_t* patches = nullptr;    ///< one a tile
  const std::int32_t* positions = nullptr;  ///< one a tile
  int tiles = 0, width = 0, groups = 0, lift = 0;
  std::int32_t row_bytes = 0;
  std::int32_t group_bytes = 0;
  std::uint8_t* inputs = nullptr;  ///< room for entries x groups x tiles at once, cells
  std::int32_t* sums = nullptr;  ///< room for two blocks x tiles at once x channels x entries x 16
};

/// So many output channels times so many tiles at once.
struct WinogradTile {
  int channels = 0;  ///< 0: the instruction set does without it
  int tiles = 0;
  void (*run)(const WinogradArgs&) = nullptr;
};

/// A register blocking: so many output channels times so many positions of the convolution.
struct Tile {
  int channels = 0;  ///< 0: the instruction set does without it
  int positions = 0;
  void (*run)(const LayerArgs&) = nullptr;
  /// The same for input bytes up to 127, where an instruction set can be faster.
  void (*run_low)(const LayerArgs&) = nullptr;
};

/// Sums of the input over the window of each position: step_masks holds 0 or 1 a byte.
struct WindowArgs {
  const std::uint8_t* in = nullptr;
  const std::int32_t* in_offsets = nullptr;
  const std::int32_t* step_offsets = nullptr;
  const std::int8_t* step_masks = nullptr;
  int steps = 0, positions = 0;
  std::int32_t start = 0;
  std::int32_t* sums = nullptr;  ///< positions x 16
};

/// Max or average pooling.
struct PoolArgs {
  const std::uint8_t* in = nullptr;
  std::ptrdiff_t in_group_stride = 0;
  const std::int32_t* in_offsets = nullptr;
  const std::int32_t* step_offsets = nullptr;
  int steps = 0, positions = 0, groups = 0;
  std::int32_t start = 0;             ///< average: what sums start from
  const float* multiplier = nullptr;  ///< average: one a channel
  const float* addend = nullptr;      ///< average: one a channel, or null
  Sink sink;
};

/// Residual addition of two tensors of codes.
struct AddArgs {
  const std::uint8_t* in[2] = {};
  std::ptrdiff_t in_group_stride[2] = {};
  const std::int32_t* in_offsets[2] = {};
  std::int32_t zero_point[2] = {};
  float multiplier[2] = {};
  int positions = 0, groups = 0;
  Sink sink;
};

/// Group normalization of a layer's values.
struct GroupNormArgs {
  const float* values = nullptr;  ///< channels x positions x 16
  float* statistics = nullptr;    ///< room for groups x 2 x 16: means and gains
  int channels = 0, groups = 0, positions = 0;
  double epsilon = 0;
  const float* multiplier = nullptr;  ///< one a channel
  const float* addend = nullptr;      ///< one a channel
  Sink sink;
};

/// In a group of two channels, lanes 2 and 3 of every cell become lanes 0 and 1 of the next cell,
/// so that a convolution meets two pixels a step.
struct TwinArgs {
  std::uint8_t* cells = nullptr;
  int count = 0;  ///< the last cell keeps its lanes 2 and 3
};

struct Kernels {
  Tile many;    ///< layers with many positions
  Tile single;  ///< linear layers
  Tile pooled;  ///< fused with 2x2 max pooling: four positions of the convolution, one of output
  Tile pooled_six;  ///< the same for layers of six channels
  WinogradTile winograd;
  void (*window)(const WindowArgs&) = nullptr;
  void (*max_pool)(const PoolArgs&) = nullptr;
  void (*average)(const PoolArgs&) = nullptr;
  void (*add)(const AddArgs&) = nullptr;
  void (*twin)(const TwinArgs&) = nullptr;
  void (*group_norm)(const GroupNormArgs&) = nullptr;
};

/// Null where the compiler or the processor lacks the instructions.
const Kernels* avx512_vnni_kernels();
const Kernels* avx2_kernels();
const Kernels* portable_kernels();

}  // namespace flatenn::int8
