#pragma once
#include <cstddef>
#include <cstdint>
#include <string>
#include <midtrain/core/types.hpp>

namespace midtrain::inline MT_ABI::averaging {

/// A step of a soup and how much it counts beside the others.
struct soup_part {
    std::int64_t step   = 0;
    double       weight = 1;
};

/// The weighted mean of the weights after chosen steps, in order: `soup<2>{.of = {{.step = 100}, {.step = 120, .weight = 2}}}`.
template <std::size_t N>
struct soup {
    soup_part of[N];

    constexpr double share(progress at) const {
        double before = 0;
        for (auto const& p : of) {
            before += p.weight;
            if (p.step == at.step) return before > 0 ? p.weight / before : 0.0;
        }
        return 0;
    }
    /// f("0.step", step) and so on: settings of its parts.
    template <class F>
    void for_each_part(F&& f) {
        each(*this, f);
    }
    template <class F>
    void for_each_part(F&& f) const {
        each(*this, f);
    }

  private:
    template <class Self, class F>
    static void each(Self& self, F& f) {
        for (std::size_t i = 0; i < N; ++i) f(std::to_string(i), self.of[i]);
    }
};

}  // namespace midtrain::inline MT_ABI::averaging

namespace midtrain::inline MT_ABI {
using averaging::soup;
using averaging::soup_part;
}  // namespace midtrain::inline MT_ABI
