#pragma once
#include <array>
#include <midtrain/concepts/mixture_policy.hpp>
#include <midtrain/core/required.hpp>
#include <midtrain/core/types.hpp>
#include <midtrain/mixture/sources.hpp>
#include <midtrain/mixture/transition.hpp>

namespace midtrain::inline MT_ABI::mixture {

/// The same weights all along.
template <template <class> class Sources>
struct fixed_mixture {
    Sources<midtrain::weight> share;

    constexpr auto weights(progress) const { return as_array(share); }
};

/// From one set of weights to another over the stage's tokens.
template <template <class> class Sources>
struct annealed_mixture {
    Sources<midtrain::weight> from, to;
    transition                shape = transition::linear;

    constexpr auto weights(progress at) const { return between(as_array(from), as_array(to), at.share(), shape); }
    constexpr mixture_flaw flaw(progress) const {
        return goes_from_zero(as_array(from), as_array(to), shape) ? mixture_flaw::from_zero : mixture_flaw::none;
    }
};

/// One set of weights until `until` tokens of the stage are done, another from there on.
template <template <class> class Sources>
struct staged_mixture {
    Sources<midtrain::weight> first;
    required<tokens>          until;
    Sources<midtrain::weight> then;

    constexpr auto         weights(progress at) const { return as_array(at.seen < until ? first : then); }
    constexpr mixture_flaw flaw(progress end) const { return switches_within(until, end.budget); }

    static constexpr mixture_flaw switches_within(tokens until, tokens budget) {
        return until > tokens{0} && until < budget ? mixture_flaw::none : mixture_flaw::switch_outside;
    }
};

}  // namespace midtrain::inline MT_ABI::mixture

namespace midtrain::inline MT_ABI {
using mixture::annealed_mixture;
using mixture::fixed_mixture;
using mixture::staged_mixture;
}  // namespace midtrain::inline MT_ABI
