#pragma once
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>
#include <midtrain/annealing/part.hpp>
#include <midtrain/core/required.hpp>
#include <midtrain/core/types.hpp>

namespace midtrain::inline MT_ABI::annealing {

/// Policies one after another, each over tokens of its own and starting at zero: `then` for as many parts as a file says. The last one
/// has what is left of the stage, whatever its `over` says.
template <class Policy>
struct joined {
    struct part {
        tokens over{};
        joint  at_end = joint::continuous;
        Policy rate{};
    };
    std::vector<part> parts{};

    double rate(progress at) const {
        std::size_t n = 0;
        for (; n + 1 < parts.size() && !(at.seen < parts[n].over); ++n) at = part_of(at, parts[n].over, at.budget - parts[n].over);
        if (parts.empty()) return 0;
        at.budget = length(n, at.budget);
        return parts[n].rate.rate(at);
    }

    /// The parts lie inside the stage, fit where they stand, and meet.
    bool fits(tokens budget) const {
        for (std::size_t n = 0; n < parts.size(); ++n) {
            tokens const over = length(n, budget);
            if (over < tokens{} || budget < over || !parts[n].rate.fits(over)) return false;
            budget = budget - over;
            if (n + 1 == parts.size() || parts[n].at_end == joint::jump) continue;
            if (!joint_meets(rate_at_end(parts[n].rate, over), rate_at_start(parts[n + 1].rate, length(n + 1, budget)))) return false;
        }
        return !parts.empty();
    }

    /// Its parts by number, for settings: rate.0.over, rate.0.peak, ...
    template <class F>
    void for_each_part(F&& f) {
        for (std::size_t n = 0; n < parts.size(); ++n) f(std::string_view(std::to_string(n)), parts[n]);
    }
    template <class F>
    void for_each_part(F&& f) const {
        for (std::size_t n = 0; n < parts.size(); ++n) f(std::string_view(std::to_string(n)), parts[n]);
    }

    // Below: a part of the above. Public, so that the policy stays an aggregate.
    tokens length(std::size_t n, tokens left) const { return n + 1 < parts.size() ? parts[n].over : left; }
};

}  // namespace midtrain::inline MT_ABI::annealing
