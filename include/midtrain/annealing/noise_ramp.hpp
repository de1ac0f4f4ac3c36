#pragma once
#include <cstddef>
#include <cstdint>
#include <midtrain/annealing/batch_change.hpp>
#include <midtrain/core/loss_record.hpp>
#include <midtrain/core/noise_scale.hpp>
#include <midtrain/core/required.hpp>
#include <midtrain/core/types.hpp>

namespace midtrain::inline MT_ABI::annealing {

/// Twice the sequences, up to `to`, where the gradient noise scale allows: after each `every` steps of the stage it is taken from the
/// measurements within them, and the batch doubles if it then still is at most `share` of the scale (McCandlish et al. 2018, section 2.4,
/// whose optimum follows the scale). A pure function of the record, held between decisions; before there is a record the batch stays.
struct noise_ramp {
    required<index_t>      to;
    required<std::int64_t> every;
    double                 share = 1;

    static constexpr bool  counts_steps = true;
    constexpr std::int64_t changes(index_t) const { return 0; }
    constexpr auto         change(index_t, std::int64_t) const { return batch_change{}; }
    constexpr index_t      most(index_t) const { return to; }
    constexpr bool         fits(index_t first) const {
        if (!(every > 0 && share > 0 && first > 0 && to > first)) return false;
        index_t size = first;
        for (int k = 0; k < 16 && size < to; ++k) size *= 2;
        return size == to;
    }
    /// f(steps of the stage, sequences from there on) for each doubling that the record tells of; `length`: of a sequence, in tokens.
    template <class F>
    constexpr void each_doubling(index_t first, index_t length, loss_record const& seen, F const& f) const {
        index_t size = first;
        for (std::int64_t done = every; size < to && seen.stage_begin + done <= seen.steps(); done += every) {
            auto const   then = seen.before(seen.stage_begin + done);
            auto const   from = static_cast<double>(seen.stage_begin + done - every);
            std::int64_t rows = 0;
            for (std::size_t n = then.noise_rows(); n > 0 && then.noise[(n - 1) * then.noise_width()] > from; --n) ++rows;
            auto const scale = noise_scale_of(then, rows);
            if (scale.known() && share * scale.value() >= static_cast<double>(2 * size * length)) f(done, size *= 2);
        }
    }
};

}  // namespace midtrain::inline MT_ABI::annealing

namespace midtrain::inline MT_ABI {
using annealing::noise_ramp;
}
