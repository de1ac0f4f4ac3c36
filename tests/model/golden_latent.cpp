#include <boost/test/unit_test.hpp>
#include <midtrain/model/deepseek_v3.hpp>
#include <midtrain/position/yarn.hpp>
#include <support/golden.hpp>

namespace mt = midtrain;

namespace {

struct tiny : mt::model::deepseek_v3_shape {
    static constexpr int    layers = 2, width = 20, heads = 3, kv_heads = 3, head_size = 4, ffn = 24, vocab = 96, context = 64;
    static constexpr double norm_epsilon = 1e-5;
    static constexpr mt::latent_shape latent{.query_rank = 8, .rank = 7, .still = 6, .value_size = 5};
    static constexpr mt::expert_shape experts{.count = 6, .chosen = 2, .ffn = 10, .shared_ffn = 10, .scores = mt::router_scores::sigmoid,
                                              .renormalise = true, .scale = 2.5, .biased = true, .grouping = mt::expert_groups::best,
                                              .groups = 3, .top_groups = 2, .first_dense = 1};
};
struct plain : tiny {
    static constexpr int              layers   = 1;
    static constexpr bool             qkv_bias = true, out_bias = true;
    static constexpr mt::latent_shape latent{.rank = 7, .still = 6, .value_size = 5, .pairs_side_by_side = false};
};

}  // namespace

BOOST_AUTO_TEST_SUITE(latent_attention_against_pytorch)

/// The temperature of scores is the square of mscale_all_dim's, beside that of cosine and sine (transformers, yarn_apply_mscale).
BOOST_AUTO_TEST_CASE(deepseek_v3) {
    mt::yarn const stretched{.base = 1e4, .trained = 16, .extended = 64, .fast = 8, .slow = 1, .factor = 4, .mscale = 1, .mscale_all_dim = 0.7,
                             .heat = mt::yarn_heat::scores};
    test::equals_pytorch<mt::model::deepseek_v3, tiny>("tiny_deepseek_v3.safetensors", stretched);
}
BOOST_AUTO_TEST_CASE(queries_without_a_latent) { test::equals_pytorch<mt::model::deepseek_v3, plain>("tiny_deepseek_v3_plain.safetensors"); }

BOOST_AUTO_TEST_SUITE_END()
