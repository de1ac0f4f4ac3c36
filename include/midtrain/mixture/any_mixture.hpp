#pragma once
#include <cstdint>
#include <midtrain/concepts/mixture_policy.hpp>
#include <midtrain/core/choice.hpp>
#include <midtrain/core/loss_record.hpp>
#include <midtrain/mixture/bounded.hpp>
#include <midtrain/mixture/by_size.hpp>
#include <midtrain/mixture/doremi.hpp>
#include <midtrain/mixture/mixtures.hpp>
#include <midtrain/mixture/named_sources.hpp>
#include <midtrain/mixture/odm.hpp>
#include <midtrain/mixture/path.hpp>
#include <midtrain/mixture/replay.hpp>
#include <midtrain/mixture/staged.hpp>

namespace midtrain::inline MT_ABI::mixture {

/// A mixture of which only a file says which it is, over sources that it names: one of this folder's, or one of `More`.
template <class... More>
struct mixture_choice
    : choice<option<"fixed", fixed_mixture<named_sources>>, option<"annealed", annealed_mixture<named_sources>>,
             option<"path", path_mixture<named_sources>>, option<"staged", staged_mixture<named_sources>>,
             option<"staged_by_steps", staged_by_steps<named_sources>>, option<"staged_by_rate", staged_by_rate<named_sources>>,
             option<"tempered", tempered_mixture<named_sources>>, option<"unimax", unimax_mixture<named_sources>>,
             option<"micro_anneal", micro_anneal<named_sources>>, option<"doremi", doremi_mixture<named_sources>>,
             option<"odm", odm_mixture<named_sources>>, More...> {
    using mixture_choice::choice::choice;

    source_weights weights(progress at, loss_record const& so_far = {}) const {
        return this->visit([&](auto const& p) { return weights_of(p, at, so_far); });
    }
    std::int64_t window() const {
        return this->visit([](auto const& p) { return window_of(p); });
    }
    mixture_flaw flaw(progress end) const {
        return this->visit([&](auto const& p) { return flaw_of(p, end); });
    }
    /// Tokens of each source that the run may draw; of none where the policy has no caps.
    source_weights allowed() const {
        return this->visit([](auto const& p) -> source_weights {
            if constexpr (requires { p.allowed(); }) return p.allowed();
            else return {};
        });
    }
    /// As staged_by_rate has it, wherever it stands.
    template <class Rate, class At>
    void follow(Rate const& rate, std::int64_t steps, At const& at) {
        this->visit([&](auto& p) { follow_rate(p, rate, steps, at); });
    }
};

/// One of this folder's mixtures that stand alone; or one that changes such a one; or any of these with caps.
using one_mixture = mixture_choice<>;
template <class... More>
using changed_choice = mixture_choice<option<"floored", floored_mixture<named_sources, one_mixture>>,
                                      option<"replay", replay_mixture<named_sources, one_mixture>>,
                                      option<"upsampled", upsampled_mixture<named_sources, one_mixture>>, More...>;
using any_mixture = changed_choice<option<"capped", capped_mixture<named_sources, changed_choice<>>>>;

}  // namespace midtrain::inline MT_ABI::mixture

namespace midtrain::inline MT_ABI {
using mixture::any_mixture;
}
