// The loops of int8_kernels.h over a policy S, the vector instructions. Included by one source file
// an instruction set; everything is in an unnamed namespace and nothing of the standard library is
// called, so that code for newer processors cannot leak into the rest of the program.
//
// S: lanes (images a vector); Int, Float, Double (one value an image); Bytes (four channels an
// image), Weight (four weights, the same for all images); and the static functions used below.
#pragma once

#include "flatenn/engine/int8_kernels.h"

namespace flatenn::int8 {
namespace {

constexpr int channels_per_cell = 4;

/// acc[p][f] += products of all steps.
template <class S, int F, int P>
inline __attribute__((always_inline)) void accumulate(const LayerArgs& a,
                                                      const std::uint8_t* const (&in)[P],
                                                      const std::int8_t* weights,
                                                      typename S::Int (&acc)[P][F]) {
  for (int k = 0; k < a.steps; ++k, weights += F * channels_per_cell) {
    typename S::Bytes x[P];
#pragma GCC unroll 16
    for (int p = 0; p < P; ++p) x[p] = S::load(in[p] + a.step_offsets[k]);
#pragma GCC unroll 16
    for (int f = 0; f < F; ++f) {
      const typename S::Weight w = S::weight(weights + f * channels_per_cell);
#pragma GCC unroll 16
      for (int p = 0; p < P; ++p) acc[p][f] = S::dot(acc[p][f], x[p], w);
    }
  }
}

/// Codes of up to four channels, each byte code + zero point. Sums instead of ors: negative codes
/// borrow from the channel above, and the zero points pay it back.
template <class S>
inline __attribute__((always_inline)) typename S::Int pack(const typename S::Int (&code)[4],
                                                           std::uint32_t zero_point) {
  typename S::Int packed = S::add(code[0], S::set_int(static_cast<std::int32_t>(zero_point)));
  packed = S::add(packed, S::template shift_left<8>(code[1]));
  packed = S::add(packed, S::template shift_left<16>(code[2]));
  return S::add(packed, S::template shift_left<24>(code[3]));
}

/// Values of channels [channel, channel + 4) at one position: quantized into the buffer, or kept.
template <class S>
inline __attribute__((always_inline)) void emit(const Sink& sink, int channel, int position,
                                                int first_image, const typename S::Float (&v)[4]) {
  if (sink.values != nullptr) {
    for (int i = 0; i < 4 && channel + i < sink.channels; ++i) {
      const std::ptrdiff_t at =
          static_cast<std::ptrdiff_t>(channel + i) * sink.value_positions + position;
      S::store(sink.values + at * images_per_block + first_image, v[i]);
    }
    return;
  }
  const typename S::Float low = S::set_float(sink.low);
  const typename S::Float high = S::set_float(sink.high);
  typename S::Int code[4];
#pragma GCC unroll 4
  for (int i = 0; i < 4; ++i) code[i] = S::round(S::min(S::max(v[i], low), high));
  S::store(sink.out + sink.offsets[position] + channel / 4 * sink.group_stride + first_image * 4,
           pack<S>(code, sink.zero_point));
}

/// Value of channel I of a cell of codes, times the multiplier.
template <class S, int I>
inline __attribute__((always_inline)) typename S::Float scaled(typename S::Int cell,
                                                               std::int32_t zero_point,
                                                               float multiplier) {
  const typename S::Int code = S::add(S::template byte<I>(cell), S::set_int(-zero_point));
  return S::mul(S::to_float(code), S::set_float(multiplier));
}

/// The values of four channels become codes, times their multiplier, plus the other tensor's.
template <class S>
inline __attribute__((always_inline)) void add_residual(const Residual& r, int channel,
                                                        int position, int first_image,
                                                        typename S::Float (&v)[4]) {
  const typename S::Float low = S::set_float(r.low);
  const typename S::Float high = S::set_float(r.high);
  const typename S::Int cell =
      S::load_cell(r.in + r.offsets[position] + channel / 4 * r.group_stride + first_image * 4);
  const typename S::Float other[4] = {scaled<S, 0>(cell, r.zero_point, r.multiplier[1]),
                                      scaled<S, 1>(cell, r.zero_point, r.multiplier[1]),
                                      scaled<S, 2>(cell, r.zero_point, r.multiplier[1]),
                                      scaled<S, 3>(cell, r.zero_point, r.multiplier[1])};
#pragma GCC unroll 4
  for (int i = 0; i < 4; ++i) {
    const typename S::Float code = S::nearest(S::min(S::max(v[i], low), high));
    v[i] = S::add(S::mul(code, S::set_float(r.multiplier[0])), other[i]);
  }
}

/// Affine and sink of one block of channels at one position.
template <class S, int F>
inline __attribute__((always_inline)) void finish(const LayerArgs& a, int block, int position,
                                                  int first_image,
                                                  const typename S::Int (&sum)[F]) {
#pragma GCC unroll 16
  for (int g = 0; g < F; g += 4) {
    const int channel = block * F + g;
    if (channel >= a.sink.channels) return;
    typename S::Float v[4];
#pragma GCC unroll 4
    for (int i = 0; i < 4; ++i) {
      v[i] = S::set_float(0.0f);
      if (g + i >= F) continue;
      const int c = channel + i;
      v[i] = S::mul(S::to_float(sum[g + i < F ? g + i : 0]), S::set_float(a.multiplier[c]));
      if (a.window != nullptr) {
        const std::int32_t* window = a.window + position * images_per_block + first_image;
        const typename S::Float w = S::to_float(S::load_int(window));
        v[i] = S::add(v[i], S::mul(w, S::set_float(a.window_multiplier[c])));
      }
      v[i] = S::add(v[i], S::set_float(a.addend[c]));
    }
    if (a.residual.in != nullptr) add_residual<S>(a.residual, channel, position, first_image, v);
    emit<S>(a.sink, channel, position, first_image, v);
  }
}

template <class S, int F, int P>
inline __attribute__((always_inline)) void tile(const LayerArgs& a, const std::int32_t* in_offsets,
                                                int block, int first_image,
                                                typename S::Int (&acc)[P][F]) {
  const std::uint8_t* in[P];
#pragma GCC unroll 16
  for (int p = 0; p < P; ++p) in[p] = a.in + in_offsets[p] + first_image * channels_per_cell;
#pragma GCC unroll 16
  for (int f = 0; f < F; ++f) {
    const typename S::Int start = S::set_int(a.bias[block * F + f]);
#pragma GCC unroll 16
    for (int p = 0; p < P; ++p) acc[p][f] = start;
  }
  accumulate<S, F, P>(
      a, in, a.weights + static_cast<std::ptrdiff_t>(block) * a.steps * F * channels_per_cell, acc);
}

/// Precondition: a.positions >= P and a.positions_at_once is a multiple of P.
template <class S, int F, int P>
void run_layer(const LayerArgs& a) {
  for (int first = 0; first < a.positions; first += a.positions_at_once) {
    const int end =
        first + a.positions_at_once < a.positions ? first + a.positions_at_once : a.positions;
    for (int block = 0; block < a.blocks; ++block) {
      for (int n = first; n < end; n += P) {
        // The last tile reaches back over positions already done; they get the same codes again.
        const int position = n + P <= end ? n : end - P;
        for (int image = 0; image < images_per_block; image += S::lanes) {
          typename S::Int acc[P][F];
          tile<S, F, P>(a, a.in_offsets + position, block, image, acc);
#pragma GCC unroll 16
          for (int p = 0; p < P; ++p) finish<S, F>(a, block, position + p, image, acc[p]);
        }
      }
    }
  }
}

/// The affine is monotone, so the largest code of a window comes from its largest sum, or from its
/// smallest where the multiplier is negative: one affine a window instead of four.
template <class S, int F>
void run_pooled_layer(const LayerArgs& a) {
  for (int block = 0; block < a.blocks; ++block) {
    for (int position = 0; position < a.positions; ++position) {
      for (int image = 0; image < images_per_block; image += S::lanes) {
        typename S::Int acc[4][F];
        tile<S, F, 4>(a, a.in_offsets + 4 * position, block, image, acc);
        typename S::Int best[F];
#pragma GCC unroll 16
        for (int f = 0; f < F; ++f) {
          const typename S::Int(&s)[4][F] = acc;
          best[f] = a.multiplier[block * F + f] < 0
                        ? S::min(S::min(s[0][f], s[1][f]), S::min(s[2][f], s[3][f]))
                        : S::max(S::max(s[0][f], s[1][f]), S::max(s[2][f], s[3][f]));
        }
        finish<S, F>(a, block, position, image, best);
      }
    }
  }
}

template <class S>
void run_window(const WindowArgs& a) {
  for (int n = 0; n < a.positions; ++n) {
    for (int image = 0; image < images_per_block; image += S::lanes) {
      typename S::Int sum = S::set_int(a.start);
      const std::uint8_t* in = a.in + a.in_offsets[n] + image * channels_per_cell;
      for (int k = 0; k < a.steps; ++k) {
        sum = S::dot(sum, S::load(in + a.step_offsets[k]), S::weight(a.step_masks + 4 * k));
      }
      S::store(a.sums + n * images_per_block + image, sum);
    }
  }
}

template <class S>
void run_max_pool(const PoolArgs& a) {
  for (int g = 0; g < a.groups; ++g) {
    for (int n = 0; n < a.positions; ++n) {
      const std::uint8_t* in = a.in + g * a.in_group_stride + a.in_offsets[n];
      std::uint8_t* out = a.sink.out + g * a.sink.group_stride + a.sink.offsets[n];
      for (int byte = 0; byte < cell_bytes; byte += S::lanes * channels_per_cell) {
        typename S::Int best = S::load_cell(in + byte + a.step_offsets[0]);
        for (int k = 1; k < a.steps; ++k) {
          best = S::max_bytes(best, S::load_cell(in + byte + a.step_offsets[k]));
        }
        S::store(out + byte, best);
      }
    }
  }
}

template <class S>
void run_average(const PoolArgs& a) {
  for (int g = 0; g < a.groups; ++g) {
    for (int n = 0; n < a.positions; ++n) {
      const std::uint8_t* in = a.in + g * a.in_group_stride + a.in_offsets[n];
      for (int image = 0; image < images_per_block; image += S::lanes) {
        typename S::Int sum[4];
        for (int i = 0; i < 4; ++i) sum[i] = S::set_int(a.start);
        for (int k = 0; k < a.steps; ++k) {
          const typename S::Int x =
              S::load_cell(in + image * channels_per_cell + a.step_offsets[k]);
          sum[0] = S::add(sum[0], S::template byte<0>(x));
          sum[1] = S::add(sum[1], S::template byte<1>(x));
          sum[2] = S::add(sum[2], S::template byte<2>(x));
          sum[3] = S::add(sum[3], S::template byte<3>(x));
        }
        typename S::Float v[4];
        for (int i = 0; i < 4; ++i) {
          v[i] = S::mul(S::to_float(sum[i]), S::set_float(a.multiplier[4 * g + i]));
          if (a.addend != nullptr) v[i] = S::add(v[i], S::set_float(a.addend[4 * g + i]));
        }
        emit<S>(a.sink, 4 * g, n, image, v);
      }
    }
  }
}

template <class S, int I>
inline __attribute__((always_inline)) typename S::Float added(const AddArgs& a, typename S::Int x,
                                                              typename S::Int y) {
  return S::add(scaled<S, I>(x, a.zero_point[0], a.multiplier[0]),
                scaled<S, I>(y, a.zero_point[1], a.multiplier[1]));
}

template <class S>
void run_add(const AddArgs& a) {
  for (int g = 0; g < a.groups; ++g) {
    for (int n = 0; n < a.positions; ++n) {
      const std::uint8_t* left = a.in[0] + g * a.in_group_stride[0] + a.in_offsets[0][n];
      const std::uint8_t* right = a.in[1] + g * a.in_group_stride[1] + a.in_offsets[1][n];
      for (int image = 0; image < images_per_block; image += S::lanes) {
        const typename S::Int x = S::load_cell(left + image * channels_per_cell);
        const typename S::Int y = S::load_cell(right + image * channels_per_cell);
        const typename S::Float v[4] = {added<S, 0>(a, x, y), added<S, 1>(a, x, y),
                                        added<S, 2>(a, x, y), added<S, 3>(a, x, y)};
        emit<S>(a.sink, 4 * g, n, image, v);
      }
    }
  }
}

template <class S>
void run_twin(const TwinArgs& a) {
  for (int n = 0; n + 1 < a.count; ++n) {
    std::uint8_t* cell = a.cells + static_cast<std::ptrdiff_t>(n) * cell_bytes;
    for (int byte = 0; byte < cell_bytes; byte += S::lanes * channels_per_cell) {
      const typename S::Int next = S::load_cell(cell + cell_bytes + byte);
      S::store(cell + byte,
               S::add(S::low_half(S::load_cell(cell + byte)), S::template shift_left<16>(next)));
    }
  }
}

/// Means and gains of G groups from `group` on: so many sums at once, none waiting for another.
template <class S, int G>
void find_statistics(const GroupNormArgs& a, int group, int first_image) {
  const int count = a.channels / a.groups * a.positions;
  const std::ptrdiff_t stride = static_cast<std::ptrdiff_t>(count) * images_per_block;
  const float* values = a.values + group * stride + first_image;
  const typename S::Double n = S::set_double(count);
  typename S::Double sum[G];
#pragma GCC unroll 4
  for (int g = 0; g < G; ++g) sum[g] = S::set_double(0);
  for (int i = 0; i < count; ++i) {
#pragma GCC unroll 4
    for (int g = 0; g < G; ++g) {
      sum[g] = S::add(sum[g], S::widen(S::load_float(values + g * stride + i * images_per_block)));
    }
  }
  typename S::Double mean[G], squares[G];
#pragma GCC unroll 4
  for (int g = 0; g < G; ++g) {
    mean[g] = S::div(sum[g], n);
    squares[g] = S::set_double(0);
  }
  for (int i = 0; i < count; ++i) {
#pragma GCC unroll 4
    for (int g = 0; g < G; ++g) {
      const typename S::Double v =
          S::widen(S::load_float(values + g * stride + i * images_per_block));
      const typename S::Double distance = S::sub(v, mean[g]);
      squares[g] = S::add(squares[g], S::mul(distance, distance));
    }
  }
#pragma GCC unroll 4
  for (int g = 0; g < G; ++g) {
    const typename S::Double variance = S::div(squares[g], n);
    const typename S::Double deviation = S::sqrt(S::add(variance, S::set_double(a.epsilon)));
    float* to = a.statistics + (group + g) * 2 * images_per_block + first_image;
    S::store(to, S::narrow(mean[g]));
    S::store(to + images_per_block, S::narrow(S::div(S::set_double(1), deviation)));
  }
}

template <class S>
void run_group_norm(const GroupNormArgs& a) {
  for (int image = 0; image < images_per_block; image += S::lanes) {
    int group = 0;
    for (; group + 4 <= a.groups; group += 4) find_statistics<S, 4>(a, group, image);
    for (; group < a.groups; ++group) find_statistics<S, 1>(a, group, image);
  }
  const int group_channels = a.channels / a.groups;
  for (int c = 0; c < a.channels; c += channels_per_cell) {
    for (int image = 0; image < images_per_block; image += S::lanes) {
      const int present = a.channels - c < channels_per_cell ? a.channels - c : channels_per_cell;
      const float* values[4];
      typename S::Float mean[4], gain[4], multiplier[4], addend[4];
      for (int i = 0; i < 4; ++i) {
        const int channel = i < present ? c + i : c;  // the others may hold anything
        const float* from = a.statistics + channel / group_channels * 2 * images_per_block + image;
        values[i] = a.values +
                    static_cast<std::ptrdiff_t>(channel) * a.positions * images_per_block + image;
        mean[i] = S::load_float(from);
        gain[i] = S::load_float(from + images_per_block);
        multiplier[i] = S::set_float(a.multiplier[channel]);
        addend[i] = S::set_float(a.addend[channel]);
      }
      for (int n = 0; n < a.positions; ++n) {
        typename S::Float v[4];
#pragma GCC unroll 4
        for (int i = 0; i < 4; ++i) {
          v[i] = S::sub(S::load_float(values[i] + n * images_per_block), mean[i]);
          v[i] = S::add(S::mul(S::mul(v[i], gain[i]), multiplier[i]), addend[i]);
        }
        emit<S>(a.sink, c, n, image, v);
      }
    }
  }
}

/// `Low` computes with input bytes up to 127, S with any.
template <class S, class Low, int F, int P>
constexpr Tile make_tile() {
  return {F, P, run_layer<S, F, P>, run_layer<Low, F, P>};
}
template <class S, class Low, int F>
constexpr Tile make_pooled_tile() {
  return {F, 4, run_pooled_layer<S, F>, run_pooled_layer<Low, F>};
}

template <class S>
constexpr Kernels make_kernels(Tile many, Tile single, Tile pooled, Tile pooled_six,
                               WinogradTile winograd = {}) {
  return {many,       single,        pooled,           pooled_six,
          winograd,   run_window<S>, run_max_pool<S>,  run_average<S>,
          run_add<S>, run_twin<S>,   run_group_norm<S>};
}

}  // namespace
}  // namespace flatenn::int8
