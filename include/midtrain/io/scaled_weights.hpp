#pragma once
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>
#include <midtrain/core/error.hpp>
#include <midtrain/core/types.hpp>
#include <midtrain/io/tensor_shape.hpp>

// Weights of eight bits in files as DeepSeek-V3's: a value is what its byte says times the scale of its tile of 128 x 128. Scales are a
// tensor of their own, one value a tile; tiles at an edge are smaller.
namespace midtrain::inline MT_ABI::io::detail {

inline constexpr index_t scaled_tile = 128;

/// Whether values of that type want scales.
inline bool wants_scales(std::string_view dtype) { return dtype == "F8_E4M3" || dtype == "F8_E5M2"; }

/// The name under which a weight's scales stand.
inline std::string name_of_scales(std::string_view weight) { return std::string(weight) + "_scale_inv"; }

/// A scale that is a power of two, as files have it in eight bits (F8_E8M0).
struct e8m0 {
    std::uint8_t bits = 0;

    explicit operator float() const { return bits == 255 ? std::nanf("") : std::ldexp(1.0f, bits - 127); }
};

inline index_t tiles_of(index_t n) { return (n + scaled_tile - 1) / scaled_tile; }

/// Throws unless a weight of shape `weight` has scales of shape `scales`.
inline void check_scales(std::string const& path, std::string_view name, std::vector<std::int64_t> const& weight,
                         std::vector<std::int64_t> const& scales) {
    check(weight.size() == 2, [&] {
        return path + ": tensor '" + std::string(name) + "' of eight bits has shape " + written_shape(weight) +
               "; scales are known for matrices";
    });
    std::vector<std::int64_t> const want{tiles_of(weight[0]), tiles_of(weight[1])};
    check(scales == want, [&] {
        return path + ": tensor '" + name_of_scales(name) + "' has shape " + written_shape(scales) + " where a weight of shape " +
               written_shape(weight) + " has " + written_shape(want) + " tiles of 128 x 128";
    });
}

/// values (rows, columns) *= the scale of each one's tile.
inline void scale_tiles(std::span<float> values, index_t rows, index_t columns, std::span<float const> scales) {
    for (index_t r = 0; r < rows; ++r)
        for (index_t c = 0; c < columns; ++c)
            values[static_cast<std::size_t>(r * columns + c)] *=
                scales[static_cast<std::size_t>(r / scaled_tile * tiles_of(columns) + c / scaled_tile)];
}

}  // namespace midtrain::inline MT_ABI::io::detail
