#pragma once
#include <array>
#include <midtrain/core/required.hpp>
#include <midtrain/core/types.hpp>
#include <midtrain/mixture/sources.hpp>

namespace midtrain::inline MT_ABI::mixture {

/// The same weights all along.
template <template <class> class Sources>
struct fixed_mixture {
    Sources<midtrain::weight> share;

    constexpr auto weights(progress) const { return as_array(share); }
};

/// From one set of weights to another in a straight line over the stage's tokens.
template <template <class> class Sources>
struct annealed_mixture {
    Sources<midtrain::weight> from, to;

    constexpr auto weights(progress at) const {
        auto         w = as_array(from);
        auto const   b = as_array(to);
        double const t = at.share() < 0 ? 0.0 : at.share() > 1 ? 1.0 : at.share();
        for (std::size_t i = 0; i < w.size(); ++i) w[i] = w[i] * (1.0 - t) + b[i] * t;
        return w;
    }
};

/// One set of weights until `until` tokens of the stage are done, another from there on.
template <template <class> class Sources>
struct staged_mixture {
    Sources<midtrain::weight> first;
    required<tokens>          until;
    Sources<midtrain::weight> then;

    constexpr auto weights(progress at) const { return as_array(at.seen < until ? first : then); }
};

}  // namespace midtrain::inline MT_ABI::mixture

namespace midtrain::inline MT_ABI {
using mixture::annealed_mixture;
using mixture::fixed_mixture;
using mixture::staged_mixture;
}  // namespace midtrain::inline MT_ABI
