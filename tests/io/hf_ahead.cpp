// Modules of multi-token prediction in config.json: DeepSeek-V3's and MiMo's.
#include <boost/test/unit_test.hpp>
#include <string>
#include <midtrain/io/hf_config.hpp>
#include <midtrain/io/hf_config_writer.hpp>
#include <midtrain/model/deepseek_v3.hpp>
#include <midtrain/model/decoder_shape.hpp>
#include <midtrain/model/mimo.hpp>
#include <midtrain/position/rope.hpp>
#include <support/hf_text.hpp>

namespace mt = midtrain;
using mt::io::hf_family;

namespace {


template <class Shape>
std::string config_of(hf_family family, Shape const& s) {
    return mt::io::written(mt::io::hf_config_json(family, s, mt::io::hf_rotary_of(mt::rope{.base = s.rope_base, .length = s.context}, mt::head_size_of(s)), {}, "float32"));
}
std::string mimo(std::string const& more) {  // the published file's words, small numbers
    return R"({"model_type":"mimo","architectures":["MiMoForCausalLM"],"attention_dropout":0.0,"attention_bias":true,"hidden_act":"silu","hidden_size":32,
        "initializer_range":0.02,"intermediate_size":48,"max_position_embeddings":256,"max_window_layers":2,"num_attention_heads":4,
        "num_hidden_layers":2,"num_key_value_heads":2,"rms_norm_eps":1e-05,"rope_theta":640000,"sliding_window":32768,
        "tie_word_embeddings":false,"use_sliding_window":false,"vocab_size":96)" + more + "}";
}

struct small_mimo : mt::model::mimo_7b {
    static constexpr int    layers = 2, width = 32, heads = 4, kv_heads = 2, ffn = 48, vocab = 96, context = 256;
    static constexpr double norm_epsilon = 1e-5;
};
struct own_heads : small_mimo {
    static constexpr mt::mtp_shape mtp{.depth = 1, .form = mt::mtp_form::mimo, .own_head = true};
};
struct ahead : mt::model::deepseek_v3_shape {
    static constexpr int layers = 4, width = 32, heads = 4, kv_heads = 4, head_size = 6, ffn = 48, vocab = 96, context = 256;
    static constexpr mt::mtp_shape mtp{.depth = 1};
};

}  // namespace

BOOST_AUTO_TEST_SUITE(hf_ahead)

BOOST_AUTO_TEST_CASE(a_mimo_is_read_and_written_as_itself) {
    auto const c = test::read_config(mimo(R"(,"num_nextn_predict_layers":1)"));
    BOOST_TEST((c.mtp == mt::mtp_shape{.depth = 1, .form = mt::mtp_form::mimo}));
    mt::io::check_hf_shape(c, hf_family::mimo, small_mimo{});
    BOOST_TEST((mt::io::written_as(c) == hf_family::mimo));
    BOOST_TEST((mt::io::hf_family_of(mt::io::hf_model::llama, small_mimo{}) == hf_family::mimo));
    auto const text = config_of(hf_family::mimo, small_mimo{});
    BOOST_TEST(text.find("MiMoForCausalLM") != std::string::npos);
    mt::io::check_hf_shape(test::read_config(text), hf_family::mimo, small_mimo{});
}
BOOST_AUTO_TEST_CASE(without_modules_it_is_a_qwen2) {
    for (auto const& more : {"", R"(,"num_nextn_predict_layers":0)", R"(,"num_nextn_predict_layers":null)"}) {
        auto const c = test::read_config(mimo(more));
        BOOST_TEST(c.mtp.depth == 0);
        BOOST_TEST((mt::io::written_as(c) == hf_family::qwen2));
    }
}
BOOST_AUTO_TEST_CASE(deepseek_says_how_many) {
    BOOST_TEST((mt::io::hf_family_of(mt::io::hf_model::deepseek_v3, ahead{}) == hf_family::deepseek_v3));
    auto const c = test::read_config(config_of(hf_family::deepseek_v3, ahead{}));
    BOOST_TEST((c.mtp == ahead::mtp));
    BOOST_CHECK_EXCEPTION(mt::io::check_hf_shape(c, hf_family::deepseek_v3, mt::model::deepseek_v3_shape{}), mt::error, [](auto&) { return true; });
}
BOOST_AUTO_TEST_CASE(what_no_class_has_is_refused) {
    BOOST_CHECK_EXCEPTION(mt::io::hf_family_of(mt::io::hf_model::llama, own_heads{}), mt::error, [](mt::error const& e) {
        return std::string(e.what()).find("no model class of transformers") != std::string::npos;
    });
    BOOST_CHECK_EXCEPTION(test::read_config(mimo(R"(,"num_nextn_predict_layers":1.5)")), mt::error, [](mt::error const& e) {
        return std::string(e.what()).find("'num_nextn_predict_layers' is 1.5, not a positive whole number") != std::string::npos;
    });
}

BOOST_AUTO_TEST_SUITE_END()
