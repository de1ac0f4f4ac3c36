#pragma once
#include <midtrain/annealing/constant.hpp>
#include <midtrain/annealing/decay.hpp>
#include <midtrain/annealing/excerpt.hpp>
#include <midtrain/annealing/exponential.hpp>
#include <midtrain/annealing/joined.hpp>
#include <midtrain/annealing/polynomial.hpp>
#include <midtrain/annealing/power_law.hpp>
#include <midtrain/annealing/wsd.hpp>
#include <midtrain/core/choice.hpp>

namespace midtrain::inline MT_ABI::annealing {

/// A policy of which only a file says which it is: one of this folder's, or one of `More`.
template <class... More>
struct annealing_choice : choice<option<"constant", constant>, option<"linear", linear>, option<"cosine", cosine>,
                                 option<"one_minus_sqrt", one_minus_sqrt>, option<"wsd", wsd>, option<"wsd_cosine", wsd_of<cosine_shape>>,
                                 option<"wsd_one_minus_sqrt", wsd_of<one_minus_sqrt_shape>>, option<"exponential", exponential>,
                                 option<"halving", halving>, option<"polynomial", polynomial>, option<"power_law", power_law>, More...> {
    using annealing_choice::choice::choice;

    double rate(progress at) const {
        return this->visit([&](auto const& p) -> double { return p.rate(at); });
    }
    bool fits(tokens budget) const {
        return this->visit([&](auto const& p) {
            if constexpr (requires { p.fits(budget); }) return p.fits(budget);
            else return true;
        });
    }
};

/// One of this folder's policies, whole or a stretch of it.
using one_annealing = annealing_choice<option<"excerpt", excerpt<annealing_choice<>>>>;
/// The same, or several of them one after another.
using any_annealing = annealing_choice<option<"excerpt", excerpt<annealing_choice<>>>, option<"joined", joined<one_annealing>>>;

}  // namespace midtrain::inline MT_ABI::annealing

namespace midtrain::inline MT_ABI {
using annealing::any_annealing;
}
