#pragma once
#include <midtrain/model/decoder_shape.hpp>
#include <midtrain/model/expert_family.hpp>
#include <midtrain/model/latent_attention.hpp>

namespace midtrain::inline MT_ABI::model {

/// DeepSeek-V3 (arXiv 2412.19437): latent attention, and experts behind the first dense layers. Shapes have
///     static constexpr latent_shape latent{...};   and   static constexpr expert_shape experts{...};
struct deepseek_v3 : expert_family<deepseek_v3> {
    template <class Shape>
    using mixer = latent_attention;

    template <class Shape>
    static latent_attention make_mixer(layer_place const& to, Shape const& s) {
        return make_latent_attention(to, s);
    }
};

/// Where DeepSeek-V3's shapes begin; kv_heads is heads, and head_size what of a head turns.
struct deepseek_v3_shape : decoder_shape {
    static constexpr bool         tied         = false;
    static constexpr double       norm_epsilon = 1e-6, deviation = 0.006;
    static constexpr bool         depth_scaled = false;
    static constexpr int          head_size    = 64;
    static constexpr latent_shape latent{.query_rank = 1536, .rank = 512, .still = 128, .value_size = 128};
    static constexpr expert_shape experts{.count = 256, .chosen = 8, .ffn = 2048, .shared_ffn = 2048, .scores = router_scores::sigmoid,
                                          .renormalise = true, .scale = 2.5, .biased = true, .grouping = expert_groups::best, .groups = 8,
                                          .top_groups = 4, .first_dense = 3, .naming = expert_naming::deepseek,
                                          .balance = {.sequence = 1e-4}};
};
/// The published one (section 4.2), without its module of multi-token prediction.
struct deepseek_v3_671b : deepseek_v3_shape {
    static constexpr int layers = 61, width = 7168, heads = 128, kv_heads = 128, ffn = 18'432, vocab = 129'280, context = 4096;
};

}  // namespace midtrain::inline MT_ABI::model
