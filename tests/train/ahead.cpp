// A model with modules of multi-token prediction under the trainer: their weight is a schedule, their losses stand in every report.
#include <boost/test/unit_test.hpp>
#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>
#include <midtrain/annealing/constant.hpp>
#include <midtrain/annealing/decay.hpp>
#include <midtrain/comm/self.hpp>
#include <midtrain/exec/host/host.hpp>
#include <midtrain/io/safetensors.hpp>
#include <midtrain/io/weight_files.hpp>
#include <midtrain/mixture/mixtures.hpp>
#include <midtrain/model/llama.hpp>
#include <midtrain/model/trainable.hpp>
#include <midtrain/optim/adamw.hpp>
#include <midtrain/position/rope.hpp>
#include <midtrain/precision/precision.hpp>
#include <midtrain/train/export.hpp>
#include <midtrain/train/metrics_file.hpp>
#include <midtrain/train/trainer.hpp>
#include <support/striding_store.hpp>
#include <support/tiny_deepseek_v3.hpp>

namespace mt = midtrain;

namespace ahead_under_test {

template <class T>
struct sources {
    T text;
};
struct shape : test::ending_shape {
    static constexpr mt::mtp_shape mtp{.depth = 2};
};
using model = mt::trainable<mt::host, mt::model::llama, shape, mt::fp32>;

template <class Weight>
auto recipe_of(Weight weight) {
    return mt::recipe{.optimizer  = mt::adamw{.decay = 0},
                      .stages     = mt::stages{mt::stage{.name     = "one",
                                                         .budget   = mt::tokens{40 * 128},
                                                         .mixture  = mt::fixed_mixture<sources>{.share = {.text = 1}},
                                                         .rate     = mt::constant{.peak = 1e-2},
                                                         .batch    = {.sequences = 4, .length = 32, .micro = 2},
                                                         .position = mt::rope{.base = 1e4, .length = 64}}},
                      .mtp_weight = weight};
}

struct released : test::tiny_deepseek_v3 {
    static constexpr mt::mtp_shape mtp{.depth = 1};
};

struct outcome {
    std::vector<double>              weights;  // by step
    std::vector<std::vector<double>> losses;
};
template <class Recipe>
outcome run(Recipe const& recipe, std::string const& metrics) {
    mt::host                         device{1};
    mt::self                         ranks;
    model                            m{device, {}};
    sources<test::striding_store>    corpus{test::striding_store(3, 40, 29)};
    outcome                          found;
    m.initialise(1);
    mt::trainer      t(ranks, m, recipe);
    mt::metrics_file file(metrics, 0);
    t.run(corpus, file, [&](mt::report const& r) {
        found.weights.push_back(m.mtp_weight);
        found.losses.emplace_back(r.mtp_losses.begin(), r.mtp_losses.end());
    });
    return found;
}
template <class Recipe, class Shape>
std::string refusal(Recipe const& r, Shape const& s) {
    try {
        mt::judged(r, s);
    } catch (mt::error const& e) {
        return e.what();
    }
    return "";
}

}  // namespace ahead_under_test

using namespace ahead_under_test;

BOOST_AUTO_TEST_SUITE(ahead_of_runs)

BOOST_AUTO_TEST_CASE(a_schedule_of_the_weight_and_losses_in_every_report) {
    auto const metrics = (std::filesystem::temp_directory_path() / "midtrain_ahead_of_runs.jsonl").string();
    std::filesystem::remove(metrics);
    auto const found = run(mt::judged(recipe_of(mt::linear{.from = 0.4, .to = 0.2}), shape{}), metrics);
    BOOST_REQUIRE(found.losses.size() == 40);
    for (std::size_t n = 0; n < 40; ++n) {
        BOOST_TEST(found.weights[n] == 0.4 - 0.2 * static_cast<double>(n) / 40, boost::test_tools::tolerance(1e-12));
        BOOST_REQUIRE(found.losses[n].size() == 2);
    }
    // Texts count in strides, so tokens further on are learned as the next one is.
    for (std::size_t k = 0; k < 2; ++k) {
        BOOST_TEST(found.losses.front()[k] > 4.3);
        BOOST_TEST(found.losses.back()[k] < found.losses.front()[k] - 1);
    }
    auto const told = mt::read_metrics(metrics);
    BOOST_REQUIRE(told.rows.size() == 40);
    for (std::size_t n = 0; n < 40; ++n) BOOST_TEST(told.rows[n].mtp_losses == found.losses[n], boost::test_tools::per_element());
    std::filesystem::remove(metrics);
}
BOOST_AUTO_TEST_CASE(a_weight_and_modules_go_together) {
    BOOST_TEST(refusal(recipe_of(0.0), shape{}).find("mtp_weight is 0 throughout") != std::string::npos);
    BOOST_TEST(refusal(recipe_of(0.1), test::ending_shape{}).find("this one has none") != std::string::npos);
    BOOST_TEST(refusal(recipe_of(-0.1), shape{}).find("mtp_weight is negative") != std::string::npos);
    BOOST_TEST(refusal(recipe_of(0.1), shape{}) == "");
    BOOST_TEST(refusal(recipe_of(0.0), test::ending_shape{}) == "");
}
/// DeepSeek-V3's files hold embedding and head once more, in the module; read back, the copies are passed over.
BOOST_AUTO_TEST_CASE(an_exported_module_has_its_copies) {
    using deepseek    = mt::trainable<mt::host, mt::model::deepseek_v3, released, mt::fp32>;
    auto const folder = (std::filesystem::temp_directory_path() / "midtrain_exported_ahead").string();
    std::filesystem::remove_all(folder);
    mt::host device{1};
    deepseek m{device, {}}, again{device, {}};
    m.initialise(5), again.initialise(6);
    mt::export_model(m, folder, mt::rope{.base = 1e4, .length = 64}, {.weights = mt::weight_type::f32});
    mt::io::safetensors const file(folder + "/model.safetensors");
    auto const same = [&](char const* copy, char const* of) {
        auto const a = file.at(copy).bytes, b = file.at(of).bytes;
        return std::equal(a.begin(), a.end(), b.begin(), b.end());
    };
    BOOST_TEST(same("model.layers.2.embed_tokens.weight", "model.embed_tokens.weight"));
    BOOST_TEST(same("model.layers.2.shared_head.head.weight", "lm_head.weight"));
    BOOST_TEST(!same("model.embed_tokens.weight", "lm_head.weight"));
    mt::io::weight_files const weights(folder);
    weights.check_names(again.parameters());
    again.load(weights);
    for (auto const& e : m.parameters().entries())
        for (mt::index_t i = 0; i < e.size(); ++i) BOOST_REQUIRE(m.master()[e.offset + i] == again.master()[e.offset + i]);
    std::filesystem::remove_all(folder);
}

BOOST_AUTO_TEST_SUITE_END()
