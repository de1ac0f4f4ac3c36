// A model whose layers share keys and values, trained, exported, and read back from its own config.json; what a token of it costs.
#include <boost/test/unit_test.hpp>
#include <filesystem>
#include <string>
#include <vector>
#include <midtrain/annealing/constant.hpp>
#include <midtrain/comm/self.hpp>
#include <midtrain/exec/host/host.hpp>
#include <midtrain/io/hf_config.hpp>
#include <midtrain/io/safetensors.hpp>
#include <midtrain/io/weight_files.hpp>
#include <midtrain/mixture/mixtures.hpp>
#include <midtrain/model/hunyuan_large.hpp>
#include <midtrain/model/llama.hpp>
#include <midtrain/model/trainable.hpp>
#include <midtrain/optim/adamw.hpp>
#include <midtrain/position/rope.hpp>
#include <midtrain/precision/precision.hpp>
#include <midtrain/problem/counting_device.hpp>
#include <midtrain/train/cost_of_token.hpp>
#include <midtrain/train/export.hpp>
#include <midtrain/train/trainer.hpp>
#include <support/small_models.hpp>
#include <support/striding_store.hpp>

namespace mt = midtrain;

namespace sharing_under_test {

template <class T>
struct sources {
    T text;
};
struct hunyuan : mt::model::hunyuan_large_shape {
    static constexpr int              layers = 4, width = 32, heads = 4, kv_heads = 2, ffn = 24, vocab = 96, context = 64, end_token = 95;
    static constexpr mt::expert_shape experts{.count = 4, .chosen = 1, .ffn = 24, .shared_ffn = 24, .capacity = 1, .past = mt::overflow::recycle,
                                              .naming = mt::expert_naming::hunyuan};
};
struct own : test::small_shape {
    static constexpr int layers = 3;
};
struct reading : own {
    static constexpr mt::layer_kind layer(int n) { return {.keys_from = mt::keys_of_last(0, n)}; }
};

constexpr mt::rope positions{.base = 1e4, .length = 64};

template <class Model>
std::vector<float> logits_of(Model& m) {
    std::vector<float> out(24 * 96);
    m.set_rotary(64, positions);
    m.logits(test::owned_batch::random(1, 24, 96, 0).view(), mt::as_matrix(out.data(), 24, 96));
    return out;
}

}  // namespace sharing_under_test

using namespace sharing_under_test;

BOOST_AUTO_TEST_SUITE(sharing_in_runs)

BOOST_AUTO_TEST_CASE(a_hunyuan_large_learns_and_is_read_back) {
    using model       = mt::trainable<mt::host, mt::model::hunyuan_large, hunyuan, mt::fp32>;
    auto const recipe = mt::judged(mt::recipe{.optimizer = mt::adamw{.decay = 0},
                                              .stages    = mt::stages{mt::stage{.name     = "one",
                                                                                .budget   = mt::tokens{40 * 128},
                                                                                .mixture  = mt::fixed_mixture<sources>{.share = {.text = 1}},
                                                                                .rate     = mt::constant{.peak = 1e-2},
                                                                                .batch    = {.sequences = 4, .length = 32, .micro = 2},
                                                                                .position = positions}}},
                                   hunyuan{});
    mt::host                         device{1};
    mt::self                         ranks;
    model                            m{device, {}, mt::pass_mode::recompute};
    sources<test::striding_store>    corpus{test::striding_store(3, 40, 29)};
    std::vector<double>              losses;
    m.initialise(1);
    mt::trainer t(ranks, m, recipe);
    t.run(corpus, [&](mt::report const& r) { losses.push_back(r.loss); });
    BOOST_TEST(losses.back() < losses.front() - 1);

    auto const folder = (std::filesystem::temp_directory_path() / "midtrain_exported_sharing").string();
    std::filesystem::remove_all(folder);
    mt::export_model(m, folder, positions, {.weights = mt::weight_type::f32});
    mt::io::safetensors const file(folder + "/model.safetensors");
    auto const                has = [&](char const* name) { return file.tensors().contains(std::string("model.layers.") + name + ".weight"); };
    BOOST_TEST((has("2.self_attn.k_proj") && has("3.self_attn.q_proj") && has("3.self_attn.key_layernorm")));
    BOOST_TEST((!has("3.self_attn.k_proj") && !has("3.self_attn.v_proj")));
    auto const shape = mt::io::read_hf_config(folder + "/config.json");
    mt::trainable<mt::host, mt::model::hunyuan_large, mt::io::hf_config, mt::fp32> again(device, shape);
    mt::io::weight_files const weights(folder);
    weights.check_names(again.parameters());
    again.load(weights);
    BOOST_TEST(logits_of(again) == logits_of(m), boost::test_tools::per_element());
    std::filesystem::remove_all(folder);
}

/// Six operations less for each weight that readers do not have; they look at as many keys.
BOOST_AUTO_TEST_CASE(a_token_costs_less_by_the_matrices_that_are_not_there) {
    mt::counting_device                                                      nobody;
    mt::trainable<mt::counting_device, mt::model::llama, own, mt::fp32>     alone(nobody, {});
    mt::trainable<mt::counting_device, mt::model::llama, reading, mt::fp32> shared(nobody, {});
    BOOST_TEST(mt::cost_of_token(alone, 64) - mt::cost_of_token(shared, 64) == 6.0 * 2 * (2 * 16 * 32));
}

BOOST_AUTO_TEST_SUITE_END()
