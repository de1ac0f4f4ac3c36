#pragma once
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <utility>
#include <vector>
#include <midtrain/annealing/any_annealing.hpp>
#include <midtrain/core/error.hpp>
#include <midtrain/core/types.hpp>

namespace midtrain::inline MT_ABI::foreign {

/// A schedule as other trainers think of it: stretches on a clock of its own, from which a run cuts what it lives to see.
class timeline {
  public:
    using policy = annealing::annealing_choice<>;

    /// The next `length` tokens. The policy is stretched over `of` tokens (0: these), of which it sees those from `skip` on.
    timeline& add(std::int64_t length, policy p, std::int64_t skip = 0, std::int64_t of = 0) {
        if (length > 0) spans_.push_back({length, std::move(p), skip, of > 0 ? of : length});
        return *this;
    }
    /// From here on without end.
    void hold(double rate) { add(std::numeric_limits<std::int64_t>::max() / 4, annealing::constant{rate}); }

    /// What a run of `budget` tokens sees that begins `begin` tokens after the clock, as one of our policies.
    any_annealing cut(std::int64_t begin, std::int64_t budget) const {
        annealing::joined<annealing::one_annealing> row;
        std::int64_t                                at = 0;
        for (auto const& s : spans_) {
            std::int64_t const from = std::max(begin, at), to = std::min(begin + budget, at + s.length);
            if (from < to) row.parts.push_back({{to - from}, annealing::joint::jump, piece(s, s.skip + from - at, to - from)});
            at += s.length;
        }
        check(!row.parts.empty(), "the schedule has no step");
        for (std::size_t n = 0; n + 1 < row.parts.size(); ++n) {
            tokens const over = row.parts[n].over, next = row.parts[n + 1].over;
            bool const   meet = annealing::joint_meets(row.parts[n].rate.rate({0, over, over, {}}),
                                                       row.parts[n + 1].rate.rate({0, {}, next, {}}));
            row.parts[n].at_end = meet ? annealing::joint::continuous : annealing::joint::jump;
        }
        if (row.parts.size() > 1) return row;
        return row.parts.front().rate.visit([](auto const& one) { return any_annealing(one); });
    }

  private:
    struct span {
        std::int64_t length;
        policy       shape;
        std::int64_t skip, of;
    };
    static annealing::one_annealing piece(span const& s, std::int64_t skip, std::int64_t over) {
        bool const always = s.shape.kind() == "constant", from_start = s.shape.kind() == "power_law" && skip == 0;
        if (always || from_start || (skip == 0 && over == s.of))
            return s.shape.visit([](auto const& one) { return annealing::one_annealing(one); });
        return annealing::excerpt<policy>{.of = tokens{std::max(s.of, skip + over)}, .skip = {skip}, .policy = s.shape};
    }

    std::vector<span> spans_;
};

}  // namespace midtrain::inline MT_ABI::foreign
