#pragma once
#include <type_traits>
#include <midtrain/exec/cuda/op/tile_math.hpp>

namespace midtrain::inline MT_ABI::detail {

/// An operand of one tile: value (i, k) for i in 0 .. across - 1 along the result, k along the sum; rows lie `stride` values apart,
/// and all begin at multiples of 16 bytes, as many of which are whole.
template <class T, bool by_sums>
struct tile_operand {
    T const* data;
    index_t  stride, across;

    MT_HOST_DEVICE T const* at(index_t i, index_t k) const { return by_sums ? data + i * stride + k : data + k * stride + i; }
};

/// The sums of one tile over k values, by the warps of a block: `stages` parts of `depth` values are on their way or in use at once.
template <class Math, bool a_by_sums, bool b_by_sums>
struct tile_product {
    using T                        = typename Math::value;
    using tile_a                   = shared_tile<T, Math::rows, Math::depth, a_by_sums>;
    using tile_b                   = shared_tile<T, Math::columns, Math::depth, b_by_sums>;
    static constexpr int stage     = tile_a::size + tile_b::size;
    static constexpr int shared    = Math::stages * stage;  ///< values of shared memory

    tile_operand<T, a_by_sums> a;
    tile_operand<T, b_by_sums> b;
    index_t                    k;

    template <class Warp, class Sums>
    MT_HOST_DEVICE void run(Warp const& warp, T* memory, Sums& sums) const {
        index_t const steps = (k + Math::depth - 1) / Math::depth;
        for (int s = 0; s < Math::stages - 1; ++s) begin(warp, memory, s, steps);
        for (index_t s = 0; s < steps; ++s) {
            warp.template wait<Math::stages - 2>();
            warp.meet_block();  // all have this part, and are done with that before, whose place the next takes
            begin(warp, memory, s + Math::stages - 1, steps);
            T const* const from = memory + s % Math::stages * stage;
            Math::template step<a_by_sums, b_by_sums>(warp, sums, from, from + tile_a::size);
        }
        warp.template wait<0>();
        warp.meet_block();  // the memory may be written again
    }

  private:
    template <class Warp>
    MT_HOST_DEVICE void begin(Warp const& warp, T* memory, index_t s, index_t steps) const {
        if (s < steps) {
            T* const to = memory + s % Math::stages * stage;
            bring<tile_a>(warp, a, to, s * Math::depth);
            bring<tile_b>(warp, b, to + tile_a::size, s * Math::depth);
        }
        warp.commit();
    }
    /// One tile: values behind the operand's edges are zeros.
    template <class Tile, class Warp, bool by_sums>
    MT_HOST_DEVICE void bring(Warp const& warp, tile_operand<T, by_sums> const& o, T* to, index_t first) const {
        constexpr int chunks = Tile::width / Tile::chunk, all = Tile::height * chunks, at_once = 32 * Math::warps;
        static_assert(all % at_once == 0);
        auto const end = k;
        warp.each([&](int lane) {
            MT_UNROLL(4)
            for (int n = 0; n < all / at_once; ++n) {
                int const     c = n * at_once + warp.number() * 32 + lane, row = c / chunks, column = c % chunks * Tile::chunk;
                int const     i = by_sums ? row : column, x = by_sums ? column : row;
                index_t const sum = first + x;
                bool const    real = i < o.across && sum < end;
                warp.copy16(to + Tile::at(i, x), real ? o.at(i, sum) : o.data, real);
            }
        });
    }
};

}  // namespace midtrain::inline MT_ABI::detail
