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
#include <midtrain/model/state_space_parts.hpp>
#include <midtrain/problem/mtp_shape.hpp>

namespace midtrain::inline MT_ABI::model {

/// The Mamba family (Gu and Dao 2023): blocks of RMSNorm and a state space, no attention and no positions; names and fresh values as
/// transformers' MambaForCausalLM. A shape has  static constexpr state_shape state{...}.
struct mamba {
    static constexpr bool turns = false;  ///< whether it needs a rotary table

    template <class Shape>
    static decoder<mixer_block<rmsnorm, state_space<>>, rmsnorm> make(parameter_layout& layout, Shape const& s) {
        check_no_mtp(s);
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
