#pragma once
#include <cstdint>
#include <midtrain/core/monoid.hpp>
#include <midtrain/core/permutation.hpp>
#include <midtrain/core/view.hpp>

// The choices of tokens sorted by expert, by counting, on the device and without atomics: nothing waits for the host, and the rows are as
// many as choices whatever the routing, so that a dry run can count them. Choice c is token c / chosen's; within an expert choices keep
// their order.
namespace midtrain::inline MT_ABI::op {

/// Where choices stand. Rows beyond begin[experts] belong to nobody.
struct expert_order {
    row_view<std::int32_t>    begin;   // (experts + 1): the first row of each expert
    row_view<std::int32_t>    place;   // (choices): the row of each choice; -1: dropped
    row_view<std::int32_t>    choice;  // (choices): which stands in a row
    row_view<std::int32_t>    wanted;  // (experts): choices before any was dropped
    matrix_view<std::int32_t> tiles;   // (tiles, experts): workspace

    static constexpr index_t tile = 256;  ///< choices of a team
    static constexpr index_t tiles_of(index_t choices) { return (choices + tile - 1) / tile; }

    MT_HOST_DEVICE index_t experts() const { return wanted.size(); }
};

/// Choices of each expert in each tile. One tile a team.
struct count_choices {
    row_view<std::int32_t const> expert;  // (choices)
    expert_order                 to;

    template <class Team>
    MT_HOST_DEVICE void operator()(Team const& team, index_t t) const {
        index_t const first = t * expert_order::tile, left = expert.size() - first, n = left < expert_order::tile ? left : expert_order::tile;
        auto const    of  = expert.data + first;
        auto const    out = to.tiles.row(t).data;
        team.each(to.experts(), [=](index_t e) {
            std::int32_t count = 0;
            for (index_t i = 0; i < n; ++i) count += of[i] == e;
            out[e] = count;
        });
    }
};

/// From them the choices of an expert before each tile, and all that it has. One expert each.
struct add_tiles {
    expert_order to;

    MT_HOST_DEVICE void operator()(index_t e) const {
        std::int32_t before = 0;
        for (index_t t = 0; t < to.tiles.rows; ++t) {
            std::int32_t const here = to.tiles(t, e);
            to.tiles(t, e)          = before;
            before += here;
        }
        to.wanted[e] = before;
    }
};

/// Where the rows of each expert begin: as many as `wanted` says, or at most `room`, unless that is zero. One row, one lane.
struct begin_experts {
    expert_order to;
    index_t      room = 0;

    template <class Team>
    MT_HOST_DEVICE void operator()(Team const& team, index_t) const {
        if (!team.leads()) return;
        std::int32_t at = 0;
        for (index_t e = 0; e < to.experts(); ++e) {
            to.begin[e] = at;
            at += room > 0 && to.wanted[e] > room ? static_cast<std::int32_t>(room) : to.wanted[e];
        }
        to.begin[to.experts()] = at;
    }
};

/// Gives each choice its row; those beyond an expert's rows are dropped. One tile a team.
struct place_choices {
    row_view<std::int32_t const> expert;  // (choices)
    expert_order                 to;

    template <class Team>
    MT_HOST_DEVICE void operator()(Team const& team, index_t t) const {
        index_t const first = t * expert_order::tile, left = expert.size() - first, n = left < expert_order::tile ? left : expert_order::tile;
        auto const    of    = expert.data + first;
        auto const    self  = to;
        auto const    place = to.place.data;
        auto const    choice = to.choice.data;
        team.each(to.experts(), [=](index_t e) {
            std::int32_t row = self.begin[e] + self.tiles(t, e);
            for (index_t i = 0; i < n; ++i) {
                if (of[i] != e) continue;
                bool const fits  = row < self.begin[e + 1];
                place[first + i] = fits ? row : -1;
                if (fits) choice[row] = static_cast<std::int32_t>(first + i);
                ++row;
            }
        });
    }
};

/// Drops the choices of least score where an expert has more than its room: `all` holds every choice in its row, `to` those that stay, the
/// best first; of equal scores the first choice stays. One choice a team.
template <class C>
struct drop_improbable {
    matrix_view<C const>         scores;  // (tokens, experts)
    row_view<std::int32_t const> expert;  // (choices)
    expert_order                 all, to;
    index_t                      chosen;

    static constexpr index_t row_values = 128;

    template <class Team>
    MT_HOST_DEVICE void operator()(Team const& team, index_t c) const {
        index_t const e = expert[c], first = all.begin[e], n = all.begin[e + 1] - first, k = chosen;
        auto const    s = scores;
        auto const    choice = all.choice.data;
        C const       own = s(c / k, e);
        auto const    better_ones = team.reduce(n, sum{}, [=](index_t i) {
            index_t const other = choice[first + i];
            C const       v     = s(other / k, e);
            return static_cast<std::int32_t>(v > own || (v == own && other < c));
        });
        if (!team.leads()) return;
        bool const fits = to.begin[e] + better_ones < to.begin[e + 1];
        to.place[c]     = fits ? to.begin[e] + better_ones : -1;
        if (fits) to.choice[to.begin[e] + better_ones] = static_cast<std::int32_t>(c);
    }
};

/// Choices beyond an expert's room go to experts that have some: the n-th of them takes the n-th free place of a random order, as
/// Hunyuan-Large's published gate does with torch.randperm; here the order depends on `seed` and the number of free places. Where those run
/// out, choices stay. One row, one lane.
struct recycle_choices {
    row_view<std::int32_t> expert;  // (choices)
    row_view<std::int32_t> seen;    // (experts): workspace
    row_view<std::int32_t> free;    // (experts + 1): workspace
    index_t                room;
    std::uint64_t          seed;

    template <class Team>
    MT_HOST_DEVICE void operator()(Team const& team, index_t) const {
        if (!team.leads()) return;
        index_t const      places = count_free();
        std::int32_t       n      = 0;
        permutation const  order(places > 0 ? static_cast<std::uint64_t>(places) : 1, seed);
        for (index_t c = 0; c < expert.size(); ++c) {
            index_t const e = expert[c];
            if (seen[e] < room) ++seen[e];
            else if (n < places) expert[c] = of_place(static_cast<std::int32_t>(order(static_cast<std::uint64_t>(n++))));
        }
    }

  private:
    /// Fills `free` with the first free place of each expert, and `seen` with zeros.
    MT_HOST_DEVICE index_t count_free() const {
        index_t const experts = seen.size();
        for (index_t e = 0; e < experts; ++e) seen[e] = 0;
        for (index_t c = 0; c < expert.size(); ++c) ++seen[expert[c]];
        std::int32_t at = 0;
        for (index_t e = 0; e < experts; ++e) {
            free[e] = at;
            if (seen[e] < room) at += static_cast<std::int32_t>(room) - seen[e];
            seen[e] = 0;
        }
        free[experts] = at;
        return at;
    }
    MT_HOST_DEVICE std::int32_t of_place(std::int32_t place) const {
        std::int32_t e = 0;
        while (free[e + 1] <= place) ++e;
        return e;
    }
};

}  // namespace midtrain::inline MT_ABI::op
