#pragma once
#include <cstdint>
#include <midtrain/core/bf16.hpp>
#include <midtrain/core/pack.hpp>

// Loops over arrays that lie side by side: f(a value of each) for all n places, computed in float or double whatever they hold. A team
// that says `takes_packs` is handed packs of 16 bytes wherever the arrays are aligned alike, and single values before, behind and where
// they are not; a team without goes value by value, which a CPU's compiler makes vectors of itself.
namespace midtrain::inline MT_ABI {

/// Arrays of a loop: one that f takes values of, one whose values f makes, and one whose values f changes. `step`: how much further an
/// array begins in the next block of a loop in blocks.
template <class T>
struct reads {
    using stored               = T;
    using value                = computed_t<T>;
    static constexpr bool made = false;

    T const* data;
    index_t  step = 0;

    MT_HOST_DEVICE MT_INLINE reads at(index_t block) const { return {data + block * step, step}; }
    template <int w>
    MT_HOST_DEVICE bool fits(index_t i) const {
        return aligned_for_packs<w>(data + i);
    }
    template <int w>
    MT_HOST_DEVICE MT_INLINE pack<value, w> load(index_t i) const {
        return load_values<w>(data + i);
    }
    template <int w>
    MT_HOST_DEVICE MT_INLINE void store(index_t, pack<value, w> const&) const {}
};
template <class T>
struct writes {
    using stored               = T;
    using value                = computed_t<T>;
    static constexpr bool made = true;

    T*      data;
    index_t step = 0;

    MT_HOST_DEVICE MT_INLINE writes at(index_t block) const { return {data + block * step, step}; }
    template <int w>
    MT_HOST_DEVICE bool fits(index_t i) const {
        return aligned_for_packs<w>(data + i);
    }
    template <int w>
    MT_HOST_DEVICE MT_INLINE pack<value, w> load(index_t) const {
        return {};
    }
    template <int w>
    MT_HOST_DEVICE MT_INLINE void store(index_t i, pack<value, w> const& v) const {
        store_values(v, data + i);
    }
};
template <class T>
struct updates {
    using stored               = T;
    using value                = computed_t<T>;
    static constexpr bool made = true;

    T*      data;
    index_t step = 0;

    MT_HOST_DEVICE MT_INLINE updates at(index_t block) const { return {data + block * step, step}; }
    template <int w>
    MT_HOST_DEVICE bool fits(index_t i) const {
        return aligned_for_packs<w>(data + i);
    }
    template <int w>
    MT_HOST_DEVICE MT_INLINE pack<value, w> load(index_t i) const {
        return load_values<w>(data + i);
    }
    template <int w>
    MT_HOST_DEVICE MT_INLINE void store(index_t i, pack<value, w> const& v) const {
        store_values(v, data + i);
    }
};

/// No array: f takes the place itself, from `first` on.
struct counted {
    using stored               = char;
    using value                = index_t;
    static constexpr bool made = false;

    index_t first = 0, step = 0;

    MT_HOST_DEVICE MT_INLINE counted at(index_t block) const { return {first + block * step, step}; }

    template <int w>
    MT_HOST_DEVICE static bool fits(index_t) {
        return true;
    }
    template <int w>
    MT_HOST_DEVICE MT_INLINE pack<index_t, w> load(index_t i) const {
        pack<index_t, w> v;
        for (int k = 0; k < w; ++k) v[k] = first + i + k;
        return v;
    }
    template <int w>
    MT_HOST_DEVICE MT_INLINE void store(index_t, pack<index_t, w> const&) const {}
};

/// One value for all places of a block, the next one `step` further; `otherwise` where there is no array.
template <class T>
struct one_each {
    using stored               = char;
    using value                = T;
    static constexpr bool made = false;

    T const* data;
    index_t  step      = 1;
    T        otherwise = 0;  // and in a block, the value

    MT_HOST_DEVICE MT_INLINE one_each at(index_t block) const { return {data, step, data ? data[block * step] : otherwise}; }
    template <int w>
    MT_HOST_DEVICE static bool fits(index_t) {
        return true;
    }
    template <int w>
    MT_HOST_DEVICE MT_INLINE pack<T, w> load(index_t) const {
        pack<T, w> v;
        for (int k = 0; k < w; ++k) v[k] = otherwise;
        return v;
    }
    template <int w>
    MT_HOST_DEVICE MT_INLINE void store(index_t, pack<T, w> const&) const {}
};

/// Several arrays, `apart` values from one to the next, whose values f changes together.
template <class T, int count>
struct updates_all {
    using stored               = T;
    using value                = pack<computed_t<T>, count>;
    static constexpr bool made = true;

    T*      data;
    index_t apart, step = 0;

    MT_HOST_DEVICE MT_INLINE updates_all at(index_t block) const { return {data + block * step, apart, step}; }
    template <int w>
    MT_HOST_DEVICE bool fits(index_t i) const {
        return aligned_for_packs<w>(data + i, data + i + apart);
    }
    template <int w>
    MT_HOST_DEVICE MT_INLINE pack<value, w> load(index_t i) const {
        pack<value, w> v;
        for (int a = 0; a < count; ++a) {
            auto const one = load_values<w>(data + a * apart + i);
            for (int k = 0; k < w; ++k) v[k][a] = one[k];
        }
        return v;
    }
    template <int w>
    MT_HOST_DEVICE MT_INLINE void store(index_t i, pack<value, w> const& v) const {
        for (int a = 0; a < count; ++a) {
            pack<computed_t<T>, w> one;
            for (int k = 0; k < w; ++k) one[k] = v[k][a];
            store_values(one, data + a * apart + i);
        }
    }
};

namespace detail {

/// Values of a pack of those arrays: 16 bytes of the widest that f makes, or of the widest at all where it makes none.
template <class... A>
MT_HOST_DEVICE constexpr int pack_width() {
    int made = 0, read = 0;
    ((A::made ? made = made < int(sizeof(typename A::stored)) ? int(sizeof(typename A::stored)) : made
              : read = read < int(sizeof(typename A::stored)) ? int(sizeof(typename A::stored)) : read),
     ...);
    return 16 / (made > 0 ? made : read);
}

/// f on w places from i on.
template <int w, class F, class... A>
struct values_step {
    MT_CALLS_ANY
    MT_HOST_DEVICE MT_INLINE static void run(F const& f, index_t i, A const&... a, pack<typename A::value, w>... v) {
        for (int k = 0; k < w; ++k) f(v[k]...);
        (a.store(i, v), ...);
    }
    MT_CALLS_ANY
    template <class Monoid>
    MT_HOST_DEVICE MT_INLINE static auto combined(F const& f, pack<typename A::value, w>... v) {
        auto all = f(v[0]...);
        for (int k = 1; k < w; ++k) all = Monoid::combine(all, f(v[k]...));
        return all;
    }
};

/// n places dealt out as `packs` of w from `head` on, and single places before and behind; none where the arrays are not aligned alike.
template <int w>
struct places {
    index_t n, head = 0, packs = 0;

    template <class First, class... A>
    MT_HOST_DEVICE places(index_t all, First first, A... a) : n(all) {
        constexpr int size = sizeof(typename First::stored), unit = w * size < 16 ? w * size : 16;
        index_t const skip = (unit - reinterpret_cast<std::uintptr_t>(first.data) % unit) % unit / size;
        if (skip > n || !first.template fits<w>(skip) || !(a.template fits<w>(skip) && ...)) return;
        head  = skip;
        packs = (n - skip) / w;
    }
    MT_HOST_DEVICE index_t count() const { return n - packs * (w - 1); }
    MT_HOST_DEVICE index_t first_of(index_t k) const {
        if (k < packs) return head + k * w;
        return k - packs < head ? k - packs : k + packs * (w - 1);
    }
};

}  // namespace detail

template <class Team>
inline constexpr bool takes_packs = requires { requires Team::takes_packs; };

/// f on w places from i on: what an element functor is made of.
template <int w, class F, class... A>
MT_HOST_DEVICE MT_INLINE void do_values(index_t i, F f, A... a) {
    detail::values_step<w, F, A...>::run(f, i, a..., a.template load<w>(i)...);
}

/// f on each of n places. Collective, as a team's `each`.
template <class Team, class F, class... A>
MT_HOST_DEVICE MT_INLINE void each_value(Team const& team, index_t n, F f, A... a) {
    if constexpr (takes_packs<Team>) {
        constexpr int           w = detail::pack_width<A...>();
        detail::places<w> const p(n, a...);
        team.each(p.count(), [=](index_t k) {
            if (k < p.packs) do_values<w>(p.first_of(k), f, a...);
            else do_values<1>(p.first_of(k), f, a...);
        });
    } else {
        team.each(n, [=](index_t i) { do_values<1>(i, f, a...); });
    }
}

/// f on each of n places of `blocks` blocks, of which each array's next begins `step` values further. Collective; fewer than 2^31 places.
template <class Team, class F, class... A>
MT_HOST_DEVICE MT_INLINE void each_value_in_blocks(Team const& team, index_t blocks, index_t n, F f, A... a) {
    if constexpr (takes_packs<Team>) {
        constexpr int  w     = detail::pack_width<A...>();
        bool const     whole = n % w == 0 && ((a.template fits<w>(0) && a.template fits<w>(a.step)) && ...);
        unsigned const each  = static_cast<unsigned>(whole ? n / w : n);
        team.each(blocks * each, [=](index_t k) {
            index_t const b = static_cast<unsigned>(k) / each, i = static_cast<unsigned>(k) % each;
            if (whole) do_values<w>(i * w, f, a.at(b)...);
            else do_values<1>(i, f, a.at(b)...);
        });
    } else {
        for (index_t b = 0; b < blocks; ++b) each_value(team, n, f, a.at(b)...);
    }
}

/// All f(a value of each) of n places, combined in an order that depends on the team and the arrays' alignment only. Collective, as a
/// team's `reduce`.
template <class Team, class Monoid, class F, class... A>
MT_HOST_DEVICE MT_INLINE auto reduce_values(Team const& team, index_t n, Monoid m, F f, A... a) {
    if constexpr (takes_packs<Team>) {
        constexpr int           w = detail::pack_width<A...>();
        detail::places<w> const p(n, a...);
        return team.reduce(p.count(), m, [=](index_t k) {
            index_t const i = p.first_of(k);
            return k < p.packs ? detail::values_step<w, F, A...>::template combined<Monoid>(f, a.template load<w>(i)...)
                               : detail::values_step<1, F, A...>::template combined<Monoid>(f, a.template load<1>(i)...);
        });
    } else {
        return team.reduce(n, m, [=](index_t i) { return f(a.template load<1>(i)[0]...); });
    }
}

}  // namespace midtrain::inline MT_ABI
