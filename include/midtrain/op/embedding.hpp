#pragma once
#include <cstdint>
#include <midtrain/core/bf16.hpp>
#include <midtrain/core/each_value.hpp>
#include <midtrain/core/view.hpp>

namespace midtrain::inline MT_ABI::op {

/// y(t) = table(index(t)). One token a team.
template <class T>
struct embedding_forward {
    matrix_view<T const>         table;  // (entries, width)
    row_view<std::int32_t const> index;  // (tokens)
    matrix_view<T>               y;      // (tokens, width)

    template <class Team>
    MT_HOST_DEVICE void operator()(Team const& team, index_t t) const {
        using C = computed_t<T>;
        each_value(team, y.columns, [](C& to, C from) { to = from; }, writes{y.row(t).data}, reads{table.row(index[t]).data});
    }
    index_t row_width() const { return y.columns; }
};

/// Tokens whose gradients one team adds up, and teams' worth of so many tokens.
inline constexpr index_t embedding_window = 32;

MT_HOST_DEVICE constexpr index_t embedding_windows(index_t tokens) { return (tokens + embedding_window - 1) / embedding_window; }

/// gradient(index) += sum of dy over that index's tokens, in their order, without atomics: of tokens sorted by index a team takes a window,
/// by tiles of 256 columns, so that the launch has one size whatever the batch and a frequent token has many teams. A window adds what
/// begins in it to the gradient; the sum of what has begun before goes to its row of `carried`, and embedding_carry brings it there.
template <class T>
struct embedding_backward {
    static constexpr index_t row_values = 256;  ///< columns of a team

    row_view<std::int32_t const> order;     // (tokens): token numbers, by index, then by number
    row_view<std::int32_t const> index;     // (tokens)
    matrix_view<T const>         dy;        // (tokens, width)
    matrix_view<computed_t<T>>   gradient;  // (entries, width)
    matrix_view<computed_t<T>>   carried;   // (windows, width), workspace

    MT_HOST_DEVICE index_t tiles() const { return (dy.columns + row_values - 1) / row_values; }
    MT_HOST_DEVICE index_t teams() const { return embedding_windows(order.size()) * tiles(); }
    MT_HOST_DEVICE auto    index_at(index_t k) const { return index[order[k]]; }

    template <class Team>
    MT_HOST_DEVICE void operator()(Team const& team, index_t at) const {
        constexpr int w      = 16 / sizeof(T);
        index_t const window = static_cast<unsigned>(at) / static_cast<unsigned>(tiles()), first = (at - window * tiles()) * row_values;
        index_t const left = dy.columns - first, n = left < row_values ? left : row_values;
        bool const    packs = n % w == 0 && aligned_for_packs<w>(dy.data, dy.data + dy.stride, gradient.data, gradient.data + gradient.stride,
                                                              carried.data, carried.data + carried.stride);
        if (packs) columns<w>(team, window, first, n / w);
        else columns<1>(team, window, first, n);
    }

  private:
    template <int w, class Team>
    MT_HOST_DEVICE void columns(Team const& team, index_t window, index_t first, index_t n) const {
        auto const    self  = *this;
        index_t const begin = window * embedding_window, all = order.size(), end = begin + embedding_window < all ? begin + embedding_window : all;
        team.each(n, [=](index_t i) {
            index_t const c    = first + i * w;
            auto          one  = self.index_at(begin);
            bool const    goes_on = begin > 0 && self.index_at(begin - 1) == one;
            auto          to    = goes_on ? &self.carried(window, c) : &self.gradient(one, c);
            auto          total = goes_on ? pack<computed_t<T>, w>{} : load_values<w>(to);
            for (index_t k = begin; k < end; ++k) {
                index_t const t = self.order[k];
                if (auto const next = self.index[t]; next != one) {
                    store_values(total, to);
                    one   = next;
                    to    = &self.gradient(one, c);
                    total = load_values<w>(to);
                }
                auto const d = load_values<w>(&self.dy(t, c));
                for (int j = 0; j < w; ++j) total[j] += d[j];
            }
            store_values(total, to);
        });
    }
};

/// What windows have carried of an index, in their order, to the gradient: by the window after the one that the index begins in.
template <class T>
struct embedding_carry {
    static constexpr index_t row_values = 256;

    embedding_backward<T> of;

    template <class Team>
    MT_HOST_DEVICE void operator()(Team const& team, index_t at) const {
        index_t const window = static_cast<unsigned>(at) / static_cast<unsigned>(of.tiles()), first = (at - window * of.tiles()) * row_values;
        index_t const begin = window * embedding_window, windows = embedding_windows(of.order.size());
        if (window == 0 || !carries(begin) || (window > 1 && of.index_at(begin - embedding_window - 1) == of.index_at(begin))) return;
        index_t last = window + 1;
        while (last < windows && of.index_at(last * embedding_window) == of.index_at(begin)) ++last;
        using C            = computed_t<T>;
        auto const    from = of.carried;
        auto const    to   = &of.gradient(of.index_at(begin), first);
        index_t const left = of.dy.columns - first;
        for (index_t k = window; k < last; ++k)
            each_value(team, left < row_values ? left : row_values, [](C& g, C more) { g = g + more; }, updates{to}, reads{&from(k, first)});
    }

  private:
    MT_HOST_DEVICE bool carries(index_t begin) const { return of.index_at(begin - 1) == of.index_at(begin); }
};

/// Both, on a device.
template <class Device, class T>
void add_embedding_gradient(Device& device, embedding_backward<T> const& b) {
    device.rows(b.teams(), b);
    device.rows(b.teams(), embedding_carry<T>{b});
}

}  // namespace midtrain::inline MT_ABI::op
