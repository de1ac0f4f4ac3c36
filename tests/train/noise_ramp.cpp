#include <boost/test/unit_test.hpp>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>
#include <midtrain/annealing/decay.hpp>
#include <midtrain/annealing/noise_ramp.hpp>
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

namespace following_noise {

using store = test::striding_store;
template <class T>
struct sources {
    T slow, fast;
};
using shape = test::ending_shape;

constexpr auto recipe_with(double share) {
    return mt::recipe{.optimizer = mt::adamw{},
                      .stages    = mt::stages{mt::stage{.name     = "only",
                                                        .budget   = mt::tokens{60 * 32},
                                                        .mixture  = mt::fixed_mixture<sources>{.share = {.slow = .5, .fast = .5}},
                                                        .rate     = mt::linear{.from = 3e-3, .to = 0},
                                                        .batch    = {.sequences = 2, .length = 32, .ramp = mt::noise_ramp{.to = 8, .every = 3, .share = share}},
                                                        .position = mt::rope{.base = 1e4, .length = 64}}}};
}
constexpr auto always = mt::checked([] { return recipe_with(1e9); }, shape{});
constexpr auto never  = mt::checked([] { return recipe_with(1e-9); }, shape{});

using model_type = mt::trainable<mt::host, mt::model::llama, shape, mt::fp32>;

struct run {
    mt::host       device{2};
    mt::self       ranks;
    model_type     model{device, {}};
    sources<store> corpus{.slow = store(1), .fast = store(3)};
    run() { model.initialise(1); }
    std::vector<float> weights() { return {model.master().begin(), model.master().end()}; }
};

/// A record of a stage that begins after `before` steps, and whose noise scale is `scale(step)` tokens.
template <class Scale>
struct record {
    std::vector<double> losses, noise;
    std::int64_t        begin;

    record(std::int64_t before, std::int64_t steps, Scale const& scale) : begin(before) {
        for (std::int64_t s = 1; s <= before + steps; ++s) {
            losses.push_back(1);
            // |G|^2 = 1 and tr = scale: parts of 50 tokens, a batch of 100.
            double const t = scale(s - before);
            noise.insert(noise.end(), {static_cast<double>(s), 1 + t / 50, 1 + t / 100, 2, 100});
        }
    }
    mt::loss_record seen() const { return {.values = losses, .sources = 0, .stage_begin = begin, .noise = noise}; }
};

std::vector<std::pair<std::int64_t, mt::index_t>> doublings(mt::noise_ramp const& r, mt::loss_record const& seen) {
    std::vector<std::pair<std::int64_t, mt::index_t>> all;
    r.each_doubling(4, 10, seen, [&](std::int64_t steps, mt::index_t sequences) { all.emplace_back(steps, sequences); });
    return all;
}

}  // namespace following_noise

using namespace following_noise;

BOOST_AUTO_TEST_SUITE(noise_ramp)

BOOST_AUTO_TEST_CASE(doubles_where_the_scale_allows_and_only_at_decisions) {
    mt::noise_ramp const r{.to = 32, .every = 10};
    // 100 tokens of noise until step 20, then 200: batches of 40 tokens may become 80, later 160, and not 320.
    auto const scale = [](std::int64_t step) { return step <= 20 ? 100.0 : 200.0; };
    record const whole(7, 60, scale);
    auto const   all = doublings(r, whole.seen());
    BOOST_TEST_REQUIRE(all.size() == 2u);
    BOOST_TEST((all[0] == std::pair<std::int64_t, mt::index_t>{10, 8}));
    BOOST_TEST((all[1] == std::pair<std::int64_t, mt::index_t>{30, 16}));
    // The record as it was tells the same of what was before: decisions are not taken back.
    BOOST_TEST(doublings(r, whole.seen().before(7 + 29)).size() == 1u);
    BOOST_TEST(doublings(r, whole.seen().before(7 + 30)).size() == 2u);
    BOOST_TEST(doublings({.to = 32, .every = 10, .share = 2}, whole.seen()).size() == 3u);
    BOOST_TEST(doublings({.to = 8, .every = 10}, whole.seen()).size() == 1u);
    BOOST_TEST(doublings(r, {}).empty());
}
BOOST_AUTO_TEST_CASE(numbers_that_do_not_lie_on_doublings_do_not_fit) {
    BOOST_TEST((mt::noise_ramp{.to = 32, .every = 10}.fits(4)));
    BOOST_TEST(!(mt::noise_ramp{.to = 24, .every = 10}.fits(4)));
    BOOST_TEST(!(mt::noise_ramp{.to = 4, .every = 10}.fits(4)));
    BOOST_TEST(!(mt::noise_ramp{.to = 8, .every = 0}.fits(4)));
    BOOST_TEST(!(mt::noise_ramp{.to = 8, .every = 1, .share = 0}.fits(4)));
}
BOOST_AUTO_TEST_CASE(a_run_follows_it_within_its_budget_and_a_resumed_one_makes_the_same_steps) {
    auto const folder = std::filesystem::temp_directory_path() / "midtrain_noise_ramp";
    std::filesystem::remove_all(folder);
    auto const go = [](run& r, auto const& recipe, mt::checkpoints where, std::int64_t fail_after, std::vector<std::int64_t>& batches) {
        mt::trainer t(r.ranks, r.model, recipe, std::move(where));
        t.measure_noise({.every = 1});
        t.run(r.corpus, [&](mt::report const& p) {
            batches.push_back(p.at.batch.count / 32);
            if (p.step == fail_after) throw mt::error("the machine went away");
        });
        return t.state().tokens;
    };
    run                       whole, first, second, flat;
    std::vector<std::int64_t> want, got, steady;
    auto const                tokens = go(whole, always, {}, -1, want);
    // 3 steps of 2, 3 of 4, then 8 while they fit into the 60 sequences: the signal is seen in these steps, so that it doubles each time.
    BOOST_TEST(want == (std::vector<std::int64_t>{2, 2, 2, 4, 4, 4, 8, 8, 8, 8, 8}), boost::test_tools::per_element());
    BOOST_TEST(tokens == (18 + 40) * 32);
    mt::checkpoints::options const where{.folder = folder.string(), .every_steps = 4};
    BOOST_CHECK_THROW(go(first, always, mt::checkpoints(where), 7, got), mt::error);
    got.resize(4);
    go(second, always, mt::checkpoints(where), -1, got);
    BOOST_TEST(want == got, boost::test_tools::per_element());
    auto const a = whole.weights(), b = second.weights();
    BOOST_TEST(std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0);
    go(flat, never, {}, -1, steady);
    BOOST_TEST(steady == std::vector<std::int64_t>(30, 2), boost::test_tools::per_element());
    std::filesystem::remove_all(folder);
}
BOOST_AUTO_TEST_CASE(a_batch_that_follows_what_nobody_measures_is_refused) {
    run         r;
    mt::trainer t(r.ranks, r.model, always);
    BOOST_CHECK_EXCEPTION(t.run(r.corpus), mt::error, [](mt::error const& e) {
        return std::string(e.what()) == "stage 'only': its batch follows the gradient noise scale, which nobody measures: see noise.every";
    });
}

BOOST_AUTO_TEST_SUITE_END()
