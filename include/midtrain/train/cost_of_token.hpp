#pragma once
#include <midtrain/model/decoder_shape.hpp>
#include <midtrain/problem/expert_shape.hpp>
#include <midtrain/problem/layer_kind.hpp>
#include <midtrain/problem/mtp_shape.hpp>
#include <midtrain/problem/state_shape.hpp>

namespace midtrain::inline MT_ABI {

namespace detail {

/// Keys that a query sees on average in sequences of `length`, all one document.
constexpr double keys_of_query(layer_kind const& kind, double length) {
    double const w = static_cast<double>(kind.window);
    return w > 0 && w < length ? w - w * w / (2 * length) : length / 2;
}
template <class Shape>
constexpr bool has_states(Shape const& s) {
    if constexpr (requires { s.state; s.rotary; }) return s.state.inner > 0;  // a config.json's: of a model that has any
    else return requires { s.state; };
}
template <class Shape>
constexpr bool hybrid_layer(Shape const& s, int n) {
    if constexpr (requires { s.hybrid(n); }) return s.hybrid(n);
    else return false;
}

}  // namespace detail

/// Floating-point operations of one token, forward and backward, in sequences of `length` that are one document each. Six for each weight
/// that a token meets: of experts those of its choice, of Zamba's shared block as often as it stands there, of an embedding's look-up
/// none. Twelve for each value of a head and key that a query sees in a layer with attention; 24 for each state of a state space.
template <class Model>
double cost_of_token(Model const& model, index_t length) {
    auto const&  s       = model.shape();
    auto const   product = [](auto... sizes) { return (1.0 * ... * static_cast<double>(sizes)); };
    double       weights = static_cast<double>(model.parameters().count()), size = head_size_of(s), more = 0;
    double const width   = s.width;
    int const    ahead   = mtp_depth_of(s);
    if (!s.tied) weights -= product(s.vocab, width);
    if constexpr (requires { s.mtp; })
        if (!s.mtp.own_head) weights += product(ahead, s.vocab, width);
    if constexpr (requires { s.latent; })
        if (s.latent.rank > 0) size = (s.latent.still + size + s.latent.value_size) / 2;  // of scores, and of what they weigh
    if constexpr (requires { s.experts; })
        for (int n = 0; n < s.layers + ahead; ++n)
            if (has_experts(s.experts, n)) weights -= product(3, s.experts.count - s.experts.chosen, width, s.experts.ffn);
    int shared = 0;
    for (int n = 0; n < s.layers + ahead; ++n) {
        bool const hybrid = detail::hybrid_layer(s, n);
        shared += hybrid;
        if (!detail::has_states(s) || hybrid) more += 12 * product(s.heads, size, detail::keys_of_query(layer_of(s, n), static_cast<double>(length)));
    }
    if constexpr (requires { s.state; }) {
        if (detail::has_states(s)) more += 24 * product(s.layers, inner_of(s), s.state.states);
        if (shared > 1) weights += (shared - 1) * (product(2 * width, size, s.heads + 2 * s.kv_heads) + product(size, s.heads, width) + product(3, width, s.ffn));
    }
    return 6 * weights + more;
}

}  // namespace midtrain::inline MT_ABI
