#pragma once
#include <cstdint>
#include <midtrain/concepts/annealing_policy.hpp>
#include <midtrain/core/loss_record.hpp>
#include <midtrain/core/types.hpp>

namespace midtrain::inline MT_ABI::annealing {

/// What a policy sees of a stage in which it has `length` tokens from `begin` on, which may be before the stage: it starts at zero. Its
/// steps are counted in batches of the size now, so that under a batch ramp they are steps of that size, and no others.
constexpr progress part_of(progress at, tokens begin, tokens length) {
    std::int64_t const batch = at.batch.count, away = begin.count < 0 ? -begin.count : begin.count;
    std::int64_t const steps = batch > 0 ? (away + batch - 1) / batch : 0;
    return {begin.count < 0 ? at.step + steps : at.step - steps, at.seen - begin, length, at.batch};
}

/// The stage after `to` tokens, which are over: by whole batches of the size now, so a policy that counts steps is asked for the right one.
constexpr progress moved_back(progress at, tokens to) {
    std::int64_t const steps = at.batch.count > 0 ? (at.seen - to).count / at.batch.count : 0;
    return {at.step - steps, to, at.budget, at.batch};
}

/// What a part that looks back sees: its own steps of the record, and those of its stage where it began before it.
constexpr loss_record record_of(loss_record seen, progress stage, progress part) {
    if (stage.step > part.step) seen.stage_begin += stage.step - part.step;
    return seen;
}

/// Whether a part fits into its tokens, in steps of `batch` where that is known; what has no `fits` fits everywhere.
template <class Policy>
constexpr bool part_fits(Policy const& policy, tokens budget, tokens batch = {}) {
    if constexpr (requires { policy.fits(budget, batch); }) return policy.fits(budget, batch);
    else if constexpr (requires { policy.fits(budget); }) return policy.fits(budget);
    else return true;
}

/// A policy's rate at the start and at the end of a stretch of its own, in steps of `batch`. Without a batch no step is counted, so what
/// counts steps is asked for its first.
template <class Policy>
constexpr double rate_at_start(Policy const& policy, tokens budget, tokens batch = {}) {
    return rate_of(policy, {0, {}, budget, batch});
}
template <class Policy>
constexpr double rate_at_end(Policy const& policy, tokens budget, tokens batch = {}) {
    return rate_of(policy, {batch.count > 0 ? (budget.count + batch.count - 1) / batch.count : 0, budget, budget, batch});
}

/// Whether two policies must meet where they join.
enum class joint { continuous, jump };

/// Whether the rates on both sides of a joint are the same but for rounding.
constexpr bool joint_meets(double a, double b) {
    double const apart = a < b ? b - a : a - b, size = a < b ? b : a;
    return apart <= 1e-9 * size;
}

}  // namespace midtrain::inline MT_ABI::annealing

namespace midtrain::inline MT_ABI {
using annealing::joint;
}
