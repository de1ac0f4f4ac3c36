#pragma once
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>
#include <midtrain/core/types.hpp>

namespace midtrain::inline MT_ABI::averaging {

/// A step of a soup and how much it counts beside the others.
struct soup_part {
    std::int64_t step   = 0;
    double       weight = 1;
};

namespace detail {

/// What a soup of any container of parts does.
template <class Parts>
constexpr double soup_share(Parts const& of, progress at) {
    double before = 0;
    for (auto const& p : of) {
        before += p.weight;
        if (p.step == at.step) return before > 0 ? p.weight / before : 0.0;
    }
    return 0;
}
template <class Parts, class F>
void for_each_soup_part(Parts& of, F& f) {
    std::size_t i = 0;
    for (auto& p : of) f(std::to_string(i++), p);
}

}  // namespace detail

/// The weighted mean of the weights after chosen steps, in order: `soup<2>{.of = {{.step = 100}, {.step = 120, .weight = 2}}}`.
template <std::size_t N>
struct soup {
    soup_part of[N];

    constexpr double share(progress at) const { return detail::soup_share(of, at); }
    /// f("0", part) and so on: settings of its parts.
    template <class F>
    void for_each_part(F&& f) {
        detail::for_each_soup_part(of, f);
    }
    template <class F>
    void for_each_part(F&& f) const {
        detail::for_each_soup_part(of, f);
    }
};

/// The same of as many steps as a file says.
struct listed_soup {
    std::vector<soup_part> of{};

    double share(progress at) const { return detail::soup_share(of, at); }
    template <class F>
    void for_each_part(F&& f) {
        detail::for_each_soup_part(of, f);
    }
    template <class F>
    void for_each_part(F&& f) const {
        detail::for_each_soup_part(of, f);
    }
};

}  // namespace midtrain::inline MT_ABI::averaging

namespace midtrain::inline MT_ABI {
using averaging::listed_soup;
using averaging::soup;
using averaging::soup_part;
}  // namespace midtrain::inline MT_ABI
