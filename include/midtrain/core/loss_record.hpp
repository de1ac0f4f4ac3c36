#pragma once
#include <cstddef>
#include <cstdint>
#include <span>
#include <midtrain/config.hpp>

namespace midtrain::inline MT_ABI {

/// What a run has recorded so far, seen by policies that look back: a row a step, of the loss and then the loss by source, in nats a
/// token; not a number where the step had no target of that source. It points, it never owns.
struct loss_record {
    std::span<double const> values{};       ///< rows one after the other, the first step first
    std::size_t             sources = 0;
    std::int64_t            stage_begin = 0;  ///< rows of earlier stages; `progress::step` counts from here
    std::span<double const> held_out{};     ///< rows of an evaluation: steps that were done, then the held-out loss by source
    std::span<double const> noise{};        ///< rows of a measured step, noise_width() numbers each: see core/noise_scale.hpp

    constexpr std::size_t  width() const { return 1 + sources; }
    constexpr std::int64_t steps() const { return static_cast<std::int64_t>(values.size() / width()); }
    /// Steps count from 0.
    constexpr double loss(std::int64_t step) const { return values[static_cast<std::size_t>(step) * width()]; }
    constexpr double loss(std::int64_t step, std::size_t source) const {
        return values[static_cast<std::size_t>(step) * width() + 1 + source];
    }

    constexpr std::size_t  evaluations() const { return held_out.size() / width(); }
    /// Steps that were done when evaluation `e` was made.
    constexpr std::int64_t evaluated_at(std::size_t e) const { return static_cast<std::int64_t>(held_out[e * width()]); }
    /// Mean held-out loss over the sources that evaluation `e` measured.
    constexpr double held_out_loss(std::size_t e) const {
        double sum = 0, count = 0;
        for (std::size_t k = 1; k <= sources; ++k)
            if (double const x = held_out[e * width() + k]; x == x) sum += x, ++count;
        return sum / count;
    }

    /// Numbers of a row of `noise`: steps that were done, mean square of the parts' gradients, square of the batch's, parts, targets; then
    /// the mean square of the parts of each source.
    constexpr std::size_t noise_width() const { return 5 + sources; }
    constexpr std::size_t noise_rows() const { return noise.size() / noise_width(); }

    /// The same record as it was after so many steps.
    constexpr loss_record before(std::int64_t step) const {
        std::size_t e = 0, n = 0;
        while (e < evaluations() && evaluated_at(e) <= step) ++e;
        while (n < noise_rows() && static_cast<std::int64_t>(noise[n * noise_width()]) <= step) ++n;
        auto const rows = static_cast<std::size_t>(step < steps() ? step : steps());
        return {values.first(rows * width()), sources, stage_begin, held_out.first(e * width()), noise.first(n * noise_width())};
    }
    /// The losses of the stage under way, the first of them step 0.
    constexpr loss_record in_stage() const {
        std::int64_t const skipped = stage_begin < steps() ? stage_begin : steps();
        return {values.subspan(static_cast<std::size_t>(skipped) * width()), sources, 0};
    }
};

}  // namespace midtrain::inline MT_ABI
