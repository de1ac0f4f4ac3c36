#pragma once
#include <midtrain/core/choice.hpp>
#include <midtrain/position/none.hpp>
#include <midtrain/position/partial.hpp>
#include <midtrain/position/rope.hpp>
#include <midtrain/position/scaled.hpp>
#include <midtrain/position/xpos.hpp>

namespace midtrain::inline MT_ABI::position {

/// A position policy of which only a file says which it is: one of this folder's, or one of `More`.
template <class... More>
struct position_choice
    : choice<option<"rope", rope>, option<"none", none>, option<"interpolated", interpolated>, option<"ntk", ntk>,
             option<"ntk_alpha", ntk_alpha>, option<"dynamic_ntk", dynamic_ntk>, option<"by_parts", by_parts>, option<"yarn", yarn>,
             option<"llama3", llama3>, option<"longrope", longrope>, option<"proportional", proportional>, More...> {
    using position_choice::choice::choice;

    index_t context() const {
        return this->visit([](auto const& p) -> index_t { return p.context(); });
    }
    double inverse_frequency(index_t pair, index_t width, index_t length) const {
        return this->visit([&](auto const& p) -> double { return p.inverse_frequency(pair, width, length); });
    }
    double position(index_t t) const {
        return this->visit([&](auto const& p) -> double { return p.position(t); });
    }
    double temperature(index_t length) const {
        return this->visit([&](auto const& p) -> double { return p.temperature(length); });
    }
    double score_factor(index_t length) const {
        return this->visit([&](auto const& p) { return score_factor_of(p, length); });
    }
    index_t rotary_width(index_t head_size) const {
        return this->visit([&](auto const& p) { return rotary_width_of(p, head_size); });
    }
    index_t plain_start() const {
        return this->visit([](auto const& p) { return plain_start_of(p); });
    }
    double plain_frequency(index_t pair, index_t width) const {
        return this->visit([&](auto const& p) -> double {
            if constexpr (requires { p.plain_frequency(pair, width); }) return p.plain_frequency(pair, width);
            else return p.inverse_frequency(pair, width, 1);
        });
    }
    double growth(index_t pair, index_t width, index_t t, index_t length) const {
        return this->visit([&](auto const& p) -> double {
            if constexpr (requires { p.growth(pair, width, t, length); }) return p.growth(pair, width, t, length);
            else return 1.0;
        });
    }
    bool grows() const {
        return this->visit([](auto const& p) { return midtrain::grows(p); });
    }
    position_fault fault(index_t head_size) const {
        return this->visit([&](auto const& p) { return position_fault_of(p, head_size); });
    }
};

/// One of this folder's policies, for the whole head.
using whole_head = position_choice<>;
/// The same, or for a part of each head.
using any_position = position_choice<option<"partial", partial<whole_head>>, option<"xpos", xpos>>;

}  // namespace midtrain::inline MT_ABI::position

namespace midtrain::inline MT_ABI {
using position::any_position;
}
