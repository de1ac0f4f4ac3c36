#pragma once
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <optional>
#include <string>
#include <vector>
#include <midtrain/core/error.hpp>
#include <midtrain/train/run_state.hpp>
#include <midtrain/train/step.hpp>

namespace midtrain::inline MT_ABI {

/// stop: the run ends with a sentence. skip: the step is done without an update, its batch is spent. rewind: weights, slots and record go
/// back to the newest checkpoint while the data go on, so that no sequence comes twice.
enum class fault_action { stop, skip, rewind };

/// What counts as a fault of a step, and what is done then. A spike is a loss far above those of the steps before, or a gradient far
/// longer; both are compared with running medians, which one bad step does not move. Nothing counts as a spike unless asked for.
struct fault_policy {
    fault_action not_a_number = fault_action::stop;
    fault_action spike        = fault_action::skip;
    double       loss_deviations = 0;  ///< median absolute deviations above the median loss, from which it is a spike; 0: never
    double       norm_ratio      = 0;  ///< multiples of the median norm of the gradient, likewise; 0: never
    int          window          = 64;  ///< steps of this stage that the medians look back
    int          at_least        = 16;  ///< steps of this stage before anything counts as a spike
    int          at_most         = 16;  ///< faults in a run; the next one stops it

    bool looks_back() const { return loss_deviations > 0 || norm_ratio > 0; }
    bool rewinds() const { return not_a_number == fault_action::rewind || (spike == fault_action::rewind && looks_back()); }
};

struct fault {
    fault_action action = fault_action::stop;
    std::string  what;
};

/// Judges steps by what a run remembers. Allocates nothing while all is well.
class fault_watch {
  public:
    fault_watch() = default;
    explicit fault_watch(fault_policy policy) : policy_(policy) {
        check(policy.window >= 2 && policy.at_least >= 2 && policy.at_least <= policy.window && policy.at_most >= 0 &&
                  policy.loss_deviations >= 0 && policy.norm_ratio >= 0,
              "faults: window is at least at_least, at_least at least 2, and the limits are not negative");
        values_.reserve(static_cast<std::size_t>(policy.window));
    }

    fault_policy const& policy() const { return policy_; }

    /// What is wrong with the step that `r` tells of, if anything is.
    std::optional<fault> find(run_state const& s, step_result const& r) {
        if (!std::isfinite(r.loss) || !std::isfinite(r.gradient_norm))
            return fault{policy_.not_a_number, "the loss is " + written(r.loss) + " and the gradient's norm " + written(r.gradient_norm)};
        if (!policy_.looks_back() || s.step_in_stage < policy_.at_least) return std::nullopt;
        if (policy_.loss_deviations > 0) {
            double const middle = median(s, [&](std::size_t i) { return s.record[i * s.record_width()]; });
            double const apart  = median(s, [&](std::size_t i) { return std::abs(s.record[i * s.record_width()] - middle); });
            // A record that hardly moves would make every step a spike.
            double const unit = std::max(apart, 1e-3 * std::abs(middle));
            if (r.loss > middle + policy_.loss_deviations * unit)
                return fault{policy_.spike, "the loss is " + written(r.loss) + " where " + written(middle) + " is usual"};
        }
        if (policy_.norm_ratio > 0) {
            double const middle = median(s, [&](std::size_t i) { return s.norms[i]; });
            if (middle > 0 && r.gradient_norm > policy_.norm_ratio * middle)
                return fault{policy_.spike,
                             "the gradient's norm is " + written(r.gradient_norm) + " where " + written(middle) + " is usual"};
        }
        return std::nullopt;
    }

  private:
    static std::string written(double x) {
        char text[32];
        std::snprintf(text, sizeof text, "%.4g", x);
        return text;
    }
    // Of the window's finite values.
    template <class Value>
    double median(run_state const& s, Value const& value) {
        auto const steps = static_cast<std::size_t>(std::min<std::int64_t>(policy_.window, s.step_in_stage));
        values_.clear();
        for (std::size_t i = s.norms.size() - std::min(steps, s.norms.size()); i < s.norms.size(); ++i)
            if (double const x = value(i); std::isfinite(x)) values_.push_back(x);
        if (values_.empty()) return 0;
        auto const half = values_.begin() + static_cast<std::ptrdiff_t>(values_.size() / 2);
        std::nth_element(values_.begin(), half, values_.end());
        return *half;
    }

    fault_policy        policy_;
    std::vector<double> values_;
};

}  // namespace midtrain::inline MT_ABI
