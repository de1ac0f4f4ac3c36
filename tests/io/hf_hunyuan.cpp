#include <boost/test/unit_test.hpp>
#include <string>
#include <midtrain/io/hf_config.hpp>
#include <midtrain/io/hf_config_writer.hpp>
#include <midtrain/model/hunyuan_large.hpp>
#include <midtrain/position/ntk.hpp>
#include <support/hf_text.hpp>

namespace mt = midtrain;
using mt::io::hf_family;
using mt::io::hf_model;

namespace {

std::string config(std::string const& type, std::string const& more) {
    return R"({"model_type":")" + type + R"(","num_hidden_layers":4,"hidden_size":32,"num_attention_heads":4,"num_key_value_heads":2,
        "intermediate_size":48,"vocab_size":96,"max_position_embeddings":256,"tie_word_embeddings":true,"rope_theta":10000.0)" +
           (more.empty() ? "" : ",") + more + "}";
}
/// As Hunyuan-Large's, but for the sizes; keys that change nothing stand there too.
std::string const large = R"("architectures":["HunYuanForCausalLM"],"attention_bias":false,"capacity_factor":1.0,"cla_share_factor":2,
    "eos_token_id":95,"hidden_act":"silu","initializer_range":0.02,"mlp_bias":false,"moe_drop_tokens":true,
    "moe_random_routing_dropped_token":true,"moe_topk":1,"norm_type":"fused","num_experts":8,"num_shared_expert":1,"rms_norm_eps":1e-05,
    "rope_scaling":{"alpha":1000.0,"factor":1.0,"type":"dynamic"},"use_cla":true,"use_mixed_mlp_moe":true,"use_qk_norm":true,
    "use_rotary_pos_emb":true)";

template <class Common>
struct small : Common {
    static constexpr int layers = 4, width = 32, heads = 4, kv_heads = 2, ffn = 48, vocab = 96, context = 256, end_token = 95;
};
struct shape : small<mt::model::hunyuan_large_shape> {
    static constexpr mt::expert_shape experts{.count = 8, .chosen = 1, .ffn = 48, .shared_ffn = 48, .capacity = 1,
                                              .past = mt::overflow::recycle, .naming = mt::expert_naming::hunyuan};
};
/// Of three layers two read, wider shared experts, a dense layer first, and biases.
struct another : small<mt::model::hunyuan_moe_shape> {
    static constexpr bool             qkv_bias = true, out_bias = true, qk_norm = false;
    static constexpr mt::layer_kind   layer(int n) { return {.keys_from = mt::keys_of_group(3, n), .taken = mt::key_form::projected}; }
    static constexpr mt::expert_shape experts{.count = 8, .chosen = 1, .ffn = 12, .shared_ffn = 24, .first_dense = 1,
                                              .naming = mt::expert_naming::hunyuan};
};
struct dense : small<mt::model::hunyuan_moe_shape> {
    static constexpr int  head_size = 10;
    static constexpr bool qkv_bias = true, out_bias = true;
};
struct turned : shape {
    static constexpr mt::layer_kind layer(int n) { return {.keys_from = mt::keys_of_group(2, n)}; }
};
struct to_the_last : shape {
    static constexpr mt::layer_kind layer(int n) { return {.keys_from = mt::keys_of_last(1, n), .taken = mt::key_form::projected}; }
};

template <class Shape>
mt::io::hf_config written_and_read(hf_family family) {
    return test::read_config(mt::io::written(mt::io::hf_config_json(family, Shape{}, {.context = 256}, {.end = 95}, "float32")));
}
/// What is written of a shape reads back as that shape, and is of that family.
template <class Shape>
void is_written_as(hf_model model, hf_family family) {
    BOOST_TEST((mt::io::hf_family_of(model, Shape{}) == family));
    mt::io::check_hf_shape(written_and_read<Shape>(family), family, Shape{});
}
void says(std::string const& said, std::string const& what) { BOOST_TEST(said.find(what) != std::string::npos, said); }

}  // namespace

BOOST_AUTO_TEST_SUITE(hf_hunyuan)

BOOST_AUTO_TEST_CASE(a_hunyuan_large_is_read) {
    auto const c = test::read_config(config("hunyuan", large));
    BOOST_TEST((mt::io::model_of(c.family) == hf_model::experts));
    mt::io::check_hf_shape(c, hf_family::hunyuan, shape{});
    BOOST_TEST((c.layer(3) == mt::layer_kind{.keys_from = 2, .taken = mt::key_form::projected}));
    BOOST_TEST((c.experts.capacity == 1 && c.experts.past == mt::overflow::recycle && !c.experts.renormalise));
    mt::io::check_hf_positions(c, mt::ntk_alpha{.base = 1e4, .alpha = 1000, .length = 256});
    BOOST_TEST(c.rotary.type == "default");
}
BOOST_AUTO_TEST_CASE(shapes_are_written_and_read_back) {
    is_written_as<shape>(hf_model::experts, hf_family::hunyuan);
    is_written_as<another>(hf_model::experts, hf_family::hunyuan);
    is_written_as<dense>(hf_model::llama, hf_family::hunyuan_v1_dense);
    auto const back = written_and_read<shape>(hf_family::hunyuan);
    BOOST_TEST((back.experts.capacity == 1 && back.experts.past == mt::overflow::recycle));
}
BOOST_AUTO_TEST_CASE(a_hunyuan_without_experts_or_sharing_is_read) {
    auto const c = test::read_config(config("hunyuan", R"("use_cla":false,"cla_share_factor":2,"use_qk_norm":true,"num_experts":1)"));
    BOOST_TEST((c.kinds.empty() && c.experts.count == 0 && c.qk_norm && c.qk_norm_when == mt::norm_when::after_turning));
    BOOST_TEST(test::read_config(config("hunyuan", R"("attention_head_dim":16)")).head_size == 16);
}
/// As Tencent's Hunyuan-7B-Instruct says it, and as transformers 5 does.
BOOST_AUTO_TEST_CASE(a_dense_hunyuan_is_read) {
    auto const c = test::read_config(config("hunyuan_v1_dense", R"("head_dim":10,"attention_head_dim":10,"attention_bias":true,
        "use_qk_norm":true,"use_cla":false,"cla_share_factor":2,"eos_token_id":95,"mlp_bias":false,"norm_type":"rms",
        "rope_scaling":{"alpha":1000.0,"beta_fast":32,"beta_slow":1,"factor":1.0,"mscale":1.0,"mscale_all_dim":1.0,"type":"dynamic"})"));
    mt::io::check_hf_shape(c, hf_family::hunyuan_v1_dense, dense{});
    mt::io::check_hf_positions(c, mt::ntk_alpha{.base = 1e4, .alpha = 1000, .length = 256});
    auto const now = test::read_config(config("hunyuan_v1_dense", R"("head_dim":10,
        "rope_parameters":{"rope_type":"dynamic","alpha":50.0,"rope_theta":10000.0})"));
    mt::io::check_hf_positions(now, mt::ntk_alpha{.base = 1e4, .alpha = 50, .length = 256});
    auto const plain = test::read_config(config("hunyuan_v1_dense", R"("rope_scaling":{"type":"linear","factor":2.0})"));
    BOOST_TEST((plain.rotary.type == "linear" && plain.rotary.factor == 2));
}
BOOST_AUTO_TEST_CASE(a_file_and_a_program_that_share_otherwise_differ_by_name) {
    auto const c = test::read_config(config("hunyuan", large));
    auto const differ = [&](auto s, std::string const& what) {
        try {
            mt::io::check_hf_shape(c, hf_family::hunyuan, s);
            BOOST_ERROR("nothing differs");
        } catch (mt::error const& e) { says(e.what(), what); }
    };
    differ(turned{}, "layer 1 takes keys and values of layer 0, projected where the shape's takes keys and values of layer 0, turned");
    differ(to_the_last{}, "layer 1 takes keys and values of layer 0, projected where the shape's makes its own keys and values");
    BOOST_CHECK_THROW(mt::io::hf_family_of(hf_model::experts, turned{}), mt::error);
    BOOST_CHECK_THROW(mt::io::hf_family_of(hf_model::experts, to_the_last{}), mt::error);
}
BOOST_AUTO_TEST_CASE(what_is_not_known_is_refused_by_name) {
    auto const refused = [](std::string const& type, std::string const& more, std::string const& what) {
        says(test::refusal_of_config(config(type, more)), what);
    };
    refused("hunyuan", R"("num_experts":8,"moe_topk":2)", "'moe_topk' is above 1");
    refused("hunyuan", R"("num_experts":[8,8,4,8])", "'num_experts' is not the same in all layers");
    refused("hunyuan", R"("num_experts":8,"mlp_bias":true)", "'mlp_bias' is true");
    refused("hunyuan", R"("use_mla":true)", "'use_mla' is true");
    refused("hunyuan", R"("mamba":true)", "'mamba' is true");
    refused("hunyuan", R"("norm_type":"torch_nn")", "'norm_type' is 'torch_nn'");
    refused("hunyuan", R"("rope_scaling":{"type":"dynamic","alpha":0.5})", "'alpha' is 0.5, not between 1 and a billion");
    refused("hunyuan", R"("rope_scaling":{"type":"yarn","alpha":2.0})", "'alpha' is of the rope_type dynamic");
    refused("hunyuan_v1_dense", R"("use_cla":true)", "'use_cla' is true");
    refused("hunyuan_v1_dense", R"("use_qk_norm":false)", "'use_qk_norm' is false");
    refused("hunyuan_v1_moe", R"("num_experts":8,"use_cla":true)", "'use_cla' is true");
}

BOOST_AUTO_TEST_SUITE_END()
