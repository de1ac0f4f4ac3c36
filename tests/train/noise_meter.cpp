#include <boost/test/unit_test.hpp>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <span>
#include <string>
#include <vector>
#include <midtrain/annealing/constant.hpp>
#include <midtrain/annealing/reduce_on_plateau.hpp>
#include <midtrain/comm/self.hpp>
#include <midtrain/exec/host/host.hpp>
#include <midtrain/mixture/mixtures.hpp>
#include <midtrain/model/llama.hpp>
#include <midtrain/model/trainable.hpp>
#include <midtrain/optim/adamw.hpp>
#include <midtrain/position/rope.hpp>
#include <midtrain/precision/precision.hpp>
#include <midtrain/train/trainer.hpp>
#include <support/striding_store.hpp>

namespace mt = midtrain;

namespace noise_under_test {

using store = test::striding_store;
template <class T>
struct sources {
    T slow, fast;
};
using shape = test::ending_shape;

constexpr auto recipe = mt::checked([] {
    return mt::recipe{
        .optimizer = mt::adamw{},
        .stages    = mt::stages{mt::stage{.name     = "only",
                                          .budget   = mt::tokens{24 * 6 * 32},
                                          .mixture  = mt::fixed_mixture<sources>{.share = {.slow = .5, .fast = .5}},
                                          .rate     = mt::reduce_on_plateau<mt::constant>{.policy = {.peak = 3e-3}, .factor = 0.5, .patience = 0},
                                          .batch    = {.sequences = 6, .length = 32},
                                          .position = mt::rope{.base = 1e4, .length = 64}}}};
}, shape{});

using model_type = mt::trainable<mt::host, mt::model::llama, shape, mt::fp32>;

struct run {
    mt::host       device{2};
    mt::self       ranks;
    model_type     model{device, {}};
    sources<store> corpus{.slow = store(1), .fast = store(3)};
    run() { model.initialise(1); }
    std::vector<float> weights() { return {model.master().begin(), model.master().end()}; }
};
bool same_bits(std::vector<float> const& a, std::vector<float> const& b) {
    return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0;
}
/// Held-out losses that a test makes up: they fall until step 8, then no more.
double played_loss(std::int64_t step) { return step < 8 ? 5.0 - 0.1 * static_cast<double>(step) : 4.3; }

}  // namespace noise_under_test

using namespace noise_under_test;

BOOST_AUTO_TEST_SUITE(noise_meter)

BOOST_AUTO_TEST_CASE(a_run_has_the_same_bits_with_and_without) {
    run plain, measured;
    mt::trainer(plain.ranks, plain.model, recipe).run(plain.corpus);
    mt::trainer t(measured.ranks, measured.model, recipe);
    t.measure_noise({.every = 3});
    int told = 0;
    t.run(measured.corpus, [&](mt::report const& r) {
        BOOST_TEST((r.noise.steps > 0) == (r.step % 3 == 0));
        BOOST_TEST(r.source_noise.size() == (r.step % 3 == 0 ? 2u : 0u));
        told += r.noise.steps > 0;
    });
    BOOST_TEST(same_bits(plain.weights(), measured.weights()));
    BOOST_TEST(told == 8);
    BOOST_TEST(t.state().noise.size() == 8u * 7);
    BOOST_TEST(plain.model.gradient_norm() == measured.model.gradient_norm());
}
BOOST_AUTO_TEST_CASE(a_row_holds_the_norms_of_each_micro_batch_alone) {
    run                   r;
    std::vector<store>    stores{store(1), store(3)};
    mt::batches<store>    drawn{std::span<store const>(stores), 95, 4, 6, 32, 6 * 4};
    mt::noise_meter<model_type> meter;
    r.model.set_rotary(32, test::plain_rope);
    meter.measure(r.model, {.every = 1});
    drawn.draw([](std::int64_t, std::span<double> w) { w[0] = w[1] = 0.5; });
    std::vector<float> loss(6 * 32);
    double             small = 0, by_source[2] = {}, targets_of[2] = {};
    auto const         all = static_cast<double>(drawn.targets());
    for (mt::index_t s = 0; s < 6; ++s) {  // each sequence's own gradient
        r.model.zero_gradient();
        r.model.accumulate(drawn.part(s, 1), {loss.data(), 32});
        double here = 0;
        for (mt::index_t t = 32 * s; t < 32 * (s + 1); ++t) here += drawn.target(t) >= 0;
        double const square = std::pow(r.model.gradient_norm() * all / here, 2);
        small += square * here / all;
        by_source[drawn.source_of(s)] += square * here, targets_of[drawn.source_of(s)] += here;
    }
    meter.begin(r.model, 1, 2);
    r.model.zero_gradient();
    for (mt::index_t s = 0; s < 6; ++s) {
        r.model.accumulate(drawn.part(s, 1), {loss.data(), 32});
        meter.part(r.model, drawn, s, 1);
    }
    meter.sum(r.ranks);
    std::vector<double> row;
    double const        norm = r.model.gradient_norm();
    meter.record(1, norm, drawn.targets(), row);
    BOOST_TEST_REQUIRE(row.size() == 7u);
    // The difference of two float sums: their last places are some 1e-7 of the sum, a few 1e-6 of a part.
    auto const close = boost::test_tools::tolerance(2e-5);
    BOOST_TEST(row[1] == small, close);
    BOOST_TEST(row[2] == norm * norm);
    BOOST_TEST(row[3] == 6);
    BOOST_TEST(row[4] == all);
    for (std::size_t k : {0u, 1u}) BOOST_TEST(row[5 + k] == by_source[k] / targets_of[k], close);
}
BOOST_AUTO_TEST_CASE(mixed_micro_batches_count_for_no_source_and_a_single_one_is_no_measurement) {
    run                   r;
    std::vector<store>    stores{store(1), store(3)};
    mt::batches<store>    drawn{std::span<store const>(stores), 95, 4, 6, 32, 6 * 4};
    mt::noise_meter<model_type> meter;
    r.model.set_rotary(32, test::plain_rope);
    meter.measure(r.model, {.every = 1});
    drawn.draw([](std::int64_t, std::span<double> w) { w[0] = w[1] = 0.5; });
    std::vector<float>  loss(6 * 32);
    std::vector<double> row;
    auto const          in_parts_of = [&](mt::index_t n) {
        row.clear();
        meter.begin(r.model, 1, 2);
        r.model.zero_gradient();
        for (mt::index_t s = 0; s < 6; s += n) r.model.accumulate(drawn.part(s, n), {loss.data(), 32 * n}), meter.part(r.model, drawn, s, n);
        meter.sum(r.ranks);
        meter.record(1, r.model.gradient_norm(), drawn.targets(), row);
    };
    in_parts_of(3);
    BOOST_TEST_REQUIRE(row.size() == 7u);
    BOOST_TEST(row[3] == 2);
    BOOST_TEST((std::isnan(row[5]) && std::isnan(row[6])));
    in_parts_of(6);
    BOOST_TEST(row.empty());
}
BOOST_AUTO_TEST_CASE(a_resumed_run_sees_the_same_record_and_makes_the_same_choices) {
    auto const folder = std::filesystem::temp_directory_path() / "midtrain_looking_back";
    std::filesystem::remove_all(folder);
    std::vector<double> whole_rates, rates;
    auto const          go = [&](run& r, mt::checkpoints where, std::int64_t fail_after, std::vector<double>& to) {
        mt::trainer t(r.ranks, r.model, recipe, std::move(where));
        t.measure_noise({.every = 2});
        t.run(r.corpus, [&](mt::report const& p) {
            to.push_back(p.rate);
            if (p.step % 2 == 0) t.record_held_out(std::vector<double>{played_loss(p.step), std::nan("")});
            if (p.step == fail_after) throw mt::error("the machine went away");
        });
        return t.state();
    };
    run        whole, first, second;
    auto const want = go(whole, {}, -1, whole_rates);
    mt::checkpoints::options const where{.folder = folder.string(), .every_steps = 5};
    BOOST_CHECK_THROW(go(first, mt::checkpoints(where), 18, rates), mt::error);
    rates.resize(15);  // what the checkpoint knows
    auto const got = go(second, mt::checkpoints(where), -1, rates);
    BOOST_TEST(whole_rates == rates, boost::test_tools::per_element());
    BOOST_TEST(whole_rates.back() == 3e-3 / 128);  // 10, 12, ..., 22 do not improve on 8, and 24 comes too late
    BOOST_TEST(same_bits(whole.weights(), second.weights()));
    BOOST_TEST(got.noise.size() == 12u * 7);
    auto const same = [](std::vector<double> const& a, std::vector<double> const& b) {
        return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(double)) == 0;
    };
    BOOST_TEST(same(want.noise, got.noise));
    BOOST_TEST(same(want.held_out, got.held_out));
    std::filesystem::remove_all(folder);
}
BOOST_AUTO_TEST_CASE(numbers_that_make_no_sense_are_refused) {
    run         r;
    mt::trainer t(r.ranks, r.model, recipe);
    BOOST_CHECK_EXCEPTION(t.measure_noise({.every = -1}), mt::error, [](mt::error const& e) { return std::string(e.what()) == "noise: every is not negative, window is positive"; });
    BOOST_CHECK_EXCEPTION(t.record_held_out(std::vector<double>{1}), mt::error, [](mt::error const& e) { return std::string(e.what()) == "held-out losses are recorded one a source of the run"; });
}

BOOST_AUTO_TEST_SUITE_END()
