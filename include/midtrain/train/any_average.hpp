#pragma once
#include <cstdint>
#include <string>
#include <vector>
#include <midtrain/annealing/any_annealing.hpp>
#include <midtrain/averaging/ema.hpp>
#include <midtrain/averaging/merged_decay.hpp>
#include <midtrain/averaging/none.hpp>
#include <midtrain/averaging/soup.hpp>
#include <midtrain/averaging/tail.hpp>
#include <midtrain/core/choice.hpp>
#include <midtrain/core/types.hpp>

namespace midtrain::inline MT_ABI {

/// A soup of as many steps as a file says, in order.
struct listed_soup {
    std::vector<soup_part> of{};

    double share(progress at) const {
        double before = 0;
        for (auto const& p : of) {
            before += p.weight;
            if (p.step == at.step) return before > 0 ? p.weight / before : 0.0;
        }
        return 0;
    }
    template <class F>
    void for_each_part(F&& f) {
        for (std::size_t i = 0; i < of.size(); ++i) f(std::to_string(i), of[i]);
    }
    template <class F>
    void for_each_part(F&& f) const {
        for (std::size_t i = 0; i < of.size(); ++i) f(std::to_string(i), of[i]);
    }
};

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
