#pragma once
#include <midtrain/model/deepseek_v3.hpp>

namespace test {

/// As tests/oracle/tiny_latent.py makes it.
struct tiny_deepseek_v3 : midtrain::model::deepseek_v3_shape {
    static constexpr int    layers = 2, width = 20, heads = 3, kv_heads = 3, head_size = 4, ffn = 24, vocab = 96, context = 64;
    static constexpr double norm_epsilon = 1e-5;
    static constexpr midtrain::latent_shape latent{.query_rank = 8, .rank = 7, .still = 6, .value_size = 5};
    static constexpr midtrain::expert_shape experts{.count = 6, .chosen = 2, .ffn = 10, .shared_ffn = 10,
                                                    .scores = midtrain::router_scores::sigmoid, .renormalise = true, .scale = 2.5,
                                                    .biased = true, .grouping = midtrain::expert_groups::best, .groups = 3,
                                                    .top_groups = 2, .first_dense = 1};
};

}  // namespace test
