#pragma once
#include <cmath>
#include <string>
#include <utility>
#include <vector>
#include <midtrain/model/causal_convolution.hpp>
#include <midtrain/model/linear_by_heads.hpp>
#include <midtrain/model/state_space.hpp>
#include <midtrain/problem/parameters.hpp>
#include <midtrain/problem/state_shape.hpp>

namespace midtrain::inline MT_ABI::model {

/// How transformers names and shapes what a state space is made of: by itself, or with a dimension for heads.
enum class state_space_names { mamba, zamba };

/// All of a state space but what projects in and out, with transformers' fresh values.
struct state_space_parts {
    causal_convolution  mixes;
    linear_by_heads     select, steps;
    state_space_tensors tensors;

    template <class Shape>
    state_space_parts(parameter_layout& layout, index_t bucket, Shape const& s, std::string const& at, state_space_names names) {
        using form            = initial_values::form;
        state_shape const of  = s.state;
        index_t const     c = inner_of(s), rank = step_rank_of(s), n = of.states, taps = of.taps, heads = of.heads, selected = rank + 2 * n;
        bool const        own = names == state_space_names::mamba;
        auto const        named = [&](std::string const& name, std::vector<index_t> by_itself, std::vector<index_t> by_heads) {
            return parameter_part{.name = at + name, .shape = own ? std::move(by_itself) : std::move(by_heads)};
        };
        auto const add = [&](parameter_part part, index_t rows, index_t columns, role r, initial_values begins) {
            part.rows = rows;
            return layout.add({.name = part.name, .rows = rows, .columns = columns, .role = r, .begins = begins, .parts = {part}}, bucket);
        };
        auto const matrix = [&](parameter_part part, index_t inputs, index_t outputs, initial_values begins) {
            part.rows = heads * outputs;
            return linear_by_heads(layout, bucket, heads, inputs, outputs, std::move(part), begins);
        };
        auto const spread = [](double most) { return initial_values{0, most, form::uniform}; };

        parameter_part filter = named("conv1d.weight", {c, 1, taps}, {c, 1, taps});
        filter.transposed     = true;
        auto const taps_at    = add(filter, taps, c, role::filter,
                                    own ? spread(1 / std::sqrt(static_cast<double>(taps))) : initial_values{0, s.deviation});
        parameter taps_bias;
        if (of.convolution_bias) taps_bias = add(named("conv1d.bias", {}, {}), c, 1, role::bias, {});
        mixes  = causal_convolution(taps_at, taps_bias, of.across_documents);
        select = matrix(named(own ? "x_proj.weight" : "x_proj_weight", {}, {heads, selected, c / heads}), c / heads, selected,
                        {0, s.deviation});
        steps  = matrix(named(own ? "dt_proj.weight" : "dt_proj_weight", {}, {heads, c / heads, rank}), rank, c / heads,
                        spread(of.step_scale / std::sqrt(static_cast<double>(rank))));
        tensors.step_bias = add(named(own ? "dt_proj.bias" : "dt_proj_bias", {}, {heads, c / heads}), own ? c : heads,
                                own ? 1 : c / heads, role::bias, {of.step_least, of.step_most, form::steps, of.step_floor});
        tensors.log_rate = add(named("A_log", {}, {heads, c / heads, n}), c, n, role::state, {0, 0, form::counted});
        tensors.skip     = add(named("D", {c}, {heads, c / heads}), own ? c : heads, own ? 1 : c / heads, role::state, {1, 0});
    }
};

}  // namespace midtrain::inline MT_ABI::model
