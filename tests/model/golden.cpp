#include <boost/test/unit_test.hpp>
#include <midtrain/model/gpt2.hpp>
#include <midtrain/model/llama.hpp>
#include <support/golden.hpp>

namespace mt = midtrain;
using test::equals_pytorch;

namespace {

struct relative_shape : midtrain::decoder_shape {
    static constexpr int layers = 1, width = 16, heads = 4, kv_heads = 2, ffn = 24, vocab = 96, context = 64;
};
struct tiny_mistral : relative_shape {
    static constexpr int head_size = 6, window = 7;
};
struct tiny_qwen2 : relative_shape {
    static constexpr bool qkv_bias = true;
};
struct tiny_qwen3 : relative_shape {
    static constexpr int  head_size = 6;
    static constexpr bool qk_norm   = true;
};

struct tiny_smollm3 : relative_shape {
    static constexpr int            layers = 2;
    static constexpr mt::layer_kind layer(int n) { return {mt::rotary_but_every(2, n), mt::index_t{n == 1 ? 7 : 0}}; }
};

}  // namespace

BOOST_AUTO_TEST_SUITE(against_pytorch)

BOOST_AUTO_TEST_CASE(tiny_llama) { equals_pytorch<mt::model::llama>("tiny_llama.safetensors"); }
BOOST_AUTO_TEST_CASE(tiny_gpt2) { equals_pytorch<mt::model::gpt2>("tiny_gpt2.safetensors"); }
BOOST_AUTO_TEST_CASE(mistral_with_a_window) { equals_pytorch<mt::model::llama, tiny_mistral>("tiny_mistral.safetensors"); }
BOOST_AUTO_TEST_CASE(qwen2_with_biases) { equals_pytorch<mt::model::llama, tiny_qwen2>("tiny_qwen2.safetensors"); }
BOOST_AUTO_TEST_CASE(qwen3_with_norms_of_heads) { equals_pytorch<mt::model::llama, tiny_qwen3>("tiny_qwen3.safetensors"); }

BOOST_AUTO_TEST_CASE(smollm3_with_a_layer_that_turns_nothing) {
    equals_pytorch<mt::model::llama, tiny_smollm3>("tiny_smollm3.safetensors");
}

BOOST_AUTO_TEST_SUITE_END()
