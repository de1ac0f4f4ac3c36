#pragma once
#include <midtrain/annealing/any_annealing.hpp>
#include <midtrain/averaging/ema.hpp>
#include <midtrain/averaging/merged_decay.hpp>
#include <midtrain/averaging/none.hpp>
#include <midtrain/averaging/soup.hpp>
#include <midtrain/averaging/tail.hpp>
#include <midtrain/core/choice.hpp>
#include <midtrain/core/types.hpp>

namespace midtrain::inline MT_ABI {

/// An average of which only a file says which it is.
struct any_average : choice<option<"none", averaging::none>, option<"ema", ema>, option<"ema_by_tokens", ema_by_tokens>,
                            option<"polyak_tail", polyak_tail>, option<"uniform_soup", uniform_soup>, option<"soup", listed_soup>,
                            option<"merged_decay", merged_decay<any_annealing>>> {
    using choice::choice;

    double share(progress at) const {
        return visit([&](auto const& p) -> double {
            if constexpr (requires { p.share(at); }) return p.share(at);
            else return 0;
        });
    }
};

}  // namespace midtrain::inline MT_ABI
