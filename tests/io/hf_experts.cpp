#include <boost/test/unit_test.hpp>
#include <string>
#include <midtrain/io/hf_config.hpp>
#include <midtrain/io/hf_config_writer.hpp>
#include <midtrain/model/hunyuan_large.hpp>
#include <midtrain/model/mixtral.hpp>
#include <midtrain/model/pangu_pro_moe.hpp>
#include <midtrain/model/qwen_moe.hpp>
#include <support/hf_text.hpp>

namespace mt = midtrain;
using mt::io::hf_family;
using mt::io::hf_model;

namespace {


std::string config(std::string const& type, std::string const& more) {
    return R"({"model_type":")" + type + R"(","num_hidden_layers":4,"hidden_size":32,"num_attention_heads":4,"num_key_value_heads":2,
        "intermediate_size":48,"vocab_size":96,"max_position_embeddings":256,"tie_word_embeddings":false,"rope_theta":1000000.0)" +
           (more.empty() ? "" : ",") + more + "}";
}

template <class Base>
struct small : Base {
    static constexpr int layers = 4, width = 32, heads = 4, kv_heads = 2, ffn = 48, vocab = 96, context = 64;
};
struct qwen3 : small<mt::model::qwen3_moe_shape> {
    static constexpr int              head_size = 16;
    static constexpr mt::expert_shape experts{.count = 8, .chosen = 2, .ffn = 12, .renormalise = true, .first_dense = 1,
                                              .naming = mt::expert_naming::qwen, .balance = {.global_batch = 1e-3}};
};
struct qwen2 : small<mt::model::qwen2_moe_shape> {
    static constexpr mt::expert_shape experts{.count = 8, .chosen = 2, .ffn = 12, .shared_ffn = 24, .shared_gate = true, .every = 2,
                                              .naming = mt::expert_naming::qwen};
};
struct mixtral : small<mt::model::mixtral_shape> {
    static constexpr mt::expert_shape experts{.count = 8, .chosen = 2, .ffn = 12, .renormalise = true, .naming = mt::expert_naming::mixtral};
};
template <bool renormalise, int chosen = 1>
struct hunyuan : small<mt::model::hunyuan_moe_shape> {
    static constexpr bool             tied = false;
    static constexpr mt::expert_shape experts{.count = 8, .chosen = chosen, .ffn = 12, .shared_ffn = 12, .renormalise = renormalise,
                                              .naming = mt::expert_naming::hunyuan};
};
struct pangu : small<mt::model::pangu_pro_moe_shape> {
    static constexpr mt::expert_shape experts{.count = 8, .chosen = 2, .ffn = 12, .shared_ffn = 24, .scaled = true,
                                              .grouping = mt::expert_groups::each, .groups = 2, .naming = mt::expert_naming::qwen};
};

/// What is written of a shape reads back as that shape, and is of that family.
template <class Shape>
void is_written_as(hf_family family) {
    BOOST_TEST((mt::io::hf_family_of(hf_model::experts, Shape{}) == family));
    auto const text = mt::io::written(mt::io::hf_config_json(family, Shape{}, {.context = 64}, {}, "float32"));
    auto const back = test::read_config(text);
    mt::io::check_hf_shape(back, family, Shape{});
    BOOST_TEST(back.experts.balance.global_batch == Shape::experts.balance.global_batch);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(hf_experts)

BOOST_AUTO_TEST_CASE(shapes_are_written_and_read_back) {
    is_written_as<qwen3>(hf_family::qwen3_moe);
    is_written_as<qwen2>(hf_family::qwen2_moe);
    is_written_as<mixtral>(hf_family::mixtral);
    is_written_as<hunyuan<true>>(hf_family::hunyuan_v1_moe);
    is_written_as<hunyuan<false>>(hf_family::hunyuan);
}

BOOST_AUTO_TEST_CASE(what_transformers_has_no_class_for_is_not_written) {
    BOOST_CHECK_THROW(mt::io::hf_family_of(hf_model::experts, hunyuan<false, 2>{}), mt::error);
    BOOST_CHECK_THROW(mt::io::hf_family_of(hf_model::experts, pangu{}), mt::error);
}

/// As Qwen3-30B-A3B's, but for the sizes.
BOOST_AUTO_TEST_CASE(a_qwen3_moe_is_read) {
    auto const c = test::read_config(config("qwen3_moe", R"("num_experts":16,"num_experts_per_tok":4,"moe_intermediate_size":20,"norm_topk_prob":true,
        "decoder_sparse_step":1,"mlp_only_layers":[0,1],"router_aux_loss_coef":0.001,"head_dim":16,"use_sliding_window":false,
        "sliding_window":null,"max_window_layers":48,"output_router_logits":false,"attention_bias":false)"));
    BOOST_TEST((mt::io::model_of(c.family) == hf_model::experts));
    BOOST_TEST(c.qk_norm);
    BOOST_TEST(c.head_size == 16);
    auto const& e = c.experts;
    BOOST_TEST((e.count == 16 && e.chosen == 4 && e.ffn == 20 && e.renormalise && e.first_dense == 2 && e.every == 1 && e.shared_ffn == 0));
    BOOST_TEST(e.balance.global_batch == 0.001);
    BOOST_TEST(!mt::has_experts(e, 1));
    BOOST_TEST(mt::has_experts(e, 2));
}

BOOST_AUTO_TEST_CASE(a_hunyuan_may_list_its_numbers_by_layer) {
    auto const c = test::read_config(config("hunyuan_v1_moe", R"("num_experts":[8,8,8,8],"moe_topk":[2,2,2,2])"));
    BOOST_TEST((c.experts.count == 8 && c.experts.chosen == 2 && c.experts.shared_ffn == 48 && c.experts.renormalise));
    BOOST_TEST(test::refusal_of_config(config("hunyuan_v1_moe", R"("num_experts":[8,8,8,4],"moe_topk":2)")).find("'num_experts' is not the same") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_pangu_is_read) {
    auto const c = test::read_config(config("PanguProMoE", R"("num_experts":8,"num_experts_per_tok":2,"moe_intermediate_size":12,
        "shared_expert_intermediate_size":24)"));
    mt::io::hf_config const want = mt::io::hf_config_of(pangu{});
    BOOST_TEST((c.experts.grouping == mt::expert_groups::each && c.experts.groups == 2 && c.experts.scaled && c.qkv_bias && c.out_bias));
    BOOST_TEST(mt::io::detail::hf_difference(c, want, mt::io::llama_keys) == "");
}

BOOST_AUTO_TEST_CASE(what_cannot_be_is_refused_by_name) {
    auto const says = [](std::string const& type, std::string const& more, std::string const& what) {
        auto const said = test::refusal_of_config(config(type, more));
        BOOST_TEST(said.find(what) != std::string::npos, said);
    };
    says("qwen3_moe", R"("num_experts":4,"num_experts_per_tok":5)", "chosen is 1 .. count");
    says("qwen3_moe", R"("mlp_only_layers":[1])", "'mlp_only_layers' lists others than the first layers");
    says("qwen3_moe", R"("use_sliding_window":true)", "'use_sliding_window' is set");
    says("qwen3_moe", R"("router_aux_loss_coef":-1)", "'router_aux_loss_coef' is negative");
    says("mixtral", R"("router_jitter_noise":0.1)", "'router_jitter_noise' is not 0");
    says("PanguProMoE", R"("num_experts":9,"num_experts_per_tok":2,"moe_intermediate_size":12,"shared_expert_intermediate_size":24)",
         "groups is 1 .. 64 and divides count");
    says("llama", R"("num_experts":9)", "'num_experts' changes the model");
}

BOOST_AUTO_TEST_SUITE_END()
