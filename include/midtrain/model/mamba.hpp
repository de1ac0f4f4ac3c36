#pragma once
#include <cmath>
#include <string>
#include <utility>
#include <vector>
#include <midtrain/model/decoder.hpp>
#include <midtrain/model/decoder_shape.hpp>
#include <midtrain/model/mixer_block.hpp>
#include <midtrain/model/norm.hpp>
#include <midtrain/model/state_space.hpp>

namespace midtrain::inline MT_ABI::model {

/// The Mamba family (Gu and Dao 2023): blocks of RMSNorm and a state space, no attention and no positions; names and fresh values as
/// transformers' MambaForCausalLM. A shape has  static constexpr state_shape state{...}.
struct mamba {
    static constexpr bool turns = false;  ///< whether it needs a rotary table

    template <class Shape>
    static decoder<mixer_block<rmsnorm, state_space<>>, rmsnorm> make(parameter_layout& layout, Shape const& s) {
        embedding const in(layout, s.vocab, s.width, "backbone.embeddings.weight", 0, "", s.deviation);
        std::vector<mixer_block<rmsnorm, state_space<>>> blocks;
        for (int n = 0; n < s.layers; ++n) {
            std::string const at = "backbone.layers." + std::to_string(n) + ".";
            rmsnorm const     norm(layout, n + 1, s.width, at + "norm", s.norm_epsilon);
            blocks.emplace_back(norm, mixer(layout, s, n + 1, at + "mixer."));
        }
        rmsnorm const norm(layout, s.layers + 1, s.width, "backbone.norm_f", s.norm_epsilon);
        head const    out = s.tied ? head(in.table()) : head(layout, s.layers + 1, s.vocab, s.width, "lm_head.weight", s.deviation);
        layout.close();
        return {in, std::move(blocks), norm, out};
    }

  private:
    template <class Shape>
    static state_space<> mixer(parameter_layout& layout, Shape const& s, index_t b, std::string const& at) {
        using form            = initial_values::form;
        state_shape const of  = s.state;
        index_t const     c = inner_of(s), rank = step_rank_of(s), n = of.states, taps = of.taps;
        auto const        add = [&](std::string const& name, index_t rows, index_t columns, role r, initial_values begins, parameter_part part) {
            part.name = at + name;
            part.rows = rows;
            return layout.add({.name = part.name, .rows = rows, .columns = columns, .role = r, .begins = begins, .parts = {part}}, b);
        };
        auto const spread = [](double most) { return initial_values{0, most, form::uniform}; };
        auto const biased = [&](std::string const& name, index_t rows) {
            return of.bias ? std::vector<parameter_part>{{at + name, 0, rows}} : std::vector<parameter_part>{};
        };
        double const        steps = of.step_scale / std::sqrt(static_cast<double>(rank));
        state_space_tensors tensors;
        linear const in(layout, b, s.width, 2 * c, {{at + "in_proj.weight", 0, 2 * c}}, biased("in_proj.bias", 2 * c), s.deviation);
        tensors.taps = add("conv1d.weight", taps, c, role::filter, spread(1 / std::sqrt(static_cast<double>(taps))), {"", 0, 0, true, {c, 1, taps}});
        if (of.convolution_bias) tensors.taps_bias = add("conv1d.bias", c, 1, role::bias, {}, {});
        linear_by_heads const select(layout, b, 1, c, rank + 2 * n, {at + "x_proj.weight", 0, rank + 2 * n}, {0, s.deviation});
        linear_by_heads const step(layout, b, 1, rank, c, {at + "dt_proj.weight", 0, c}, spread(steps));
        tensors.step_bias = add("dt_proj.bias", c, 1, role::bias, {of.step_least, of.step_most, form::steps, of.step_floor}, {});
        tensors.log_rate  = add("A_log", c, n, role::state, {0, 0, form::counted}, {});
        tensors.skip      = add("D", c, 1, role::state, {1, 0}, {"", 0, 0, false, {c}});
        // transformers draws what projects out uniformly, to a deviation of 1 / sqrt(3 channels).
        linear const out(layout, b, c, s.width, {{at + "out_proj.weight", 0, s.width}}, biased("out_proj.bias", s.width),
                         1 / std::sqrt(3.0 * static_cast<double>(c)));
        return {in, select, step, out, tensors, of};
    }
};

}  // namespace midtrain::inline MT_ABI::model
