#pragma once
#include <cmath>
#include <string>
#include <vector>
#include <midtrain/core/error.hpp>
#include <midtrain/model/decoder_shape.hpp>
#include <midtrain/model/mamba_decoder.hpp>
#include <midtrain/model/norm.hpp>
#include <midtrain/model/state_space_duality.hpp>
#include <midtrain/problem/state_shape.hpp>

namespace midtrain::inline MT_ABI::model {

/// The Mamba-2 family (Dao and Gu 2024): blocks of RMSNorm and a state space whose heads each have one rate; names and fresh values as
/// transformers' Mamba2ForCausalLM. A shape has  static constexpr state_shape state{.rates = heads, .heads = groups, ...}.
struct mamba2 {
    static constexpr bool turns = false;  ///< whether it needs a rotary table

    template <class Shape>
    static mamba_decoder<state_space_duality> make(parameter_layout& layout, Shape const& s) {
        return make_mamba_decoder<state_space_duality>(layout, s, [&](index_t bucket, std::string const& at) { return mixer(layout, s, bucket, at); });
    }

  private:
    template <class Shape>
    static state_space_duality mixer(parameter_layout& layout, Shape const& s, index_t b, std::string const& at) {
        using form            = initial_values::form;
        state_shape const of  = s.state;
        index_t const     c = inner_of(s), heads = of.rates, mixed = c + 2 * of.heads * of.states, all = c + mixed + heads;
        check(heads > 0 && c % heads == 0 && heads % of.heads == 0,
              "Mamba-2: 'rates', its heads, divides its channels and is a multiple of 'heads', which select apart");
        auto const biased = [&](std::string const& name, index_t rows) {
            return of.bias ? std::vector<parameter_part>{{.name = at + name, .rows = rows}} : std::vector<parameter_part>{};
        };
        linear const in(layout, b, s.width, all, {{.name = at + "in_proj.weight", .rows = all}}, biased("in_proj.bias", all), s.deviation);
        parameter const taps = layout.add({.name = at + "conv1d.weight", .rows = of.taps, .columns = mixed, .role = role::filter,
                                           .begins = {0, 1 / std::sqrt(static_cast<double>(of.taps)), form::uniform},
                                           .parts = {{.name = at + "conv1d.weight", .rows = of.taps, .transposed = true, .shape = {mixed, 1, of.taps}}}}, b);
        parameter taps_bias;
        if (of.convolution_bias)
            taps_bias = layout.add({.name = at + "conv1d.bias", .rows = mixed, .columns = 1, .role = role::bias, .begins = {}, .parts = {}}, b);
        auto const once = [&](std::string const& name, role r, initial_values begins) {
            return layout.add({.name = at + name, .rows = 1, .columns = heads, .role = r, .begins = begins,
                               .parts = {{.name = at + name, .rows = 1, .shape = {heads}}}}, b);
        };
        state_space_tensors tensors;
        tensors.step_bias = once("dt_bias", role::bias, {of.step_least, of.step_most, form::steps, of.step_floor});
        tensors.log_rate  = once("A_log", role::state, {0, 0, form::counted});
        tensors.skip      = once("D", role::state, {1, 0});
        rmsnorm const norm(layout, b, c, at + "norm", s.norm_epsilon, norm_gain::plain, of.heads);
        // transformers draws what projects out uniformly, to a deviation of 1 / sqrt(3 channels).
        linear const out(layout, b, c, s.width, {{.name = at + "out_proj.weight", .rows = s.width}}, biased("out_proj.bias", s.width),
                         1 / std::sqrt(3.0 * static_cast<double>(c)));
        return {in, causal_convolution(taps, taps_bias, of.across_documents), norm, out, tensors, of.heads, of.states};
    }
};

/// The smallest published one.
struct mamba2_130m : decoder_shape {
    static constexpr int         layers = 24, width = 768, vocab = 50'288;
    static constexpr double      deviation = 0.1;
    static constexpr state_shape state{.states = 128, .rates = 24};
};

}  // namespace midtrain::inline MT_ABI::model
