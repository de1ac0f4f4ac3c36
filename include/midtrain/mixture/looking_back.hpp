#pragma once
#include <cstddef>
#include <cstdint>
#include <midtrain/core/loss_record.hpp>
#include <midtrain/core/types.hpp>

namespace midtrain::inline MT_ABI::mixture {

/// Windows of `hold` steps that are over in the stage, as the record tells; none before its first step, or when it is asked without one.
constexpr std::int64_t windows_done(progress at, loss_record const& so_far, std::int64_t hold) {
    std::int64_t const rows = so_far.in_stage().steps(), steps = at.step < rows ? at.step : rows;
    return hold > 0 && steps > 0 ? steps / hold : 0;
}

/// The mean loss of a source over window n, each of its steps counting alike; not a number where no step had a finite one.
constexpr double window_loss(loss_record const& in_stage, std::int64_t n, std::int64_t hold, std::size_t source) {
    double sum = 0, count = 0;
    for (std::int64_t step = n * hold; step < (n + 1) * hold; ++step) {
        double const x = in_stage.loss(step, source);
        if (x - x == 0) sum += x, ++count;
    }
    return sum / count;
}

}  // namespace midtrain::inline MT_ABI::mixture
