// Runs whose products are of eight bits: the same bits again and after a resume; losses near those of float.
#include <boost/test/unit_test.hpp>
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>
#include <midtrain/annealing/constant.hpp>
#include <midtrain/comm/self.hpp>
#include <midtrain/exec/host/host.hpp>
#include <midtrain/mixture/mixtures.hpp>
#include <midtrain/model/llama.hpp>
#include <midtrain/model/trainable.hpp>
#include <midtrain/optim/adamw.hpp>
#include <midtrain/position/rope.hpp>
#include <midtrain/precision/fp8.hpp>
#include <midtrain/train/trainer.hpp>
#include <support/striding_store.hpp>

namespace mt = midtrain;

namespace fp8_runs_under_test {

using store = test::striding_store;
template <class T>
struct sources {
    T text;
};
/// Wider than a tile, and no multiple of one.
struct shape : test::ending_shape {
    static constexpr int width = 136, heads = 4, kv_heads = 2, ffn = 200;
};

auto recipe(int steps) {
    return mt::judged(mt::recipe{.optimizer = mt::adamw{},
                                 .stages    = mt::stages{mt::stage{.name     = "one",
                                                                   .budget   = mt::tokens{steps * 160},
                                                                   .mixture  = mt::fixed_mixture<sources>{.share = {.text = 1}},
                                                                   .rate     = mt::constant{.peak = 2e-3},
                                                                   .batch    = {.sequences = 4, .length = 40},
                                                                   .position = mt::rope{.base = 1e4, .length = 64}}}},
                      shape{});
}

struct stop {};
struct outcome {
    std::vector<float>  weights;
    std::vector<double> losses;
};

/// Weights and losses; with a folder, of a run that dies after its third step and is begun again.
template <class Precision>
outcome trained(int steps, std::string const& folder = "") {
    auto const once = [&](std::int64_t last) {
        mt::host                                                    device{2};
        mt::self                                                    ranks;
        mt::trainable<mt::host, mt::model::llama, shape, Precision> model{device, {}};
        sources<store>                                              corpus{store(3, 400, 29)};
        model.initialise(1);
        mt::checkpoints::options how;
        how.folder = folder, how.every_steps = folder.empty() ? 0 : 1;
        mt::trainer t(ranks, model, recipe(steps), mt::checkpoints(how));
        outcome     o;
        try {
            t.run(corpus, [&](mt::report const& r) {
                o.losses.push_back(r.loss);
                if (r.step == last) throw stop{};
            });
        } catch (stop) {
        }
        o.weights.assign(model.master().begin(), model.master().end());
        return o;
    };
    if (!folder.empty()) once(4);
    return once(-1);
}

template <class Precision>
void repeats() {
    auto const folder = std::filesystem::temp_directory_path() / ("midtrain_" + std::string(Precision::name));
    std::filesystem::remove_all(folder);
    auto const whole = trained<Precision>(6);
    BOOST_TEST((whole.weights == trained<Precision>(6).weights), Precision::name);
    BOOST_TEST((whole.weights == trained<Precision>(6, folder.string()).weights), Precision::name);
    std::filesystem::remove_all(folder);
}

}  // namespace fp8_runs_under_test

using namespace fp8_runs_under_test;

BOOST_AUTO_TEST_SUITE(fp8_runs)

BOOST_AUTO_TEST_CASE(the_same_bits_again_and_after_a_resume) {
    repeats<mt::fp8_tensor>();
    repeats<mt::fp8_block>();
    repeats<mt::fp8_block_ue8m0>();
}
// Measured over 40 steps, in which float's loss falls from 5.03 to 0.29: at most 0.05 apart, and 1.4 percent in the mean of the last ten;
// bfloat16 is 0.004 and 0.2 percent apart. Allowed is twice as much.
BOOST_AUTO_TEST_CASE(losses_are_near_those_of_float) {
    auto const exact = trained<mt::fp32>(40).losses;
    auto const near  = [&]<class Precision>(Precision) {
        auto const losses = trained<Precision>(40).losses;
        double     worst = 0, mean = 0, of_exact = 0;
        for (std::size_t n = 0; n < losses.size(); ++n) worst = std::max(worst, std::abs(losses[n] - exact[n]));
        for (std::size_t n = losses.size() - 10; n < losses.size(); ++n) mean += losses[n], of_exact += exact[n];
        BOOST_TEST(worst > 0.01, Precision::name);  // eight bits show
        BOOST_TEST(worst < 0.1, Precision::name);
        BOOST_TEST(std::abs(mean / of_exact - 1) < 0.03, Precision::name);
    };
    BOOST_TEST((exact.front() > 5 && exact.back() < 0.4));
    near(mt::fp8_tensor{});
    near(mt::fp8_block{});
    near(mt::fp8_block_ue8m0{});
}

BOOST_AUTO_TEST_SUITE_END()
