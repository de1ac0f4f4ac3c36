#include <boost/test/unit_test.hpp>
#include <midtrain/model/gemma.hpp>
#include <midtrain/model/granite.hpp>
#include <midtrain/model/llama.hpp>
#include <midtrain/model/nemotron.hpp>
#include <midtrain/model/olmo.hpp>
#include <midtrain/model/olmo3.hpp>
#include <midtrain/model/phi3.hpp>
#include <midtrain/position/llama3.hpp>
#include <midtrain/position/partial.hpp>
#include <midtrain/position/rope.hpp>
#include <midtrain/position/yarn.hpp>
#include <support/golden.hpp>

namespace mt = midtrain;
using test::equals_pytorch;

// The models of tests/oracle/tiny_dense.py.
namespace {

template <class Common>
struct small : Common {
    static constexpr int    layers = 2, width = 20, heads = 5, kv_heads = 1, ffn = 28, vocab = 96, context = 64;
    static constexpr bool   tied         = true;
    static constexpr double norm_epsilon = 1e-5;
};
struct biased : small<mt::decoder_shape> {
    static constexpr int  head_size = 6;
    static constexpr bool qkv_bias = true, out_bias = true, mlp_bias = true;
};
struct olmo2 : small<mt::model::olmo2_shape> {
    static constexpr bool tied = false;
};
struct olmo3 : small<mt::model::olmo3_shape> {
    static constexpr double         window_rope_base = 100;
    static constexpr mt::layer_kind layer(int n) { return {.window = n == 0 ? 7 : 0}; }
};
struct phi3 : small<mt::model::phi3_shape> {
    static constexpr int window = 7;
};
struct nemotron : small<mt::model::nemotron_shape> {
    static constexpr int  head_size = 8;
    static constexpr bool mlp_bias  = true;
};
struct granite : small<mt::decoder_shape> {
    static constexpr bool   qkv_bias = true, out_bias = true, mlp_bias = true;
    static constexpr double embedding_multiplier = 3, residual_multiplier = 0.4, attention_multiplier = 0.3, logits_multiplier = 1 / 1.7;
};
struct gemma2 : small<mt::model::gemma_shape> {
    static constexpr int            head_size            = 6;
    static constexpr double         embedding_multiplier = 4.47213595499957939, attention_multiplier = 0.316227766016837933;  // sqrt 20, 1 / sqrt 10
    static constexpr mt::layer_kind layer(int n) { return {.window = n == 0 ? 7 : 0}; }
    static constexpr double         attention_cap = 2, logits_cap = 1.5;
};
struct hunyuan : small<mt::decoder_shape> {
    static constexpr int           head_size = 6;
    static constexpr bool          qkv_bias = true, out_bias = true, qk_norm = true;
    static constexpr mt::norm_when qk_norm_when = mt::norm_when::after_turning;
};
struct with_sinks : small<mt::decoder_shape> {
    static constexpr int  head_size = 6;
    static constexpr bool sinks     = true;
};

mt::partial<mt::rope> const half{.share = 0.5, .policy = {.base = 1e4, .length = 64}};

}  // namespace

BOOST_AUTO_TEST_SUITE(dense_against_transformers)

BOOST_AUTO_TEST_CASE(llama_with_llama3_positions_and_biases) {
    equals_pytorch<mt::model::llama, biased>("tiny_llama3.safetensors", mt::llama3{.base = 1e4, .trained = 16, .extended = 64, .factor = 4});
}
BOOST_AUTO_TEST_CASE(olmo_with_norms_that_learn_nothing) { equals_pytorch<mt::model::olmo, small<mt::model::olmo_shape>>("tiny_olmo.safetensors"); }
BOOST_AUTO_TEST_CASE(olmo2_with_norms_behind_its_branches) { equals_pytorch<mt::model::llama, olmo2>("tiny_olmo2.safetensors"); }
BOOST_AUTO_TEST_CASE(olmo3_with_windows_that_turn_otherwise) {
    equals_pytorch<mt::model::llama, olmo3>("tiny_olmo3.safetensors", mt::yarn{.base = 1e4, .trained = 16, .extended = 64});
}
BOOST_AUTO_TEST_CASE(phi3_with_fused_projections_and_half_heads) { equals_pytorch<mt::model::llama, phi3>("tiny_phi3.safetensors", half); }
BOOST_AUTO_TEST_CASE(nemotron_with_squared_relu_and_gains_about_one) { equals_pytorch<mt::model::nemotron, nemotron>("tiny_nemotron.safetensors", half); }
BOOST_AUTO_TEST_CASE(granite_with_multipliers) { equals_pytorch<mt::model::llama, granite>("tiny_granite.safetensors"); }
BOOST_AUTO_TEST_CASE(gemma2_with_norms_on_both_sides) { equals_pytorch<mt::model::gemma, gemma2>("tiny_gemma2.safetensors"); }
BOOST_AUTO_TEST_CASE(hunyuan_with_norms_behind_the_turning) { equals_pytorch<mt::model::llama, hunyuan>("tiny_hunyuan.safetensors"); }
BOOST_AUTO_TEST_CASE(sinks_of_gpt_oss) { equals_pytorch<mt::model::llama, with_sinks>("tiny_sinks.safetensors"); }

BOOST_AUTO_TEST_SUITE_END()
