#pragma once
#include <cmath>
#include <string>
#include <vector>
#include <midtrain/model/decoder_shape.hpp>
#include <midtrain/model/mamba_decoder.hpp>
#include <midtrain/model/state_space.hpp>
#include <midtrain/model/state_space_parts.hpp>

namespace midtrain::inline MT_ABI::model {

/// The Mamba family (Gu and Dao 2023): blocks of RMSNorm and a state space, no attention and no positions; names and fresh values as
/// transformers' MambaForCausalLM. A shape has  static constexpr state_shape state{...}.
struct mamba {
    static constexpr bool turns = false;  ///< whether it needs a rotary table

    template <class Shape>
    static mamba_decoder<state_space<>> make(parameter_layout& layout, Shape const& s) {
        return make_mamba_decoder<state_space<>>(layout, s, [&](index_t bucket, std::string const& at) { return mixer(layout, s, bucket, at); });
    }

  private:
    template <class Shape>
    static state_space<> mixer(parameter_layout& layout, Shape const& s, index_t b, std::string const& at) {
        index_t const c      = inner_of(s);
        auto const    biased = [&](std::string const& name, index_t rows) {
            return s.state.bias ? std::vector<parameter_part>{{.name = at + name, .rows = rows}} : std::vector<parameter_part>{};
        };
        linear const in(layout, b, s.width, 2 * c, {{.name = at + "in_proj.weight", .rows = 2 * c}}, biased("in_proj.bias", 2 * c),
                        s.deviation);
        state_space_parts const parts(layout, b, s, at, state_space_names::mamba);
        // transformers draws what projects out uniformly, to a deviation of 1 / sqrt(3 channels).
        linear const out(layout, b, c, s.width, {{.name = at + "out_proj.weight", .rows = s.width}}, biased("out_proj.bias", s.width),
                         1 / std::sqrt(3.0 * static_cast<double>(c)));
        return {in, parts.mixes, parts.select, parts.steps, out, parts.tensors, s.state.heads};
    }
};

/// The smallest published one.
struct mamba_130m : decoder_shape {
    static constexpr int         layers = 24, width = 768, vocab = 50'280;
    static constexpr double      deviation = 0.1;
    static constexpr state_shape state{};
};

}  // namespace midtrain::inline MT_ABI::model
