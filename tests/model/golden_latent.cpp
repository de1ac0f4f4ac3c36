#include <boost/test/unit_test.hpp>
#include <midtrain/position/yarn.hpp>
#include <support/golden.hpp>
#include <support/tiny_deepseek_v3.hpp>

namespace mt = midtrain;

namespace {

using tiny = test::tiny_deepseek_v3;
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
