#pragma once
#include <midtrain/annealing/any_shape.hpp>
#include <midtrain/annealing/constant.hpp>
#include <midtrain/annealing/decay.hpp>
#include <midtrain/annealing/multi_step.hpp>
#include <midtrain/annealing/part.hpp>
#include <midtrain/annealing/piecewise.hpp>
#include <midtrain/core/choice.hpp>

namespace midtrain::inline MT_ABI::annealing {

/// A number of a recipe that a file may let move over the run: a weight of a loss, a factor. Where it is constant, files and settings
/// write it as the number that it is.
struct any_scalar : choice<option<"constant", constant>, option<"decay", decay<any_shape>>, option<"multi_step", multi_step>,
                           option<"piecewise", piecewise_of<in_tokens, any_shape>>> {
    using any_scalar::choice::choice;
    any_scalar(double always) : any_scalar(constant{.peak = always}) {}

    static any_scalar of_number(double always) { return always; }
    double            rate(progress at) const {
        return visit([&](auto const& p) { return p.rate(at); });
    }
    bool fits(tokens budget) const {
        return visit([&](auto const& p) { return part_fits(p, budget); });
    }
    /// The number, where it is one.
    double* plain() {
        return visit([](auto& p) -> double* {
            if constexpr (requires { p.shape; } || requires { p.steps; }) return nullptr;
            else return &p.peak.value;
        });
    }
    double const* plain() const { return const_cast<any_scalar*>(this)->plain(); }
};

}  // namespace midtrain::inline MT_ABI::annealing

namespace midtrain::inline MT_ABI {
using annealing::any_scalar;
}
