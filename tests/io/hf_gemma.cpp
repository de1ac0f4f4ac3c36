#include <boost/test/unit_test.hpp>
#include <cmath>
#include <string>
#include <midtrain/io/hf_config.hpp>
#include <midtrain/io/hf_config_writer.hpp>
#include <midtrain/model/gemma.hpp>
#include <support/hf_text.hpp>

namespace mt = midtrain;
using mt::io::hf_family;
using mt::io::hf_model;

namespace {

std::string config(std::string const& more) {
    return R"({"model_type":"gemma2","num_hidden_layers":4,"hidden_size":36,"num_attention_heads":4,"num_key_value_heads":2,"head_dim":10,
        "intermediate_size":48,"vocab_size":96,"max_position_embeddings":256)" + std::string(more.empty() ? "" : ",") + more + "}";
}
/// As published, but for the sizes.
std::string const published = R"("architectures":["Gemma2ForCausalLM"],"attention_bias":false,"attention_dropout":0.0,"attn_logit_softcapping":50.0,
    "cache_implementation":"hybrid","eos_token_id":1,"final_logit_softcapping":30.0,"hidden_act":"gelu_pytorch_tanh",
    "hidden_activation":"gelu_pytorch_tanh","query_pre_attn_scalar":256,"rms_norm_eps":1e-06,"rope_theta":10000.0,"sliding_window":16)";

struct shape : mt::model::gemma_shape {
    static constexpr int            layers = 4, width = 36, heads = 4, kv_heads = 2, head_size = 10, ffn = 48, vocab = 96;
    static constexpr double         embedding_multiplier = 6, attention_multiplier = 1.0 / 16;
    static constexpr mt::layer_kind layer(int n) { return {.window = mt::window_but_every(2, n, 16)}; }
};
struct uncapped : shape {
    static constexpr double         logits_cap = 0, attention_cap = 7, attention_multiplier = 0.5;
    static constexpr bool           qkv_bias = true, out_bias = true, tied = false;
    static constexpr mt::layer_kind layer(int n) { return {.window = n == 3 ? 8 : 0}; }
};
struct other_embedding : shape {
    static constexpr double embedding_multiplier = 5;
};
struct odd_scores : shape {
    static constexpr double attention_multiplier = 0.3;
};

template <class Shape>
std::string written_and_read_back() {
    BOOST_TEST((mt::io::hf_family_of(hf_model::gemma, Shape{}) == hf_family::gemma2));
    auto const text = mt::io::written(mt::io::hf_config_json(hf_family::gemma2, Shape{}, {.context = 256}, {.end = 1}, "float32"));
    mt::io::check_hf_shape(test::read_config(text), hf_family::gemma2, Shape{});
    return text;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(hf_gemma)

BOOST_AUTO_TEST_CASE(a_gemma2_is_read) {
    auto const c = test::read_config(config(published));
    BOOST_TEST((mt::io::model_of(c.family) == hf_model::gemma));
    mt::io::check_hf_shape(c, hf_family::gemma2, shape{});
    auto const usual = test::read_config(config(""));
    BOOST_TEST((usual.layer(0).window == 4096 && usual.layer(1).window == 0 && usual.attention_cap == 50 && usual.logits_cap == 30 && usual.tied));
    BOOST_TEST(usual.end_token == 1);
    BOOST_TEST(test::read_config(config(R"("final_logit_softcapping":null)")).logits_cap == 0);
}
BOOST_AUTO_TEST_CASE(shapes_are_written_and_read_back) {
    auto const text = written_and_read_back<shape>(), other = written_and_read_back<uncapped>();
    BOOST_TEST(text.find(R"("final_logit_softcapping":30.0)") != std::string::npos);  // transformers takes no whole number here
    BOOST_TEST(other.find(R"("final_logit_softcapping":null)") != std::string::npos);
}
BOOST_AUTO_TEST_CASE(what_gemma2_has_no_words_for_is_not_written) {
    BOOST_CHECK_THROW(mt::io::hf_family_of(hf_model::gemma, other_embedding{}), mt::error);
    BOOST_CHECK_THROW(mt::io::hf_family_of(hf_model::gemma, odd_scores{}), mt::error);
    BOOST_CHECK_THROW(mt::io::hf_family_of(hf_model::llama, shape{}), mt::error);
}
BOOST_AUTO_TEST_CASE(what_is_not_known_is_refused_by_name) {
    auto const refused = [](std::string const& more, std::string const& what) {
        auto const said = test::refusal_of_config(config(more));
        BOOST_TEST(said.find(what) != std::string::npos, said);
    };
    refused(R"("attn_logit_softcapping":null)", "'attn_logit_softcapping' is not above zero");
    refused(R"("final_logit_softcapping":-1)", "'final_logit_softcapping' is below zero");
    refused(R"("query_pre_attn_scalar":0)", "'query_pre_attn_scalar' is not above zero");
    refused(R"("use_bidirectional_attention":true)", "'use_bidirectional_attention' is true");
    refused(R"("hidden_activation":"silu")", "'hidden_activation' is 'silu'");
}

BOOST_AUTO_TEST_SUITE_END()
