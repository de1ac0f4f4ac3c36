#pragma once
#include <midtrain/core/choice.hpp>
#include <midtrain/position/llama3.hpp>
#include <midtrain/position/rope.hpp>
#include <midtrain/position/scaled.hpp>

namespace midtrain::inline MT_ABI::position {

/// A position policy of which only a file says which it is.
struct any_position : choice<option<"rope", rope>, option<"interpolated", interpolated>, option<"ntk", ntk>, option<"yarn", yarn>,
                             option<"llama3", llama3>> {
    using choice::choice;

    index_t context() const {
        return visit([](auto const& p) -> index_t { return p.context(); });
    }
    double inverse_frequency(index_t pair, index_t width, index_t length) const {
        return visit([&](auto const& p) -> double { return p.inverse_frequency(pair, width, length); });
    }
    double position(index_t t) const {
        return visit([&](auto const& p) -> double { return p.position(t); });
    }
    double temperature(index_t length) const {
        return visit([&](auto const& p) -> double { return p.temperature(length); });
    }
};

}  // namespace midtrain::inline MT_ABI::position

namespace midtrain::inline MT_ABI {
using position::any_position;
}
