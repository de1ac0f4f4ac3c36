#pragma once
#include <midtrain/core/choice.hpp>
#include <midtrain/mixture/mixtures.hpp>
#include <midtrain/mixture/named_sources.hpp>

namespace midtrain::inline MT_ABI::mixture {

/// A mixture of which only a file says which it is, over sources that it names.
struct any_mixture : choice<option<"fixed", fixed_mixture<named_sources>>, option<"annealed", annealed_mixture<named_sources>>,
                            option<"staged", staged_mixture<named_sources>>> {
    using choice::choice;

    source_weights weights(progress at) const {
        return visit([&](auto const& p) { return p.weights(at); });
    }
};

}  // namespace midtrain::inline MT_ABI::mixture

namespace midtrain::inline MT_ABI {
using mixture::any_mixture;
}
