#pragma once
#include <cstddef>
#include <cstdint>
#include <midtrain/annealing/clock.hpp>
#include <midtrain/annealing/shapes.hpp>
#include <midtrain/core/required.hpp>
#include <midtrain/core/short_list.hpp>
#include <midtrain/core/types.hpp>

namespace midtrain::inline MT_ABI::annealing {

template <class Clock>
struct rate_point {
    required<typename Clock::place> at;
    required<double>                rate;
};

/// A rate that goes through points, from each to the next in the shape; before the first and after the last it stays. Places rise; two
/// points may not stand at one place, since a jump is what `then` and `joined` are for.
template <class Clock = in_tokens, class Shape = linear_shape>
struct piecewise_of {
    short_list<rate_point<Clock>> points{};
    [[no_unique_address]] Shape   shape{};

    constexpr double rate(progress at) const {
        if (points.empty()) return 0;
        std::int64_t const done = Clock::done(at);
        std::size_t        n    = 0;
        while (n < points.size() && place(n) <= done) ++n;
        if (n == 0) return points[0].rate;
        if (n == points.size()) return points.back().rate;
        double const r = static_cast<double>(done - place(n - 1)) / static_cast<double>(place(n) - place(n - 1));
        return fall(shape, points[n - 1].rate, points[n].rate, r);
    }
    constexpr bool fits(tokens budget, tokens batch = {}) const {
        for (std::size_t n = 1; n < points.size(); ++n)
            if (!(place(n - 1) < place(n)) || !shape_fits(shape, points[n - 1].rate, points[n].rate)) return false;
        if (points.empty()) return false;
        if constexpr (Clock::counts_steps) return batch.count <= 0 || points.back().at <= (budget.count + batch.count - 1) / batch.count;
        else return points.back().at <= budget;
    }

    // Below: a part of the above. Public, so that the policy stays an aggregate.
    constexpr std::int64_t place(std::size_t n) const { return Clock::count(points[n].at); }
};
using piecewise       = piecewise_of<>;
using piecewise_steps = piecewise_of<in_steps>;

}  // namespace midtrain::inline MT_ABI::annealing

namespace midtrain::inline MT_ABI {
using annealing::piecewise;
using annealing::piecewise_of;
using annealing::piecewise_steps;
}  // namespace midtrain::inline MT_ABI
