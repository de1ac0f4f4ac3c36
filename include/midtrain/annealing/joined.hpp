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

    double rate(progress at) const { return at_part(at, {}); }
    double rate(progress at, loss_record const& so_far) const
        requires RateLooksBack<Policy>
    {
        return at_part(at, so_far);
    }

    /// The parts lie inside the stage, fit where they stand, and meet.
    bool fits(tokens budget, tokens batch = {}) const {
        for (std::size_t n = 0; n < parts.size(); ++n) {
            tokens const over = length(n, budget);
            if (over < tokens{} || budget < over || !part_fits(parts[n].rate, over, batch)) return false;
            budget = budget - over;
            if (n + 1 == parts.size() || parts[n].at_end == joint::jump) continue;
            if (!joint_meets(rate_at_end(parts[n].rate, over, batch), rate_at_start(parts[n + 1].rate, length(n + 1, budget), batch))) return false;
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

    // Below: parts of the above. Public, so that the policy stays an aggregate.
    double at_part(progress at, loss_record const& so_far) const {
        if (parts.empty()) return 0;
        progress    own = at;
        std::size_t n   = 0;
        for (; n + 1 < parts.size() && !(own.seen < parts[n].over); ++n) own = part_of(own, parts[n].over, own.budget - parts[n].over);
        own.budget = length(n, own.budget);
        return rate_of(parts[n].rate, own, record_of(so_far, at, own));
    }
    tokens length(std::size_t n, tokens left) const { return n + 1 < parts.size() ? parts[n].over : left; }
};

}  // namespace midtrain::inline MT_ABI::annealing
