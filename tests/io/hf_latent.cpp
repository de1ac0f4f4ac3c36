#include <boost/test/unit_test.hpp>
#include <string>
#include <midtrain/io/hf_config.hpp>
#include <midtrain/io/hf_config_writer.hpp>
#include <midtrain/model/deepseek_v3.hpp>
#include <support/hf_text.hpp>

namespace mt = midtrain;
using mt::io::hf_family;

namespace {


/// The words of the published file, with small numbers.
std::string config(std::string const& more) {
    return R"({"model_type":"deepseek_v3","num_hidden_layers":4,"hidden_size":32,"num_attention_heads":4,"num_key_value_heads":4,
        "intermediate_size":48,"vocab_size":96,"max_position_embeddings":256,"q_lora_rank":12,"kv_lora_rank":10,"qk_nope_head_dim":8,
        "qk_rope_head_dim":6,"v_head_dim":7,"n_routed_experts":8,"n_shared_experts":2,"num_experts_per_tok":2,"n_group":4,"topk_group":2,
        "moe_intermediate_size":12,"first_k_dense_replace":1,"scoring_func":"sigmoid","topk_method":"noaux_tc","moe_layer_freq":1,
        "aux_loss_alpha":0.001,"seq_aux":true)" + more + "}";
}

struct small : mt::model::deepseek_v3_shape {
    static constexpr int layers = 4, width = 32, heads = 4, kv_heads = 4, head_size = 6, ffn = 48, vocab = 96, context = 256;
    static constexpr mt::latent_shape latent{.query_rank = 12, .rank = 10, .still = 8, .value_size = 7};
    static constexpr mt::expert_shape experts{.count = 8, .chosen = 2, .ffn = 12, .shared_ffn = 24, .scores = mt::router_scores::sigmoid,
                                              .renormalise = true, .scale = 2.5, .biased = true, .grouping = mt::expert_groups::best,
                                              .groups = 4, .top_groups = 2, .first_dense = 1, .balance = {.sequence = 1e-3}};
};
struct direct : small {
    static constexpr bool             qkv_bias = true, out_bias = true;
    static constexpr mt::latent_shape latent{.rank = 10, .still = 8, .value_size = 7, .pairs_side_by_side = false};
    static constexpr mt::expert_shape experts{.count = 8, .chosen = 2, .ffn = 12, .shared_ffn = 12, .scores = mt::router_scores::sigmoid,
                                              .biased = true};
};

mt::yarn const stretched{.base = 1e4, .trained = 64, .extended = 256, .factor = 4, .mscale = 1, .mscale_all_dim = 0.7, .heat = mt::yarn_heat::scores};

/// What is written of a shape and positions reads back as both.
template <class Shape, class Policy>
void goes_round(Policy const& policy) {
    BOOST_TEST((mt::io::hf_family_of(mt::io::hf_model::deepseek_v3, Shape{}) == hf_family::deepseek_v3));
    auto const text = mt::io::written(mt::io::hf_config_json(hf_family::deepseek_v3, Shape{}, mt::io::hf_rotary_of(policy, 6), {}, "float32"));
    auto const back = test::read_config(text);
    mt::io::check_hf_shape(back, hf_family::deepseek_v3, Shape{});
    mt::io::check_hf_positions(back, policy);
    BOOST_TEST(back.experts.balance.sequence == Shape::experts.balance.sequence);
    auto const again = mt::io::position_of(back.rotary);
    BOOST_TEST(again.score_factor(256) == mt::score_factor_of(policy, 256));
    BOOST_TEST(again.temperature(256) == policy.temperature(256));
}

}  // namespace

BOOST_AUTO_TEST_SUITE(hf_latent)

BOOST_AUTO_TEST_CASE(a_published_file_is_the_shape) {
    auto const c = test::read_config(config(R"(,"num_nextn_predict_layers":0)"));
    mt::io::check_hf_shape(c, hf_family::deepseek_v3, small{});
    BOOST_TEST(c.experts.balance.sequence == 1e-3);
}
BOOST_AUTO_TEST_CASE(what_is_written_reads_back) {
    goes_round<small>(mt::rope{.base = 1e4, .length = 256});
    goes_round<direct>(mt::rope{.base = 1e4, .length = 256});
    goes_round<small>(stretched);
    goes_round<small>(mt::yarn{.base = 1e4, .trained = 64, .extended = 256});
}
BOOST_AUTO_TEST_CASE(other_numbers_are_refused) {
    auto c   = test::read_config(config(""));
    c.latent.still = 9;
    BOOST_CHECK_EXCEPTION(mt::io::check_hf_shape(c, hf_family::deepseek_v3, small{}), mt::error,
                          [](mt::error const& e) { return std::string(e.what()).find("'qk_nope_head_dim' is 9 where the shape has 8") != std::string::npos; });
}
BOOST_AUTO_TEST_CASE(what_would_compute_something_else_is_refused) {
    auto const has = [](std::string const& said, std::string const& part) { return said.find(part) != std::string::npos; };
    auto       text = config("");
    auto const with = [&](std::string const& from, std::string const& to) {
        auto t = text;
        return t.replace(t.find(from), from.size(), to);
    };
    BOOST_TEST(has(test::refusal_of_config(with("\"sigmoid\"", "\"softmax\"")), "'scoring_func' is not 'sigmoid'"));
    BOOST_TEST(has(test::refusal_of_config(with("noaux_tc", "greedy")), "'topk_method' is not 'noaux_tc'"));
    BOOST_TEST(has(test::refusal_of_config(with("\"moe_layer_freq\":1", "\"moe_layer_freq\":2")), "'moe_layer_freq' is not 1"));
    BOOST_TEST(has(test::refusal_of_config(with("\"num_key_value_heads\":4", "\"num_key_value_heads\":2")), "latent attention has as many"));
    BOOST_TEST(has(test::refusal_of_config(with("\"qk_rope_head_dim\":6", "\"qk_rope_head_dim\":5")), "'qk_rope_head_dim' is odd"));
    BOOST_TEST(has(test::refusal_of_config(with("\"seq_aux\":true", "\"seq_aux\":false")), "not of the loss within sequences"));
    BOOST_TEST(has(test::refusal_of_config(config(R"(,"rope_scaling":{"type":"yarn","factor":4,"original_max_position_embeddings":64,"mscale_all_dim":1})")),
                   "'mscale_all_dim' is set without 'mscale'"));
}

BOOST_AUTO_TEST_SUITE_END()
