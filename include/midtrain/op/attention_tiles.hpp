#pragma once
#include <cstddef>
#include <midtrain/core/bf16.hpp>
#include <midtrain/core/view.hpp>
#include <midtrain/problem/attention.hpp>

// What tiled attention (op/tiled_attention.hpp) is cut into, and how heads are laid side by side for it.
namespace midtrain::inline MT_ABI::op {

/// How large its tiles are. Queries of a tile are those of all heads that share a key head; several key heads, of one sequence or more,
/// make one batch of products, as many as `values` scores allow.
struct attention_tiles {
    index_t queries = 256, keys = 1024;
    index_t values  = index_t{1} << 24;  ///< scores at a time: 64 MiB of float
    index_t grain   = 64;                ///< edges of tiles are multiples of it, so that every matrix is one that tensor cores like

    constexpr index_t padded(index_t n) const { return (n + grain - 1) / grain * grain; }
};

/// Those sizes for one problem.
struct attention_cut {
    index_t pairs;            // of a sequence and a key head
    index_t at_once;          // pairs in a batch
    index_t queries, keys;    // of a tile, at most
    index_t length;           // padded
    index_t head_size, values;  // padded
    index_t grain;

    template <class Problem>
    constexpr attention_cut(Problem const& p, attention_tiles const& t)
        : pairs(p.sequences * p.kv_heads), at_once(0), queries(0), keys(smaller(t.padded(t.keys), t.padded(p.length))),
          length(t.padded(p.length)), head_size((p.head_size + 7) / 8 * 8), values((p.values() + 7) / 8 * 8), grain(t.grain) {
        // Few pairs make their tiles higher; large groups make them lower.
        index_t const all = t.values / (pairs * p.group() * keys) / grain * grain, one = t.values / (p.group() * keys) / grain * grain;
        index_t const wanted = t.padded(t.queries), most = smaller(larger(one, grain), length);
        queries = smaller(larger(smaller(wanted, most), smaller(all, 8 * wanted)), most);
        at_once = smaller(larger(t.values / (p.group() * queries * keys), 1), pairs);
    }
    static constexpr index_t smaller(index_t a, index_t b) { return a < b ? a : b; }
    static constexpr index_t larger(index_t a, index_t b) { return a < b ? b : a; }

    /// The first key that a tile of queries from `first` on may see, at an edge.
    template <class Problem>
    constexpr index_t first_key(Problem const& p, index_t first) const {
        return p.window > 0 && first + 1 > p.window ? (first + 1 - p.window) / grain * grain : 0;
    }
};

/// A part of some pairs: rows are (pair, head of the group, token), or with a group of one (pair, token).
struct tile_rows {
    index_t first_pair, pairs, kv_heads, group, from, count, length;

    struct place {
        index_t kv, head, offset, token;  // head of the queries; offset in its sequence; token counted over all sequences
        bool    real;                     // else behind the sequence's end
    };
    MT_HOST_DEVICE constexpr index_t rows() const { return pairs * group * count; }
    MT_HOST_DEVICE constexpr place   at(index_t row) const {
        index_t const pair = first_pair + row / (group * count), within = row % (group * count);
        index_t const s = pair / kv_heads, kv = pair % kv_heads, offset = from + within % count;
        return {kv, kv * group + within / count, offset, s * length + offset, offset < length};
    }
};

/// Heads' rows beside each other, zeros where there is no token and behind a head's last value. One row a team.
template <class T>
struct gather_heads {
    tile_rows            rows;
    matrix_view<T const> from;  // (tokens, ...): head h's values begin at column + h * size
    index_t              column, size;
    matrix_view<T>       to;    // (rows, padded size)
    static constexpr index_t row_values = 256;

    template <class Team>
    MT_HOST_DEVICE void operator()(Team const& team, index_t r) const {
        auto const    at   = rows.at(r);
        T const*      in   = from.data + at.token * from.stride + column + at.head * size;
        auto const    out  = to.row(r).data;
        index_t const most = at.real ? size : 0;
        team.each(to.columns, [=](index_t i) { out[i] = i < most ? in[i] : T(0.0f); });
    }
};

/// The way back, from sums. One row a team.
template <class T>
struct scatter_heads {
    tile_rows                        rows;
    matrix_view<computed_t<T> const> from;  // (rows, padded size)
    index_t                          column, size;
    matrix_view<T>                   to;    // (tokens, ...)
    static constexpr index_t row_values = 256;

    template <class Team>
    MT_HOST_DEVICE void operator()(Team const& team, index_t r) const {
        auto const at  = rows.at(r);
        auto const in  = from.row(r).data;
        auto const out = to.data + at.token * to.stride + column + at.head * size;
        team.each(at.real ? size : 0, [=](index_t i) { out[i] = T(in[i]); });
    }
};

/// Parts of a workspace, one behind the other; without memory it only counts.
class workspace_parts {
  public:
    workspace_parts() = default;
    explicit workspace_parts(std::byte* memory) : memory_(memory) {}

    template <class T>
    matrix_view<T> take(index_t rows, index_t columns) {
        auto* const at = memory_ ? reinterpret_cast<T*>(memory_ + used_) : nullptr;
        used_ += (rows * columns * static_cast<index_t>(sizeof(T)) + 255) / 256 * 256;
        return as_matrix(at, rows, columns);
    }
    index_t used() const { return used_; }

  private:
    std::byte* memory_ = nullptr;
    index_t    used_   = 0;
};

}  // namespace midtrain::inline MT_ABI::op
