#pragma once
#include <cstddef>
#include <midtrain/concepts/mixture_policy.hpp>
#include <midtrain/core/required.hpp>
#include <midtrain/core/short_list.hpp>
#include <midtrain/core/types.hpp>
#include <midtrain/mixture/sources.hpp>
#include <midtrain/mixture/transition.hpp>

namespace midtrain::inline MT_ABI::mixture {

/// Weights at a place of the stage, and how they go to those of the next point.
template <template <class> class Sources>
struct mixture_point {
    required<tokens>          at;
    Sources<midtrain::weight> share;
    transition                shape = transition::linear;
};

/// Through up to 16 points in order. Before the first one its weights hold, and after the last one its.
template <template <class> class Sources>
struct path_mixture {
    short_list<mixture_point<Sources>> points{};

    constexpr auto weights(progress now) const {
        std::size_t n = 0;
        while (n + 1 < points.size() && now.seen >= points[n + 1].at) ++n;
        auto const& here = points[n];
        auto const& next = points[n + 1 < points.size() ? n + 1 : n];
        return between(as_array(here.share), as_array(next.share), ratio(now.seen - here.at, next.at - here.at), here.shape);
    }
    constexpr mixture_flaw flaw(progress end) const {
        if (points.empty()) return mixture_flaw::points_out_of_order;
        for (std::size_t n = 0; n < points.size(); ++n) {
            tokens const at = points[n].at;
            if (at < tokens{0} || at > end.budget || (n > 0 && at <= points[n - 1].at)) return mixture_flaw::points_out_of_order;
            auto const w = as_array(points[n].share);
            if (double const sum = sum_of(w); !(sum > 1 - 1e-9 && sum < 1 + 1e-9)) return mixture_flaw::point_off;
            if (n > 0 && goes_from_zero(as_array(points[n - 1].share), w, points[n - 1].shape)) return mixture_flaw::from_zero;
        }
        return mixture_flaw::none;
    }
};

}  // namespace midtrain::inline MT_ABI::mixture

namespace midtrain::inline MT_ABI {
using mixture::mixture_point;
using mixture::path_mixture;
}  // namespace midtrain::inline MT_ABI
