// A model with experts under the trainer: loads in every report and in the metrics file, biases that follow them, speeds that move.
#include <boost/test/unit_test.hpp>
#include <cmath>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>
#include <midtrain/annealing/constant.hpp>
#include <midtrain/annealing/decay.hpp>
#include <midtrain/comm/self.hpp>
#include <midtrain/exec/host/host.hpp>
#include <midtrain/mixture/mixtures.hpp>
#include <midtrain/model/expert_family.hpp>
#include <midtrain/model/llama.hpp>
#include <midtrain/model/trainable.hpp>
#include <midtrain/optim/adamw.hpp>
#include <midtrain/position/rope.hpp>
#include <midtrain/precision/precision.hpp>
#include <midtrain/train/metrics_file.hpp>
#include <midtrain/train/trainer.hpp>
#include <support/striding_store.hpp>

namespace mt = midtrain;

namespace routers_under_test {

using store = test::striding_store;
template <class T>
struct sources {
    T text;
};
struct shape : test::ending_shape {
    static constexpr mt::expert_shape experts{.count = 4, .chosen = 2, .ffn = 8, .scores = mt::router_scores::sigmoid, .renormalise = true,
                                              .biased = true, .first_dense = 1, .balance = {.sequence = 1e-3, .global_batch = 1e-2}};
};
struct family : mt::model::expert_family<family> {};
using model = mt::trainable<mt::host, family, shape, mt::bf16_mixed>;

template <class Shape = shape, class Speed = double>
auto recipe_of(Speed speed, mt::index_t micro = 4) {
    return mt::judged(mt::recipe{.optimizer = mt::adamw{.decay = 0.1},
                                 .stages    = mt::stages{mt::stage{.name     = "one",
                                                                   .budget   = mt::tokens{6 * 128},
                                                                   .mixture  = mt::fixed_mixture<sources>{.share = {.text = 1}},
                                                                   .rate     = mt::constant{.peak = 3e-3},
                                                                   .batch    = {.sequences = 4, .length = 32, .micro = micro},
                                                                   .position = mt::rope{.base = 1e4, .length = 64}}},
                                 .bias_speed = speed},
                      Shape{});
}

struct stop {};

/// What a run leaves behind.
struct outcome {
    std::vector<float>               weights, bias;
    std::vector<std::vector<double>> loads;   // by step
};

template <class Recipe>
outcome run(Recipe const& recipe, std::string const& folder = "", std::int64_t last = -1) {
    mt::host                 device{1};
    mt::self                 ranks;
    model                    m{device, {}};
    sources<store>           corpus{store(3, 40, 29)};
    outcome                  found;
    mt::checkpoints::options how;
    how.folder = folder, how.every_steps = folder.empty() ? 0 : 1;
    m.initialise(1);
    mt::trainer      t(ranks, m, recipe, mt::checkpoints(how));
    mt::metrics_file file((folder.empty() ? std::filesystem::temp_directory_path().string() : folder) + "/metrics.jsonl", t.state().step);
    try {
        t.run(corpus, file, [&](mt::report const& r) {
            found.loads.emplace_back(r.router_loads.begin(), r.router_loads.end());
            if (r.step == last) throw stop{};
        });
    } catch (stop) {
    }
    auto const& r = m.parameters().routers().front();
    found.weights.assign(m.master().begin(), m.master().end());
    auto const bias = m.master().part(m.parameters()[r.bias].offset, r.experts);
    found.bias.assign(bias.begin(), bias.end());
    return found;
}

}  // namespace routers_under_test

using namespace routers_under_test;

BOOST_AUTO_TEST_SUITE(routers_of_runs)

BOOST_AUTO_TEST_CASE(biases_go_against_the_loads_of_each_step) {
    auto const        found = run(recipe_of(0.001));
    std::vector<float> want(4, 0.0f);
    BOOST_REQUIRE(found.loads.size() == 6);
    for (auto const& l : found.loads) {
        BOOST_TEST(l[0] + l[1] + l[2] + l[3] == 256);  // 128 tokens, two experts each
        BOOST_TEST(l[4] == 128);
        for (std::size_t e = 0; e < 4; ++e)  // DeepSeek-V3, section 2.1.2
            want[e] = static_cast<float>(static_cast<double>(want[e]) + 0.001 * (l[e] < 64 ? 1 : l[e] > 64 ? -1 : 0));
    }
    BOOST_TEST(found.bias == want, boost::test_tools::per_element());
    BOOST_TEST(run(recipe_of(0.0)).bias == std::vector<float>(4, 0.0f), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(the_speed_may_be_a_schedule) {
    auto const found = run(recipe_of(mt::linear{.from = 0.006, .to = 0}));
    double     most  = 0;
    for (float b : found.bias) most = std::max(most, std::abs(double(b)));
    BOOST_TEST(most > 0);
    BOOST_TEST(most <= 0.021 + 1e-6);  // 6 + 5 + 4 + 3 + 2 + 1 thousandths
}

BOOST_AUTO_TEST_CASE(micro_batches_change_no_count) {
    auto const whole = run(recipe_of(0.001)), parts = run(recipe_of(0.001, 1));
    BOOST_TEST(std::vector<double>(whole.loads[0].begin(), whole.loads[0].begin() + 5) ==
                   std::vector<double>(parts.loads[0].begin(), parts.loads[0].begin() + 5),
               boost::test_tools::per_element());
    BOOST_TEST(whole.loads[0][6] == parts.loads[0][6], boost::test_tools::tolerance(1e-5));  // the loss by sequence
}

BOOST_AUTO_TEST_CASE(a_run_goes_on_with_its_biases_and_the_file_tells_of_loads) {
    auto const folder = std::filesystem::temp_directory_path() / "midtrain_routers_of_runs";
    std::filesystem::remove_all(folder);
    std::filesystem::create_directories(folder);
    run(recipe_of(0.001), folder.string(), 4);
    auto const again = run(recipe_of(0.001), folder.string()), at_once = run(recipe_of(0.001));
    BOOST_TEST(again.weights == at_once.weights, boost::test_tools::per_element());
    BOOST_TEST(again.bias == at_once.bias, boost::test_tools::per_element());
    auto const told = mt::read_metrics((folder / "metrics.jsonl").string());
    BOOST_REQUIRE(told.rows.size() == 6);
    auto const& row  = told.rows.back().routers;
    auto const& last = at_once.loads.back();
    BOOST_REQUIRE(row.size() == 1);
    BOOST_TEST(row[0].name == "model.layers.1.mlp.");
    BOOST_TEST(row[0].heaviest == std::max({last[0], last[1], last[2], last[3]}) / 64);
    BOOST_TEST(row[0].lightest == std::min({last[0], last[1], last[2], last[3]}) / 64);
    BOOST_TEST(row[0].overflow == 0);
    BOOST_TEST(row[0].losses == std::vector<double>(last.begin() + 6, last.end()), boost::test_tools::per_element());
    BOOST_TEST(row[0].losses[2] >= 0.9);
    std::filesystem::remove_all(folder);
}

BOOST_AUTO_TEST_CASE(a_model_without_experts_has_no_loads) {
    mt::host                                                              device{1};
    mt::self                                                              ranks;
    mt::trainable<mt::host, mt::model::llama, test::ending_shape, mt::fp32> m{device, {}};
    sources<store>                                                        corpus{store(3, 40, 29)};
    m.initialise(1);
    mt::trainer t(ranks, m, recipe_of<test::ending_shape>(0.0));
    t.run(corpus, [](mt::report const& r) { BOOST_REQUIRE(r.routers.empty() && r.router_loads.empty()); });
}

BOOST_AUTO_TEST_CASE(a_speed_below_zero_is_refused) {
    BOOST_CHECK_EXCEPTION(recipe_of(-0.1), mt::error, [](mt::error const& e) { return std::string(e.what()).find("bias_speed") != std::string::npos; });
}

BOOST_AUTO_TEST_SUITE_END()
