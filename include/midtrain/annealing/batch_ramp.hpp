#pragma once
#include <cstddef>
#include <cstdint>
#include <midtrain/annealing/batch_change.hpp>
#include <midtrain/annealing/clock.hpp>
#include <midtrain/annealing/noise_ramp.hpp>
#include <midtrain/core/choice.hpp>
#include <midtrain/core/loss_record.hpp>
#include <midtrain/core/required.hpp>
#include <midtrain/core/short_list.hpp>
#include <midtrain/core/types.hpp>

// How a batch grows on the way. A ramp begins with the batch's own number of sequences and lists the changes, in tokens or in steps of the
// stage. A change holds from the first step on that begins after it, so that no step is ever cut: train/batch_calendar.hpp.
namespace midtrain::inline MT_ABI::annealing {

/// No ramp.
struct steady_batch {
    static constexpr bool  counts_steps = false;
    constexpr std::int64_t changes(index_t) const { return 0; }
    constexpr batch_change change(index_t, std::int64_t) const { return {}; }
    constexpr bool         fits(index_t) const { return true; }
};

/// From the batch's sequences to `to` in equal stretches of `over`, `by` sequences more after each (Megatron-LM's --rampup-batch-size).
template <class Clock = in_tokens>
struct linear_ramp_of {
    required<index_t>               to;
    required<typename Clock::place> over;
    index_t                         by = 1;

    static constexpr bool  counts_steps = Clock::counts_steps;
    constexpr std::int64_t changes(index_t first) const { return by > 0 ? (to - first) / by : 0; }
    constexpr batch_change change(index_t first, std::int64_t k) const {
        // (k + 1) / n of `over`, in whole tokens; in two parts, lest the product overflow.
        std::int64_t const n = changes(first), all = Clock::count(over);
        return {all / n * (k + 1) + all % n * (k + 1) / n, first + (k + 1) * by};
    }
    constexpr bool fits(index_t first) const { return by > 0 && Clock::count(over) > 0 && to > first && (to - first) % by == 0; }
};

/// Twice the sequences after each `every`, until there are `to`.
template <class Clock = in_tokens>
struct doubling_ramp_of {
    required<index_t>               to;
    required<typename Clock::place> every;

    static constexpr bool  counts_steps = Clock::counts_steps;
    constexpr std::int64_t changes(index_t first) const {
        std::int64_t n = 0;
        for (index_t size = first; size > 0 && size < to; size *= 2) ++n;
        return n;
    }
    constexpr batch_change change(index_t first, std::int64_t k) const {
        return {Clock::count(every) * (k + 1), first * (index_t{1} << (k + 1))};
    }
    constexpr bool fits(index_t first) const {
        return Clock::count(every) > 0 && to > first && to < (index_t{1} << 40) && first * (index_t{1} << changes(first)) == to;
    }
};

template <class Clock>
struct batch_point {
    required<typename Clock::place> after;
    required<index_t>               sequences;
};

/// Any sizes: Megatron-LM's --step-batch-size-schedule "0:768 250B:1536" is sequences = 768 and {250_Gtok, 1536}.
template <class Clock = in_tokens>
struct batch_table_of {
    short_list<batch_point<Clock>> points{};

    static constexpr bool  counts_steps = Clock::counts_steps;
    constexpr std::int64_t changes(index_t) const { return static_cast<std::int64_t>(points.size()); }
    constexpr batch_change change(index_t, std::int64_t k) const {
        auto const& p = points[static_cast<std::size_t>(k)];
        return {Clock::count(p.after), p.sequences};
    }
    constexpr bool fits(index_t) const {
        std::int64_t before = 0;
        for (auto const& p : points) {
            if (Clock::count(p.after) <= before || p.sequences < 1) return false;
            before = Clock::count(p.after);
        }
        return !points.empty();
    }
};
using linear_ramp         = linear_ramp_of<>;
using linear_ramp_steps   = linear_ramp_of<in_steps>;
using doubling_ramp       = doubling_ramp_of<>;
using doubling_ramp_steps = doubling_ramp_of<in_steps>;
using batch_table         = batch_table_of<>;
using batch_table_steps   = batch_table_of<in_steps>;

/// Any of these. It holds a ramp by value, so that a stage with one has the type of a stage without.
struct batch_ramp : choice<option<"none", steady_batch>, option<"linear", linear_ramp>, option<"linear_steps", linear_ramp_steps>,
                           option<"doubling", doubling_ramp>, option<"doubling_steps", doubling_ramp_steps>,
                           option<"table", batch_table>, option<"table_steps", batch_table_steps>, option<"noise", noise_ramp>> {
    using batch_ramp::choice::choice;

    constexpr bool counts_steps() const {
        return visit([](auto const& r) { return r.counts_steps; });
    }
    constexpr std::int64_t changes(index_t first) const {
        return visit([&](auto const& r) { return r.changes(first); });
    }
    constexpr batch_change change(index_t first, std::int64_t k) const {
        return visit([&](auto const& r) { return r.change(first, k); });
    }
    /// Sequences that a step may have at most, where the changes do not tell.
    constexpr index_t most(index_t first) const {
        return visit([&](auto const& r) -> index_t {
            if constexpr (requires { r.most(first); }) return r.most(first);
            else return first;
        });
    }
    constexpr bool looks_back() const {
        return visit([](auto const& r) { return requires { r.most(index_t{}); }; });
    }
    /// One that looks back with the changes that the record tells of; any other is itself.
    constexpr batch_ramp after(loss_record const& seen, index_t first, index_t length) const {
        return visit([&](auto const& r) -> batch_ramp {
            if constexpr (requires { r.most(first); }) {
                batch_table_steps known;
                r.each_doubling(first, length, seen,
                                [&](std::int64_t steps, index_t sequences) { known.points.push_back({steps, sequences}); });
                if (known.points.empty()) return steady_batch{};
                return known;
            } else return r;
        });
    }
    /// Its numbers make sense, and there are at most a thousand changes.
    constexpr bool fits(index_t first) const {
        return first > 0 && changes(first) <= 1000 && visit([&](auto const& r) { return r.fits(first); });
    }
};

}  // namespace midtrain::inline MT_ABI::annealing

namespace midtrain::inline MT_ABI {
using annealing::batch_ramp;
using annealing::batch_table;
using annealing::batch_table_steps;
using annealing::doubling_ramp;
using annealing::doubling_ramp_steps;
using annealing::linear_ramp;
using annealing::linear_ramp_steps;
}  // namespace midtrain::inline MT_ABI
