#pragma once
#include <vector>
#include <midtrain/core/monoid.hpp>
#include <midtrain/core/view.hpp>
#include <midtrain/problem/parameters.hpp>

namespace midtrain::inline MT_ABI {

/// Some values side by side of one block of the model: what a team takes.
struct block_piece {
    static constexpr index_t most = 4096;

    index_t block = 0, offset = 0, count = 0;
};

/// A layout in pieces of its blocks, which are its buckets.
inline std::vector<block_piece> pieces_of_blocks(parameter_layout const& layout) {
    std::vector<block_piece> all;
    for (auto const& e : layout.entries())
        for (index_t done = 0; done < e.size(); done += block_piece::most)
            all.push_back({e.bucket, e.offset + done, e.size() - done < block_piece::most ? e.size() - done : block_piece::most});
    return all;
}

/// partial(p) = sum of squares of piece p.
template <class C>
struct squares_of_piece {
    row_view<block_piece const> pieces;
    row_view<C const>           x;
    row_view<C>                 partial;  // (pieces)

    template <class Team>
    MT_HOST_DEVICE void operator()(Team const& team, index_t p) const {
        auto const in = x.data + pieces[p].offset;
        C const    s  = team.reduce(pieces[p].count, sum{}, [=](index_t i) { return in[i] * in[i]; });
        if (team.leads()) partial[p] = s;
    }
};
/// x *= factor of the piece's block.
template <class C>
struct scale_blocks {
    row_view<block_piece const> pieces;
    row_view<C const>           factors;  // (blocks)
    row_view<C>                 x;

    template <class Team>
    MT_HOST_DEVICE void operator()(Team const& team, index_t p) const {
        auto const to = x.data + pieces[p].offset;
        C const    by = factors[pieces[p].block];
        if (by == C(1)) return;
        team.each(pieces[p].count, [=](index_t i) { to[i] *= by; });
    }
};

}  // namespace midtrain::inline MT_ABI
