#include <boost/test/unit_test.hpp>
#include <cmath>
#include <filesystem>
#include <string>
#include <type_traits>
#include <unistd.h>
#include <midtrain/io/hf_config.hpp>
#include <midtrain/io/hf_config_writer.hpp>
#include <midtrain/io/whole_file.hpp>
#include <midtrain/model/decoder_shape.hpp>

namespace mt = midtrain;
using mt::io::hf_family;

namespace {

struct shape : mt::decoder_shape {
    static constexpr int layers = 2, width = 32, heads = 4, kv_heads = 2, ffn = 48, vocab = 96, context = 64, end_token = 3;
};

struct nope : shape {
    static constexpr mt::layer_kind layer(int n) { return {mt::rotary_but_every(2, n)}; }
};
struct normed_nope : nope {
    static constexpr bool qk_norm = true;
};

struct scratch {
    std::string path = (std::filesystem::temp_directory_path() / ("midtrain_config_" + std::to_string(::getpid()) + ".json")).string();
    explicit scratch(std::string const& text) { mt::io::write_whole(path, text); }
    ~scratch() { std::filesystem::remove(path); }
};

mt::io::hf_config read(std::string const& text) {
    scratch const s(text);
    return mt::io::read_hf_config(s.path);
}
template <class F>
std::string refusal(F const& f) {
    try {
        f();
    } catch (mt::error const& e) {
        return e.what();
    }
    return "";
}
bool has(std::string const& s, std::string const& part) {
    if (s.find(part) != std::string::npos) return true;
    BOOST_TEST_MESSAGE("said: " << s);
    return false;
}

/// A llama's config.json with some fields more (a later one takes an earlier one's place).
std::string llama(std::string const& more = "", std::string const& without = "") {
    auto all = mt::io::parse_json(R"({"model_type":"llama","num_hidden_layers":2,"hidden_size":32,"num_attention_heads":4,
        "num_key_value_heads":2,"intermediate_size":48,"vocab_size":96,"max_position_embeddings":256,"rms_norm_eps":1e-05,
        "rope_theta":10000.0,"tie_word_embeddings":true,"eos_token_id":[3,4],"head_dim":null,"sliding_window":null})", "llama");
    auto o = *all.as<mt::io::json::object>();
    auto const extra = mt::io::parse_json("{" + more + "}", "more");
    for (auto const& [key, value] : *extra.as<mt::io::json::object>()) o[key] = value;
    o.erase(without);
    return mt::io::written(mt::io::json{o});
}
std::string refusal_of(std::string const& text) {
    return refusal([&] { read(text); });
}
std::string yarn(std::string const& more) {
    return R"("rope_scaling":{"type":"yarn","factor":4,"original_max_position_embeddings":64)" + more + "}";
}
std::string longrope(std::string const& longer, std::string const& shorter) {
    return R"("rope_scaling":{"rope_type":"longrope","original_max_position_embeddings":64,"long_factor":)" + longer + R"(,"short_factor":)" +
           shorter + "}";
}

}  // namespace

BOOST_AUTO_TEST_SUITE(hf_config)

BOOST_AUTO_TEST_CASE(a_llama_is_read_and_fits_its_shape) {
    auto const c = read(llama());
    mt::io::check_hf_shape(c, hf_family::llama, shape{});
    mt::io::check_hf_positions(c, mt::rope{.base = 10'000, .length = 512});
    BOOST_TEST(c.context == 256);
    BOOST_TEST(c.end_token == 3);
    BOOST_TEST(c.norm_epsilon == 1e-5);
}
BOOST_AUTO_TEST_CASE(what_is_absent_has_the_default_of_transformers) {
    auto const c = read(llama("", "rms_norm_eps"));
    BOOST_TEST(c.norm_epsilon == 1e-6);
    BOOST_TEST(read(llama("", "num_key_value_heads")).kv_heads == 4);
    BOOST_TEST(!read(llama("", "tie_word_embeddings")).tied);
    BOOST_TEST(has(refusal_of(llama("", "hidden_size")), "'hidden_size' is missing"));
    auto const g = read(R"({"model_type":"gpt2","n_layer":2,"n_embd":32,"n_head":4,"n_inner":null,"vocab_size":96})");
    BOOST_TEST((g.ffn == 128 && g.context == 1024 && g.tied && g.norm_epsilon == 1e-5 && g.end_token == 50256));
}
BOOST_AUTO_TEST_CASE(every_field_is_compared_by_name) {
    auto const says = [](std::string const& more, std::string const& part) {
        return has(refusal([&] { mt::io::check_hf_shape(read(llama(more)), hf_family::llama, shape{}); }), part);
    };
    BOOST_TEST(says("\"num_hidden_layers\":3", "'num_hidden_layers' is 3 where the shape has 2"));
    BOOST_TEST(says("\"hidden_size\":64", "'hidden_size' is 64 where the shape has 32"));
    BOOST_TEST(says("\"num_attention_heads\":8,\"head_dim\":4", "'num_attention_heads' is 8 where the shape has 4"));
    BOOST_TEST(says("\"num_key_value_heads\":4", "'num_key_value_heads' is 4 where the shape has 2"));
    BOOST_TEST(says("\"intermediate_size\":49", "'intermediate_size' is 49 where the shape has 48"));
    BOOST_TEST(says("\"vocab_size\":100000", "'vocab_size' is 100000 where the shape has 96"));
    BOOST_TEST(says("\"rms_norm_eps\":1e-6", "'rms_norm_eps' is 1e-06 where the shape has 1e-05"));
    BOOST_TEST(says("\"tie_word_embeddings\":false", "'tie_word_embeddings' is false where the shape has true"));
    auto const rounded = read(llama("\"rms_norm_eps\":9.999999747378752e-06"));
    mt::io::check_hf_shape(rounded, hf_family::llama, shape{});  // 1e-5 as a float
    auto const c = read(llama());
    BOOST_TEST(has(refusal([&] { mt::io::check_hf_shape(c, hf_family::gpt2, shape{}); }), "'model_type' is llama"));
}
BOOST_AUTO_TEST_CASE(other_mathematics_is_refused_by_name) {
    for (char const* more : {"\"attention_bias\":1", "\"mlp_bias\":1", "\"hidden_act\":\"gelu\"", "\"sliding_window\":4096",
                             "\"head_dim\":1.5", "\"partial_rotary_factor\":0.5", "\"quantization_config\":{}", "\"model_type\":\"gemma\"",
                             "\"layer_types\":[\"sliding_attention\"]", "\"final_logit_softcapping\":30", "\"residual_multiplier\":0.22",
                             "\"num_local_experts\":8", "\"vocab_size\":1.5", "\"num_key_value_heads\":0", "\"tie_word_embeddings\":1"}) {
        std::string const field = std::string(more).substr(0, std::string(more).find(':'));
        BOOST_TEST(has(refusal_of(llama(more)), "'" + field.substr(1, field.size() - 2) + "'"), more);
    }
    std::string const gpt2 = R"({"model_type":"gpt2","n_layer":2,"n_embd":32,"n_head":4,"vocab_size":96,)";
    for (char const* more : {"\"activation_function\":\"gelu\"", "\"scale_attn_weights\":false",
                             "\"scale_attn_by_inverse_layer_idx\":true"})
        BOOST_TEST(!refusal_of(gpt2 + more + "}").empty(), more);
    // The same words where they change nothing.
    BOOST_TEST(refusal_of(llama(R"("sliding_window":4096,"use_sliding_window":false,"residual_multiplier":1.0)")).empty());
    BOOST_TEST(refusal_of(llama(R"("layer_types":["full_attention","full_attention"])")).empty());
}
BOOST_AUTO_TEST_CASE(relatives_of_llama_have_what_transformers_gives_them) {
    auto const is = [&](char const* more, hf_family family, int head_size, int window, bool qkv, bool out, bool norm) {
        auto const c = read(llama(more));
        BOOST_TEST_CONTEXT(more) {
            BOOST_TEST((c.family == family && c.head_size == head_size && c.window == window && c.qkv_bias == qkv && c.out_bias == out && c.qk_norm == norm));
        }
    };
    is("\"attention_bias\":true,\"head_dim\":16", hf_family::llama, 16, 0, true, true, false);
    is(R"("model_type":"mistral")", hf_family::mistral, 8, 0, false, false, false);
    is(R"("model_type":"mistral","sliding_window":4096)", hf_family::mistral, 8, 4096, false, false, false);
    is(R"("model_type":"qwen2","sliding_window":4096,"use_sliding_window":false)", hf_family::qwen2, 8, 0, true, false, false);
    is(R"("model_type":"qwen2","sliding_window":16,"use_sliding_window":true,"max_window_layers":0)", hf_family::qwen2, 8, 16, true, false, false);
    is(R"("model_type":"qwen3")", hf_family::qwen3, 128, 0, false, false, true);
    is(R"("model_type":"qwen3","head_dim":12,"attention_bias":true)", hf_family::qwen3, 12, 0, true, true, true);
    BOOST_TEST(read(llama(R"("model_type":"mistral")", "sliding_window")).window == 4096);
    BOOST_TEST(read(llama(R"("model_type":"qwen2")", "max_position_embeddings")).context == 32'768);
    BOOST_TEST(has(refusal_of(llama("\"num_key_value_heads\":3")), "'num_key_value_heads' does not divide"));
    auto const c = read(llama(R"("rope_scaling":{"rope_type":"llama3","factor":8,"low_freq_factor":1,"high_freq_factor":4,"original_max_position_embeddings":32})"));
    auto const p = mt::io::position_of(c.rotary);
    BOOST_TEST(p.kind() == "llama3");
    BOOST_TEST(p.context() == 256);
    mt::io::check_hf_positions(c, mt::llama3{.base = 1e4, .trained = 32, .extended = 256, .factor = 8});
}
BOOST_AUTO_TEST_CASE(layers_may_differ) {
    using kinds      = std::vector<mt::layer_kind>;
    auto const turns = mt::positions::rotary, none = mt::positions::none;
    auto const is    = [&](std::string const& more, char const* without, kinds const& wanted) {
        auto const c = read(llama(more, without));
        BOOST_TEST_CONTEXT(more) { BOOST_TEST((c.kinds == wanted)); }
        return c;
    };
    is(R"("model_type":"qwen2","sliding_window":16,"use_sliding_window":true,"max_window_layers":1)", "", {{turns, 0}, {turns, 16}});
    is(R"("model_type":"qwen2","sliding_window":16,"use_sliding_window":true,"layer_types":["sliding_attention","full_attention"])", "", {{turns, 16}, {turns, 0}});
    BOOST_TEST(is(R"("model_type":"qwen2","layer_types":["full_attention","sliding_attention"])", "", {}).window == 0);  // not used
    std::string const smol = R"("model_type":"smollm3","num_hidden_layers":4)";
    is(smol, "", {{turns}, {turns}, {turns}, {none}});
    is(smol + R"(,"no_rope_layer_interval":2)", "", {{turns}, {none}, {turns}, {none}});
    is(smol + R"(,"no_rope_layers":[0,1,1,1],"use_sliding_window":true,"sliding_window":8)", "", {{none, 8}, {turns}, {turns}, {turns}});
    BOOST_TEST(is(smol + R"(,"no_rope_layers":[1,1,1,1])", "", {}).window == 0);
    BOOST_TEST(is(smol, "rope_theta", {{turns}, {turns}, {turns}, {none}}).rope_base == 2e6);
    BOOST_TEST(read(llama(smol, "num_key_value_heads")).kv_heads == 4);
    for (char const* more : {R"("model_type":"smollm3","no_rope_layers":[1])", R"("model_type":"smollm3","no_rope_layers":[1,2])", R"("no_rope_layers":[1,0])"})
        BOOST_TEST(has(refusal_of(llama(more)), "'no_rope_layers'"));
    auto const c = read(llama(R"("model_type":"smollm3","no_rope_layer_interval":2)"));
    mt::io::check_hf_shape(c, hf_family::smollm3, nope{});
    BOOST_TEST(has(refusal([&] { mt::io::check_hf_shape(c, hf_family::smollm3, shape{}); }), "layer 1 turns nothing where the shape's turns"));
    BOOST_TEST((mt::io::hf_family_of(mt::io::hf_model::llama, nope{}) == hf_family::smollm3));
    BOOST_TEST(has(refusal([&] { mt::io::hf_family_of(mt::io::hf_model::llama, normed_nope{}); }), "(llama: layer 1 turns where the shape's turns nothing)"));
}
BOOST_AUTO_TEST_CASE(what_is_written_is_read_back) {
    for (char const* more : {"\"attention_bias\":true", R"("model_type":"mistral","sliding_window":16)", R"("model_type":"mistral")",
                             R"("model_type":"qwen2","sliding_window":16,"use_sliding_window":true,"max_window_layers":0)", R"("model_type":"qwen3","head_dim":12)",
                             R"("model_type":"qwen2","sliding_window":16,"use_sliding_window":true,"max_window_layers":1)",
                             R"("model_type":"smollm3","no_rope_layers":[0,1],"attention_bias":true)",
                             R"("model_type":"smollm3","no_rope_layers":[1,0],"use_sliding_window":true,"sliding_window":8)"}) {
        auto const a = read(llama(more));
        scratch const s(mt::io::written(mt::io::hf_config_json(a.family, a, a.rotary, {.end = a.end_token}, "float32")));
        auto const b = mt::io::read_hf_config(s.path);
        BOOST_TEST_CONTEXT(more) {
            BOOST_TEST((a.family == b.family && a.head_size == b.head_size && a.window == b.window && a.qkv_bias == b.qkv_bias));
            BOOST_TEST((a.kinds == b.kinds));
            BOOST_TEST((a.out_bias == b.out_bias && a.qk_norm == b.qk_norm && a.end_token == b.end_token && a.context == b.context));
        }
        BOOST_TEST((mt::io::hf_family_of(mt::io::hf_model::llama, a) == a.family || (a.family == hf_family::mistral && a.window == 0)));
    }
}
BOOST_AUTO_TEST_CASE(unknown_positions_are_refused) {
    BOOST_TEST(refusal_of(llama(yarn(""))).empty());
    BOOST_TEST(has(refusal_of(llama(R"("rope_scaling":{"rope_type":"llama3","factor":8})")), "'high_freq_factor' is missing"));
    BOOST_TEST(has(refusal_of(llama(R"("rope_scaling":{"rope_type":"llama3","factor":8,"low_freq_factor":4,"high_freq_factor":4})")), "is not above"));
    BOOST_TEST(has(refusal_of(llama(R"("rope_scaling":{"rope_type":"axial","factor":8})")), "'axial' is none of"));
    BOOST_TEST(has(refusal_of(llama(R"("rope_scaling":{"rope_type":"longrope","factor":8})")), "'long_factor' is missing"));
    BOOST_TEST(has(refusal_of(llama(longrope("[1,2,3]", "[1,1,1,1]"))), "longrope's lists have 3 factors where a head has 4 pairs"));
    BOOST_TEST(has(refusal_of(llama(longrope("[1,2,3,0]", "[1,1,1,1]"))), "'long_factor' holds something that is no number above zero"));
    BOOST_TEST(has(refusal_of(llama(longrope("[1,2,3,4]", "7"))), "'short_factor' is no list"));
    BOOST_TEST(has(refusal_of(llama(R"("rope_scaling":{"type":"dynamic","factor":0.5})")), "'factor' is 0.5, below 1"));
    BOOST_TEST(has(refusal_of(llama(R"("rope_scaling":{"type":"linear","factor":8,"mscale":1})")), "'mscale' changes the angles"));
    BOOST_TEST(has(refusal_of(llama(R"("rope_scaling":{"type":"linear","factor":8,"partial_rotary_factor":0.5})")),
                   "'partial_rotary_factor' changes the angles"));
    BOOST_TEST(has(refusal_of(llama(R"("rope_scaling":{"rope_type":"proportional","partial_rotary_factor":1.5})")), "not between 0 and 1"));
    BOOST_TEST(has(refusal_of(llama(yarn(",\"attention_factor\":-1"))), "'attention_factor' is below zero"));
    BOOST_TEST(has(refusal_of(llama(yarn(",\"mscale\":-100,\"mscale_all_dim\":1"))), "make a temperature that is not above zero"));
    std::string const plain = R"("rope_parameters":{"rope_type":"default","rope_theta":)";
    BOOST_TEST(has(refusal_of(llama(yarn("") + "," + plain + "10000}")), "'rope_scaling' and 'rope_parameters' differ"));
    BOOST_TEST(has(refusal_of(llama(plain + "500000}")), "'rope_theta' and 'rope_parameters' differ"));
}
// Both spellings, and what some models say in a way of their own.
BOOST_AUTO_TEST_CASE(positions_are_read_as_transformers_reads_them) {
    auto const read_as = [](std::string const& more) { return mt::io::position_of(read(llama(more)).rotary); };
    auto const yarn_of = [&](std::string const& more) { return read_as(more).visit([](auto const& p) -> mt::yarn {
        if constexpr (std::is_same_v<std::remove_cvref_t<decltype(p)>, mt::yarn>) return p;
        else throw mt::error("no yarn");
    }); };
    auto const y = yarn_of(yarn(R"(,"mscale":0.7,"mscale_all_dim":0.5,"truncate":false)"));
    BOOST_TEST((y.mscale == 0.7 && y.mscale_all_dim == 0.5 && !y.truncate && y.factor == 0 && y.extended == 256));
    BOOST_TEST(yarn_of(yarn(",\"attention_factor\":1.0")).attention_factor == 1.0);
    BOOST_TEST(yarn_of(yarn(",\"attention_factor\":1.138629436111989")).attention_factor == 0.0);  // 0.1 ln 4 + 1
    // Qwen2.5's way: the context stays as trained, and the factor says how far it goes.
    auto const q = yarn_of(R"("max_position_embeddings":64,"rope_scaling":{"type":"yarn","factor":4,"original_max_position_embeddings":64})");
    BOOST_TEST((q.extended == 256 && q.stretch() == 4));
    // DeepSeek-V3's: the factor is the last stage's.
    auto const d = yarn_of(R"("rope_scaling":{"type":"yarn","factor":40,"original_max_position_embeddings":64})");
    BOOST_TEST((d.extended == 256 && d.stretch() == 40));
    auto const n = read_as(R"("rope_scaling":{"type":"dynamic","factor":2})");
    BOOST_TEST((n.kind() == "dynamic_ntk" && n.context() == 512));  // L is max_position_embeddings
    auto const l = read_as(longrope("[1,2,3,4]", "[1,1,1.5,2]"));
    BOOST_TEST((l.kind() == "longrope" && l.context() == 256));
    BOOST_TEST(std::abs(l.temperature(256) - std::sqrt(1 + std::log(4) / std::log(64))) < 1e-15);
    BOOST_TEST(std::abs(l.inverse_frequency(3, 8, 256) * 4 - mt::position::plain_frequency(1e4, 3, 8)) < 1e-18);
    BOOST_TEST(std::abs(l.inverse_frequency(3, 8, 64) * 2 - mt::position::plain_frequency(1e4, 3, 8)) < 1e-18);
    // Phi-3 keeps the trained length outside of the table.
    BOOST_TEST(read_as(R"("original_max_position_embeddings":32,)" + longrope("[1,2,3,4]", "[1,1,1,1]")).temperature(256) > l.temperature(256));
    auto const p = read_as(R"("rope_parameters":{"rope_type":"proportional","rope_theta":10000,"partial_rotary_factor":0.5})");
    BOOST_TEST((p.kind() == "proportional" && p.inverse_frequency(1, 8, 256) > 0 && p.inverse_frequency(2, 8, 256) == 0));
    BOOST_TEST(read_as(R"("rope_parameters":{"rope_type":"proportional","rope_theta":10000,"partial_rotary_factor":0})").kind() == "none");
}
BOOST_AUTO_TEST_CASE(what_transformers_cannot_say_is_refused_with_the_reason) {
    auto const why = [](auto const& policy) {
        return refusal([&] { mt::io::hf_config_json(hf_family::llama, shape{}, mt::io::hf_rotary_of(policy, 8), {.end = 3}, "bfloat16"); });
    };
    mt::rope const plain{.base = 1e4, .length = 64};
    BOOST_TEST(has(why(mt::partial{.share = 0.5, .policy = plain}), "turns whole heads"));
    BOOST_TEST(has(why(mt::longrope{.base = 1e4, .trained = 64, .extended = 128, .long_factor = {}, .short_factor = {}, .start = 4}), "start = 0"));
    BOOST_TEST(has(why(mt::partial{.share = 0.5, .policy = mt::yarn{.base = 1e4, .trained = 64, .extended = 128, .heat = mt::yarn_heat::scores}}),
                   "put yarn's heat on rotary"));
    BOOST_TEST(why(mt::partial{.share = 1.0, .policy = plain}) == "");
}
BOOST_AUTO_TEST_CASE(positions_are_compared_with_a_policy) {
    auto const c    = read(llama(yarn("")));
    auto const says = [&](auto const& policy, char const* part) {
        return has(refusal([&] { mt::io::check_hf_positions(c, policy); }), part);
    };
    mt::io::check_hf_positions(c, mt::yarn{.base = 10'000, .trained = 64, .extended = 256});
    BOOST_TEST(says(mt::rope{.base = 10'000, .length = 256}, "'rope_type' is yarn where the position policy is default"));
    BOOST_TEST(says(mt::yarn{.base = 10'000, .trained = 64, .extended = 128}, "'factor' is 4 where the position policy has 2"));
    BOOST_TEST(says(mt::yarn{.base = 5e5, .trained = 64, .extended = 256}, "'rope_theta' is 10000 where the position policy has 500000"));
    BOOST_TEST(says(mt::yarn{.base = 10'000, .trained = 32, .extended = 128},
                    "'original_max_position_embeddings' is 64 where the position policy has 32"));
    BOOST_TEST(says(mt::yarn{.base = 10'000, .trained = 64, .extended = 256, .fast = 16},
                    "'beta_fast' is 32 where the position policy has 16"));
}
// Whatever is written reads back as the same shape and the same positions.
BOOST_AUTO_TEST_CASE(what_is_written_reads_back) {
    auto const goes_round = [](auto const& policy) {
        auto const rotary = mt::io::hf_rotary_of(policy, 8);
        auto const c      = read(mt::io::written(mt::io::hf_config_json(hf_family::llama, shape{}, rotary, {.end = 3}, "bfloat16"), 2));
        mt::io::check_hf_shape(c, hf_family::llama, shape{});
        mt::io::check_hf_positions(c, policy);
        BOOST_TEST(c.context == policy.context());
        BOOST_TEST(c.end_token == 3);
    };
    goes_round(mt::rope{.base = 500'000, .length = 4096});
    goes_round(mt::interpolated{.base = 10'000, .trained = 2048, .extended = 16384});
    goes_round(mt::ntk{.base = 10'000, .trained = 2048, .extended = 16384});
    goes_round(mt::ntk_alpha{.base = 10'000, .alpha = 1000, .length = 16384});
    goes_round(mt::by_parts{.base = 10'000, .trained = 2048, .extended = 16384});
    goes_round(mt::llama3{.base = 10'000, .trained = 2048, .extended = 16384, .factor = 8});
    goes_round(mt::yarn{.base = 10'000, .trained = 2048, .extended = 16384, .factor = 40, .mscale = 0.7, .mscale_all_dim = 0.5});
    goes_round(mt::yarn{.base = 10'000, .trained = 2048, .extended = 16384, .truncate = false, .attention_factor = 1.1});
    goes_round(mt::yarn{.base = 10'000, .trained = 2048, .extended = 16384, .ramp = mt::yarn_ramp::turns, .heat = mt::yarn_heat::scores});
    goes_round(mt::longrope{.base = 10'000, .trained = 2048, .extended = 16384, .long_factor = {1, 2.5, 5, 8}, .short_factor = {1, 1, 1.5, 2}});
    goes_round(mt::longrope{.base = 10'000, .trained = 2048, .extended = 16384, .factor = 4, .attention_factor = 1.2});
    goes_round(mt::proportional{.base = 10'000, .length = 16384, .share = 0.5, .factor = 2});
    goes_round(mt::no_positions{.length = 512});
    goes_round(mt::any_position(mt::llama3{.base = 10'000, .trained = 2048, .extended = 16384, .factor = 8}));
    goes_round(mt::yarn{.base = 10'000, .trained = 3000, .extended = 16384, .fast = 48, .slow = 2});
    // Of dynamic, config.json has the trained length only, and what lies beyond is the factor's.
    mt::dynamic_ntk const dynamic{.base = 10'000, .trained = 2048, .extended = 8192, .factor = 4};
    auto const d = read(mt::io::written(mt::io::hf_config_json(hf_family::llama, shape{}, mt::io::hf_rotary_of(dynamic, 8), {.end = 3}, "bfloat16")));
    mt::io::check_hf_positions(d, dynamic);
    BOOST_TEST((d.context == 2048 && mt::io::position_of(d.rotary).context() == 8192));
    auto const g = read(mt::io::written(mt::io::hf_config_json(hf_family::gpt2, shape{}, {}, {.end = 3}, "float32")));
    mt::io::check_hf_shape(g, hf_family::gpt2, shape{});
    BOOST_TEST(g.context == 64);
}
// NTK is written as the plain rotary that it is: the frequencies are those of the policy.
BOOST_AUTO_TEST_CASE(ntk_is_a_larger_base) {
    mt::ntk const policy{.base = 10'000, .trained = 2048, .extended = 16384};
    auto const    r = mt::io::hf_rotary_of(policy, 64);
    BOOST_TEST(r.type == "default");
    for (int i = 0; i < 32; ++i)
        BOOST_TEST(std::abs(mt::position::plain_frequency(r.base, i, 64) / policy.inverse_frequency(i, 64, 0) - 1) < 1e-13);
}
BOOST_AUTO_TEST_CASE(broken_files_are_refused_in_a_sentence) {
    auto const whole = llama(yarn(""));
    for (std::size_t n = 1; n < whole.size(); ++n) BOOST_TEST(!refusal_of(whole.substr(0, n)).empty());
    for (std::size_t n = 0; n < whole.size(); ++n) {
        auto bytes = whole;
        bytes[n]   = static_cast<char>(bytes[n] ^ 1);
        refusal_of(bytes);  // an error of ours or none; anything else ends the test
    }
    BOOST_TEST(has(refusal([] { mt::io::read_hf_config("/no/config.json"); }), "/no/config.json: cannot be opened"));
}

BOOST_AUTO_TEST_SUITE_END()
