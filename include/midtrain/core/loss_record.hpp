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

    constexpr std::size_t  width() const { return 1 + sources; }
    constexpr std::int64_t steps() const { return static_cast<std::int64_t>(values.size() / width()); }
    /// Steps count from 0.
    constexpr double loss(std::int64_t step) const { return values[static_cast<std::size_t>(step) * width()]; }
    constexpr double loss(std::int64_t step, std::size_t source) const {
        return values[static_cast<std::size_t>(step) * width() + 1 + source];
    }
    /// The same record as it was after so many steps.
    constexpr loss_record before(std::int64_t step) const {
        return {values.first(static_cast<std::size_t>(step < steps() ? step : steps()) * width()), sources};
    }
};

}  // namespace midtrain::inline MT_ABI
