#pragma once
#include <string_view>
#include <midtrain/core/choice.hpp>
#include <midtrain/optim/adafactor.hpp>
#include <midtrain/optim/adamw.hpp>
#include <midtrain/optim/careful.hpp>
#include <midtrain/optim/lion.hpp>
#include <midtrain/optim/muon.hpp>
#include <midtrain/optim/rmsprop.hpp>
#include <midtrain/optim/sgd.hpp>

namespace midtrain::inline MT_ABI {

/// An optimizer of which only a file says which it is; AdamW where it says none.
struct any_optimizer : choice<option<"adamw", adamw>, option<"muon", muon>, option<"adafactor", adafactor>, option<"rmsprop", rmsprop>,
                              option<"lion", lion>, option<"sgd", sgd>, option<"careful_adamw", careful<adamw>>,
                              option<"careful_lion", careful<lion>>> {
    using choice::choice;

    static constexpr std::string_view usual = "adamw";

    constexpr bool fits() const {
        return visit([](auto const& o) {
            if constexpr (requires { o.fits(); }) return o.fits();
            else return true;
        });
    }
};

}  // namespace midtrain::inline MT_ABI
