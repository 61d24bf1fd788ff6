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
  row[2][x] = S::sub_bytes(d[1], d[2]);
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
        const typename S::Int lifted = S::add_bytes(r[1], lift);
        S::store(out, S::sub_bytes(S::add_bytes(r[0], lift), r[2]));
        S::store(out + entry, S::add_bytes(y == 1 ? r[1] : lifted, r[2]));
        S::store(out + 2 * entry, S::sub_bytes(lifted, r[2]));
        S::store(out + 3 * entry, S::sub_bytes(lifted, r[3]));
      }
    }
  }
}

/// Where the transformed weights of a block begin.
template <int F>
const std::int8_t* block_weights(const WinogradArgs& a, int block) {
  return a.layer.weights +
         static_cast<std::ptrdiff_t>(block) * a.groups * winograd_entries * F * channels_per_cell;
}

/// The sums of all entries for two blocks of F channels and T tiles: 2 x T x F x entries vectors.
template <class S, int F, int T>
__attribute__((noinline)) void multiply_entries(const WinogradArgs& a, int block) {
  const int groups = a.groups;
  const std::uint8_t* in = a.inputs;
  const std::int32_t* start = a.layer.bias + block * winograd_entries * F;
  std::int32_t* sums = a.sums;
  for (int e = 0; e < winograd_entries; ++e, start += F, sums += images_per_block) {
    const std::int8_t* weights[2] = {block_weights<F>(a, block) + e * F * channels_per_cell,
                                     block_weights<F>(a, block + 1) + e * F * channels_per_cell};
    typename S::Int acc[2][T][F];
#pragma GCC unroll 16
    for (int i = 0; i < 2 * T * F; ++i) {
      acc[i / F / T][i / F % T][i % F] =
          S::set_int(start[i / F / T * winograd_entries * F + i % F]);
    }
    for (int g = 0; g < groups; ++g, in += T * cell_bytes) {
      typename S::Bytes x[T];
#pragma GCC unroll 16
      for (int t = 0; t < T; ++t) x[t] = S::load(in + t * cell_bytes);
#pragma GCC unroll 2
      for (int b = 0; b < 2; ++b, weights[b - 1] += winograd_entries * F * channels_per_cell) {
#pragma GCC unroll 16
        for (int f = 0; f < F; ++f) {
          const typename S::Weight w = S::weight(weights[b] + f * channels_per_cell);
#pragma GCC unroll 16
          for (int t = 0; t < T; ++t) acc[b][t][f] = S::dot(acc[b][t][f], x[t], w);
        }
      }
    }
#pragma GCC unroll 16
    for (int i = 0; i < 2 * T * F; ++i) {
      S::store(sums + i * winograd_entries * images_per_block, acc[i / F / T][i / F % T][i % F]);
    }
  }
}

/// Of row y of the entries, the sums of two channels from `channel` of the block on, times A: what
/// entries share is added in registers and half as many vectors are written, T x F x 4 rows x 2.
/// A function of its own, so that its sixteen sums have all registers.
template <class S, int F, int T>
__attribute__((noinline)) void multiply_row(const WinogradArgs& a, int block, int y, int channel) {
  const std::ptrdiff_t entry = static_cast<std::ptrdiff_t>(a.groups) * T * cell_bytes;
  const std::uint8_t* in = a.inputs + 4 * y * entry;
  const std::int8_t* weights = block_weights<F>(a, block) + (4 * y * F + channel) * 4;
  const std::int32_t* start = a.layer.bias + (block * winograd_entries + 4 * y) * F + channel;
  typename S::Int acc[4][T][2];
#pragma GCC unroll 16
  for (int i = 0; i < 8 * T; ++i)
    acc[i / 2 / T][i / 2 % T][i % 2] = S::set_int(start[i / 2 / T * F + i % 2]);
  for (int g = 0; g < a.groups; ++g) {
#pragma GCC unroll 4
    for (int x = 0; x < 4; ++x) {
      typename S::Bytes codes[T];
#pragma GCC unroll 4
      for (int t = 0; t < T; ++t) codes[t] = S::load(in + x * entry + t * cell_bytes);
#pragma GCC unroll 2
      for (int f = 0; f < 2; ++f) {
        const typename S::Weight w = S::weight(weights + (x * F + f) * channels_per_cell);
#pragma GCC unroll 4
        for (int t = 0; t < T; ++t) acc[x][t][f] = S::dot(acc[x][t][f], codes[t], w);
      }
    }
    in += T * cell_bytes;
    weights += winograd_entries * F * channels_per_cell;
  }
#pragma GCC unroll 16
  for (int i = 0; i < 2 * T; ++i) {
    const int t = i / 2, f = i % 2;
    std::int32_t* sums = a.sums + ((t * F + channel + f) * 4 + y) * 2 * images_per_block;
    S::store(sums, S::add(S::add(acc[0][t][f], acc[1][t][f]), acc[2][t][f]));
    S::store(sums + images_per_block, S::sub(S::sub(acc[1][t][f], acc[2][t][f]), acc[3][t][f]));
  }
}

/// What multiply_row leaves, from what multiply_entries has left in the same place.
template <class S, int F, int T>
void add_columns(const WinogradArgs& a) {
  const std::int32_t* entries = a.sums;
  std::int32_t* rows = a.sums;
  for (int i = 0; i < 2 * T * F * 4; ++i, entries += 4 * images_per_block) {
    const typename S::Int m1 = S::load_int(entries + images_per_block);
    const typename S::Int m2 = S::load_int(entries + 2 * images_per_block);
    const typename S::Int m3 = S::load_int(entries + 3 * images_per_block);
    S::store(rows, S::add(S::add(S::load_int(entries), m1), m2));
    S::store(rows + images_per_block, S::sub(S::sub(m1, m2), m3));
    rows += 2 * images_per_block;
  }
}

/// The convolution's sums of F channels at the four positions of a tile, and their affine, from
/// F x 4 rows x 2 columns vectors.
template <class S, int F>
void finish_tile(const WinogradArgs& a, int block, int tile, const std::int32_t* sums) {
  const int position = a.positions[tile];
  for (int column = 0; column < 2; ++column, sums += images_per_block) {
    const auto row = [&](int f, int y) {
      return S::load_int(sums + (4 * f + y) * 2 * images_per_block);
    };
    typename S::Int out[F];
#pragma GCC unroll 16
    for (int f = 0; f < F; ++f) {
      out[f] = S::template shift_right<2>(S::add(S::add(row(f, 0), row(f, 1)), row(f, 2)));
    }
    finish<S, F>(a.layer, block, position + column, 0, out);
#pragma GCC unroll 16
    for (int f = 0; f < F; ++f) {
      out[f] = S::template shift_right<2>(S::sub(S::sub(row(f, 1), row(f, 2)), row(f, 3)));
    }
    finish<S, F>(a.layer, block, position + a.width + column, 0, out);
  }
}

/// The sums of one block, row by row.
template <class S, int F, int T>
void multiply_rows(const WinogradArgs& a, int block) {
  for (int y = 0; y < 4; ++y) {
    for (int f = 0; f < F; f += 2) multiply_row<S, F, T>(a, block, y, f);
  }
}

/// Preconditions: a.tiles >= T, and two blocks or more.
template <class S, int F, int T>
void run_winograd(const WinogradArgs& a) {
  static_assert(S::lanes == images_per_block);
  // Rows read each patch twice as often as entries of two blocks do, which pays while the patches
  // of two tiles fit the first cache, 2 KiB a group.
  constexpr int few_groups = 16;
  const bool rows = a.groups <= few_groups;
  const int blocks_at_once = rows ? 1 : 2;
  for (int n = 0; n < a.tiles; n += T) {
    // The last tiles reach back over some already done; they get the same codes again. So do the
    // last blocks.
    const int tile = n + T <= a.tiles ? n : a.tiles - T;
    transform_patches<S, T>(a, tile);
    for (int m = 0; m < a.layer.blocks; m += blocks_at_once) {
      const int block = m + blocks_at_once <= a.layer.blocks ? m : a.layer.blocks - blocks_at_once;
      if (rows) {
        multiply_rows<S, F, T>(a, block);
      } else {
        multiply_entries<S, F, T>(a, block);
        add_columns<S, F, T>(a);
      }
      for (int i = 0; i < blocks_at_once * T; ++i) {
        finish_tile<S, F>(a, block + i / T, tile + i % T, a.sums + i * F * 8 * images_per_block);
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
