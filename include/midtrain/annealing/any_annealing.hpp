#pragma once
#include <midtrain/annealing/any_shape.hpp>
#include <midtrain/annealing/constant.hpp>
#include <midtrain/annealing/cooldown.hpp>
#include <midtrain/annealing/cooled.hpp>
#include <midtrain/annealing/decay.hpp>
#include <midtrain/annealing/excerpt.hpp>
#include <midtrain/annealing/exponential.hpp>
#include <midtrain/annealing/infinite.hpp>
#include <midtrain/annealing/inverse_sqrt.hpp>
#include <midtrain/annealing/joined.hpp>
#include <midtrain/annealing/like/any_trainer.hpp>
#include <midtrain/annealing/like/run_of.hpp>
#include <midtrain/annealing/multi_step.hpp>
#include <midtrain/annealing/part.hpp>
#include <midtrain/annealing/piecewise.hpp>
#include <midtrain/annealing/polynomial.hpp>
#include <midtrain/annealing/power_law.hpp>
#include <midtrain/annealing/power_scheduler.hpp>
#include <midtrain/annealing/reduce_on_plateau.hpp>
#include <midtrain/annealing/restarts.hpp>
#include <midtrain/annealing/warmup.hpp>
#include <midtrain/annealing/wsd.hpp>
#include <midtrain/annealing/wsd_s.hpp>
#include <midtrain/concepts/annealing_policy.hpp>
#include <midtrain/core/choice.hpp>
#include <midtrain/core/loss_record.hpp>

namespace midtrain::inline MT_ABI::annealing {

/// A policy of which only a file says which it is: one of this folder's, or one of `More`. Where it has a shape, the file names that, too.
template <class... More>
struct annealing_choice
    : choice<option<"constant", constant>, option<"linear", linear>, option<"cosine", cosine>, option<"one_minus_sqrt", one_minus_sqrt>,
             option<"decay", decay<any_shape>>, option<"wsd", wsd_of<any_shape>>, option<"wsd_s", wsd_s_of<any_shape>>,
             option<"cooldown", cooldown_of<any_shape>>, option<"infinite", infinite_of<any_shape, any_shape>>,
             option<"restarts", restarts_of<any_shape>>, option<"exponential", exponential>, option<"half_life", half_life>,
             option<"halving", halving>, option<"polynomial", polynomial>, option<"inverse_sqrt", inverse_sqrt>,
             option<"power_law", power_law>, option<"power_scheduler", power_scheduler>, option<"multi_step", multi_step>,
             option<"piecewise", piecewise_of<in_tokens, any_shape>>, option<"piecewise_steps", piecewise_of<in_steps, any_shape>>,
             option<"like", like::run_of<like::any_trainer>>, More...> {
    using annealing_choice::choice::choice;

    double rate(progress at, loss_record const& so_far = {}) const {
        return this->visit([&](auto const& p) -> double { return rate_of(p, at, so_far); });
    }
    bool fits(tokens budget, tokens batch = {}) const {
        return this->visit([&](auto const& p) { return part_fits(p, budget, batch); });
    }
    /// Whether it, or a part of it, waits for held-out losses.
    bool looks_back() const {
        return this->visit([](auto const& p) {
            if constexpr (requires { p.parts[0].rate.looks_back(); }) {
                for (auto const& part : p.parts)
                    if (part.rate.looks_back()) return true;
                return false;
            } else return requires { p.reductions(loss_record{}); };
        });
    }
};

/// One of this folder's policies: whole, a stretch of it, behind a warm-up or with a tail, or one that held-out losses lower.
using one_annealing = annealing_choice<option<"excerpt", excerpt<annealing_choice<>>>, option<"warmed", warmed<annealing_choice<>>>,
                                       option<"cooled", cooled<annealing_choice<>, any_shape>>,
                                       option<"reduce_on_plateau", reduce_on_plateau<annealing_choice<>>>>;
/// The same, or several of them one after another.
using any_annealing =
    annealing_choice<option<"excerpt", excerpt<annealing_choice<>>>, option<"warmed", warmed<annealing_choice<>>>,
                     option<"cooled", cooled<annealing_choice<>, any_shape>>, option<"joined", joined<one_annealing>>,
                     option<"reduce_on_plateau", reduce_on_plateau<annealing_choice<>>>>;

}  // namespace midtrain::inline MT_ABI::annealing

namespace midtrain::inline MT_ABI {
using annealing::any_annealing;
}
