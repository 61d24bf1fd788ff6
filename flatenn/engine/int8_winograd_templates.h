// The loops of int8_winograd.h over a policy S (int8_kernel_templates.h) of 16 lanes, included like
// it. S also has add_bytes, sub_bytes, set_bytes, sub and shift_right.
#pragma once

#include "flatenn/engine/int8_kernel_templates.h"

namespace flatenn::int8 {
namespace {

/// Column x of a patch, B^T from the left.
template <class S>
inline __attribute__((always_inline)) void transform_column(const std::uint8_t* in,
                                                            std::int32_t row_bytes, int x,
                                                            typename S::Int (&row)[4][4]) {
  typename S::Int d[4];
#pragma GCC unroll 4
  for (int y = 0; y < 4; ++y) d[y] = S::load_cell(in + y * row_bytes + x * cell_bytes);
  row[0][x] = S::sub_bytes(d[0], d[2]);
  row[1][x] = S::add_bytes(d[1], d[2]);
  row[2][x] = S::sub_bytes(d[2], d[1]);
  row[3][x] = S::sub_bytes(d[1], d[3]);
}

/// The transformed patches of T tiles: entries x groups x T cells.
template <class S, int T>
void transform_patches(const WinogradArgs& a, int first) {
  const typename S::Int lift = S::set_bytes(a.lift);
  const std::ptrdiff_t entry = static_cast<std::ptrdiff_t>(a.groups) * T * cell_bytes;
  for (int g = 0; g < a.groups; ++g) {
    typename S::Int row[4][4];
#pragma GCC unroll 16
    for (int t = 0; t < T; ++t) {
      const std::int32_t* const patch = a.patches + first + t;
      const std::uint8_t* const in = a.layer.in + g * a.group_bytes + *patch;
      if (t > 0 && patch[0] - patch[-1] == 2 * cell_bytes) {
        // The right neighbour begins with the last two columns.
#pragma GCC unroll 4
        for (int y = 0; y < 4; ++y) {
          row[y][0] = row[y][2];
          row[y][1] = row[y][3];
        }
      } else {
        transform_column<S>(in, a.row_bytes, 0, row);
        transform_column<S>(in, a.row_bytes, 1, row);
      }
      transform_column<S>(in, a.row_bytes, 2, row);
      transform_column<S>(in, a.row_bytes, 3, row);
      std::uint8_t* out = a.inputs + (static_cast<std::ptrdiff_t>(g) * T + t) * cell_bytes;
#pragma GCC unroll 4
      for (int y = 0; y < 4; ++y, out += 4 * entry) {
        const typename S::Int(&r)[4] = row[y];
        const typename S::Int sum = S::add_bytes(r[1], r[2]);
        S::store(out, S::add_bytes(S::sub_bytes(r[0], r[2]), lift));
        S::store(out + entry, y == 1 ? sum : S::add_bytes(sum, lift));
        S::store(out + 2 * entry, S::add_bytes(S::sub_bytes(r[2], r[1]), lift));
        S::store(out + 3 * entry, S::add_bytes(S::sub_bytes(r[1], r[3]), lift));
      }
    }
  }
}

/// The sums of all entries for F channels and T tiles: T x F x entries vectors.
template <class S, int F, int T>
void multiply_entries(const WinogradArgs& a, int block) {
  const int groups = a.groups;
  const std::uint8_t* in = a.inputs;
  const std::int8_t* weights = a.layer.weights + static_cast<std::ptrdiff_t>(block) *
                                                     winograd_entries * groups * F *
                                                     channels_per_cell;
  const std::int32_t* start = a.layer.bias + block * winograd_entries * F;
  std::int32_t* sums = a.sums;
  for (int e = 0; e < winograd_entries; ++e, start += F, sums += images_per_block) {
    typename S::Int acc[T][F];
#pragma GCC unroll 16
    for (int f = 0; f < F; ++f) {
#pragma GCC unroll 16
      for (int t = 0; t < T; ++t) acc[t][f] = S::set_int(start[f]);
    }
#pragma GCC unroll 4
    for (int g = 0; g < groups; ++g) {
      typename S::Bytes x[T];
#pragma GCC unroll 16
      for (int t = 0; t < T; ++t) x[t] = S::load(in + t * cell_bytes);
#pragma GCC unroll 16
      for (int f = 0; f < F; ++f) {
        const typename S::Weight w = S::weight(weights + f * channels_per_cell);
#pragma GCC unroll 16
        for (int t = 0; t < T; ++t) acc[t][f] = S::dot(acc[t][f], x[t], w);
      }
      in += T * cell_bytes;
      weights += F * channels_per_cell;
    }
#pragma GCC unroll 16
    for (int t = 0; t < T; ++t) {
#pragma GCC unroll 16
      for (int f = 0; f < F; ++f) {
        S::store(sums + (t * F + f) * winograd_entries * images_per_block, acc[t][f]);
      }
    }
  }
}

/// The convolution's sums of F channels at the four positions of a tile, and their affine.
template <class S, int F>
void finish_tile(const WinogradArgs& a, int block, int tile, const std::int32_t* sums) {
  typename S::Int y[4][F];
#pragma GCC unroll 16
  for (int f = 0; f < F; ++f, sums += winograd_entries * images_per_block) {
    typename S::Int top[4], bottom[4];
#pragma GCC unroll 4
    for (int x = 0; x < 4; ++x) {
      typename S::Int m[4];
#pragma GCC unroll 4
      for (int i = 0; i < 4; ++i) m[i] = S::load_int(sums + (4 * i + x) * images_per_block);
      top[x] = S::add(S::add(m[0], m[1]), m[2]);
      bottom[x] = S::sub(S::sub(m[1], m[2]), m[3]);
    }
    y[0][f] = S::template shift_right<2>(S::add(S::add(top[0], top[1]), top[2]));
    y[1][f] = S::template shift_right<2>(S::sub(S::sub(top[1], top[2]), top[3]));
    y[2][f] = S::template shift_right<2>(S::add(S::add(bottom[0], bottom[1]), bottom[2]));
    y[3][f] = S::template shift_right<2>(S::sub(S::sub(bottom[1], bottom[2]), bottom[3]));
  }
  const int position = a.positions[tile];
  finish<S, F>(a.layer, block, position, 0, y[0]);
  finish<S, F>(a.layer, block, position + 1, 0, y[1]);
  finish<S, F>(a.layer, block, position + a.width, 0, y[2]);
  finish<S, F>(a.layer, block, position + a.width + 1, 0, y[3]);
}

/// Precondition: a.tiles >= T.
template <class S, int F, int T>
void run_winograd(const WinogradArgs& a) {
  static_assert(S::lanes == images_per_block);
  for (int n = 0; n < a.tiles; n += T) {
    // The last tiles reach back over some already done; they get the same codes again.
    const int first = n + T <= a.tiles ? n : a.tiles - T;
    transform_patches<S, T>(a, first);
    for (int block = 0; block < a.layer.blocks; ++block) {
      multiply_entries<S, F, T>(a, block);
      for (int t = 0; t < T; ++t) {
        finish_tile<S, F>(a, block, first + t,
                          a.sums + t * F * winograd_entries * images_per_block);
      }
    }
  }
}

template <class S, int F, int T>
constexpr WinogradTile make_winograd_tile() {
  return {F, T, run_winograd<S, F, T>};
}

}  // namespace
}  // namespace flatenn::int8
