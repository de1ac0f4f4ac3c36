#pragma once
#include <midtrain/core/required.hpp>
#include <midtrain/core/types.hpp>

namespace midtrain::inline MT_ABI::position {

/// Dual Chunk Attention (An et al. 2024), which reads longer texts than a model was trained on, without training: the text is cut into
/// chunks of c = chunk - local tokens. A key stands at its place in its chunk; a query stands at its own towards keys of its chunk, at
/// min(place + c, chunk) towards those of the chunk before, so that the `local` tokens next to it are as far off as they are, and at
/// `chunk` towards all farther ones. Conventions of ChunkLlama's code; the paper's last position is chunk - 1. Its temperature, which the
/// paper's results do without, is one of positions: `with_temperature` of 0.05 ln(length / trained) + 1. For evaluation.
struct dual_chunk {
    required<index_t> chunk;  ///< the largest distance; below the trained context
    required<index_t> local;  ///< tokens before a chunk that are seen as they stand, at the least

    constexpr bool fits() const { return local >= 0 && chunk > local; }

    MT_HOST_DEVICE constexpr index_t step() const { return chunk - local; }
    static MT_HOST_DEVICE constexpr int forms() { return 3; }
    static MT_HOST_DEVICE constexpr int key_forms() { return 1; }
    static MT_HOST_DEVICE constexpr int key_form(int) { return 0; }
    MT_HOST_DEVICE constexpr index_t first_key(int form, index_t query) const {
        index_t const own = query - query % step();
        return form == 0 ? own : form == 1 && own > step() ? own - step() : 0;
    }
    MT_HOST_DEVICE constexpr index_t query_position(int form, index_t t) const {
        index_t const place = t % step(), next = place + step();
        return form == 0 ? place : form == 1 && next < chunk ? next : index_t(chunk);
    }
    MT_HOST_DEVICE constexpr index_t key_position(int, index_t t) const { return t % step(); }
    MT_HOST_DEVICE constexpr index_t reach(index_t length) const { return length <= step() ? length : chunk + 1; }
    MT_HOST_DEVICE constexpr index_t spans(index_t length) const { return reach(length); }
};

}  // namespace midtrain::inline MT_ABI::position

namespace midtrain::inline MT_ABI {
using position::dual_chunk;
}
