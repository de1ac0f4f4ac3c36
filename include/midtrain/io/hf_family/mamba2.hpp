#pragma once
#include <midtrain/io/hf_family/mamba.hpp>
#include <midtrain/io/hf_state.hpp>
#include <midtrain/io/hf_words.hpp>

namespace midtrain::inline MT_ABI::io::hf {

inline constexpr detail::hf_state_keys mamba2_state_keys{"state_size", "conv_kernel", "expand", "", "use_conv_bias", "use_bias", "hidden_act"};

inline void read_mamba2(detail::hf_reader const& r, hf_config& c) {
    read_mamba_numbers(r, c, false);
    detail::read_state(r, c, mamba2_state_keys, 128);
    c.state.rates  = r.whole("num_heads", 128);
    c.state.heads  = r.whole("n_groups", 8);
    auto const size = r.whole("head_dim", 64);
    r.require(c.state.rates * size == c.state.inner, "'num_heads' times 'head_dim' is not 'expand' times 'hidden_size'");
    r.require(c.state.rates % c.state.heads == 0, "'n_groups' does not divide 'num_heads'");
    auto const limit = r.find("time_step_limit");
    r.require(!limit || detail::limits_nothing(*limit), "'time_step_limit' is not 0 to infinity; midtrain's time steps have no limits");
}
inline void write_mamba2(json::object& o, hf_config const& c, hf_rotary const&) {
    write_mamba_numbers(o, c);
    detail::write_state(o, c, mamba2_state_keys);
    o["num_heads"] = detail::number(c.state.rates);
    o["head_dim"]  = detail::number(c.state.inner / c.state.rates);
    o["n_groups"]  = detail::number(c.state.heads);
}
inline constexpr hf_words mamba2{hf_family::mamba2, hf_model::mamba2, "mamba2", "Mamba2ForCausalLM", mamba_keys, read_mamba2, write_mamba2};

}  // namespace midtrain::inline MT_ABI::io::hf
