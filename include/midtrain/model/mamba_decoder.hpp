#pragma once
#include <string>
#include <utility>
#include <vector>
#include <midtrain/model/decoder.hpp>
#include <midtrain/model/mixer_block.hpp>
#include <midtrain/model/norm.hpp>
#include <midtrain/problem/mtp_shape.hpp>

namespace midtrain::inline MT_ABI::model {

template <class Mixer>
using mamba_decoder = decoder<mixer_block<rmsnorm, Mixer>, rmsnorm>;

/// Blocks of RMSNorm and a state space, no attention and no positions, as transformers names Mamba's and Mamba-2's: `mixer(bucket, at)` makes
/// that of a layer.
template <class Mixer, class Shape, class Make>
mamba_decoder<Mixer> make_mamba_decoder(parameter_layout& layout, Shape const& s, Make const& mixer) {
    check_no_mtp(s);
    embedding const in(layout, s.vocab, s.width, "backbone.embeddings.weight", 0, "", s.deviation);
    std::vector<mixer_block<rmsnorm, Mixer>> blocks;
    for (int n = 0; n < s.layers; ++n) {
        std::string const at = "backbone.layers." + std::to_string(n) + ".";
        rmsnorm const     norm(layout, n + 1, s.width, at + "norm", s.norm_epsilon);
        blocks.emplace_back(norm, mixer(n + 1, at + "mixer."));
    }
    rmsnorm const norm(layout, s.layers + 1, s.width, "backbone.norm_f", s.norm_epsilon);
    head const    out = s.tied ? head(in.table()) : head(layout, s.layers + 1, s.vocab, s.width, "lm_head.weight", s.deviation);
    layout.close();
    return {in, std::move(blocks), norm, out};
}

}  // namespace midtrain::inline MT_ABI::model
