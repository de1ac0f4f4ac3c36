#include <boost/test/unit_test.hpp>
#include <cmath>
#include <csignal>
#include <cstring>
#include <filesystem>
#include <limits>
#include <string>
#include <vector>
#include <midtrain/annealing/decay.hpp>
#include <midtrain/annealing/wsd.hpp>
#include <midtrain/comm/self.hpp>
#include <midtrain/concepts/ahead_device.hpp>
#include <midtrain/mixture/mixtures.hpp>
#include <midtrain/model/expert_family.hpp>
#include <midtrain/model/gpt2.hpp>
#include <midtrain/model/llama.hpp>
#include <midtrain/model/trainable.hpp>
#include <midtrain/optim/adamw.hpp>
#include <midtrain/position/rope.hpp>
#include <midtrain/position/scaled.hpp>
#include <midtrain/precision/precision.hpp>
#include <midtrain/train/trainer.hpp>
#include <support/far_device.hpp>
#include <support/late_device.hpp>
#include <support/striding_store.hpp>

// A device that runs ahead: the same run as one that does everything at once, to the bit, and the host waits once a step.

namespace mt = midtrain;

namespace ahead_under_test {

static_assert(mt::AheadDevice<test::late_device> && !mt::AheadDevice<test::far_device> && !mt::AheadDevice<mt::counting_device>);

using store = test::striding_store;

template <class T>
struct sources {
    T slow, fast;
};
using shape = test::ending_shape;
struct crowded : test::ending_shape {
    static constexpr mt::expert_shape experts{.count = 4, .chosen = 2, .ffn = 10, .shared_ffn = 12, .scores = mt::router_scores::sigmoid,
                                              .biased = true, .balance = {.micro_batch = 0.2, .z = 0.1}};
};

template <class Shape>
constexpr auto recipe_of() {
    return mt::checked([] {
        constexpr bool experts = requires { Shape::experts; };
        return mt::recipe{
            .optimizer  = mt::adamw{},
            .stages     = mt::stages{mt::stage{.name     = "first",
                                               .budget   = mt::tokens{10 * 4 * 32},
                                               .mixture  = mt::annealed_mixture<sources>{.from = {.slow = 1, .fast = 0}, .to = {.slow = 0, .fast = 1}},
                                               .rate     = mt::wsd{.peak = 3e-3, .decay = mt::tokens{4 * 4 * 32}},
                                               .batch    = {.sequences = 4, .length = 32, .micro = 2},
                                               .position = mt::rope{.base = 1e4, .length = 64}},
                                     mt::stage{.name     = "second",
                                               .budget   = mt::tokens{6 * 2 * 64},
                                               .mixture  = mt::fixed_mixture<sources>{.share = {.slow = .5, .fast = .5}},
                                               .rate     = mt::linear{.from = 1e-3, .to = 0},
                                               .batch    = {.sequences = 2, .length = 64},
                                               .position = mt::yarn{.base = 1e4, .trained = 32, .extended = 64}}},
            .z_loss     = mt::constant{1e-4},
            .bias_speed = mt::constant{experts ? 1e-3 : 0.0}};
    }, Shape{});
}

/// All that a run leaves.
struct trace {
    std::vector<double>      numbers, weights, slots;
    std::vector<std::string> stages;

    /// To the bit; a source without a target has no loss, NaN.
    bool operator==(trace const& o) const { return stages == o.stages && same(numbers, o.numbers) && same(weights, o.weights) && same(slots, o.slots); }
    static bool same(std::vector<double> const& a, std::vector<double> const& b) {
        return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(double)) == 0;
    }
};

template <class Family, class Shape, class Precision, class Device>
trace run_on(Device& device, bool ahead, std::string const& folder = {}) {
    using model_type = mt::trainable<Device, Family, Shape, Precision>;
    mt::self       ranks;
    model_type     model(device, {});
    sources<store> corpus{.slow = store(1), .fast = store(3)};
    model.initialise(1);
    mt::trainer t(ranks, model, recipe_of<Shape>(), mt::checkpoints(mt::checkpoints::options{.folder = folder, .every_steps = folder.empty() ? 0 : 4}));
    if (ahead) t.run_ahead();
    trace left;
    t.run(corpus, [&](mt::report const& r) {
        left.stages.emplace_back(r.stage);
        left.numbers.insert(left.numbers.end(), {double(r.step), double(r.at.step), double(r.at.seen.count), r.loss, r.rate, r.gradient_norm});
        for (auto x : {r.weights, r.source_loss, r.router_loads}) left.numbers.insert(left.numbers.end(), x.begin(), x.end());
        for (auto x : {r.source_targets, r.source_tokens, r.source_epochs}) left.numbers.insert(left.numbers.end(), x.begin(), x.end());
    });
    left.numbers.insert(left.numbers.end(), t.state().record.begin(), t.state().record.end());
    auto const take = [&](auto view, std::vector<double>& to) {
        std::vector<std::remove_cvref_t<decltype(view[0])>> host(static_cast<std::size_t>(view.size()));
        device.download(mt::row_view<std::remove_cvref_t<decltype(view[0])> const>(view), host.data());
        for (auto x : host) to.push_back(static_cast<double>(x));
    };
    take(model.master(), left.weights), take(model.slots(), left.slots);
    return left;
}

template <class Family, class Shape, class Precision = mt::fp32>
void same_run() {
    test::far_device  at_once;
    test::late_device late(false), captured;
    auto const        want = run_on<Family, Shape, Precision>(at_once, true);
    BOOST_TEST((run_on<Family, Shape, Precision>(late, true) == want));
    BOOST_TEST((run_on<Family, Shape, Precision>(captured, false) == want));
    test::late_device again;
    BOOST_TEST((run_on<Family, Shape, Precision>(again, true) == want));
    BOOST_TEST(want.stages.size() == 16u);
    // Of ten steps the first is done as it is, the second captured; of six likewise.
    BOOST_TEST(again.captures() == 2);
    BOOST_TEST(again.replays() == 8 + 4);
    BOOST_TEST((late.replays() == 0 && captured.replays() == 12));
}

struct scratch {
    std::string path = (std::filesystem::temp_directory_path() / "midtrain_ahead").string();
    scratch() { std::filesystem::remove_all(path); }
    ~scratch() { std::filesystem::remove_all(path); }
};

using model_type = mt::trainable<test::late_device, mt::model::llama, shape, mt::fp32>;

struct run {
    test::late_device device;
    mt::self          ranks;
    model_type        model{device, {}};
    sources<store>    corpus{.slow = store(1), .fast = store(3)};
    run() { model.initialise(1); }
};

}  // namespace ahead_under_test

using namespace ahead_under_test;

BOOST_AUTO_TEST_SUITE(ahead)

BOOST_AUTO_TEST_CASE(a_llama_trains_to_the_bits_of_a_device_that_waits) { same_run<mt::model::llama, shape>(); }
BOOST_AUTO_TEST_CASE(a_gpt2_does_in_bf16) { same_run<mt::model::gpt2, shape, mt::bf16_mixed>(); }
BOOST_AUTO_TEST_CASE(experts_do_whose_biases_move) { same_run<mt::model::expert_decoder, crowded>(); }

BOOST_AUTO_TEST_CASE(the_host_waits_once_a_step_and_allocates_nothing_there) {
    run         r;
    mt::trainer t(r.ranks, r.model, recipe_of<shape>());
    t.run_ahead();
    std::vector<std::int64_t> waits, behind;
    t.run(r.corpus, [&](mt::report const&) { waits.push_back(r.device.waits()), behind.push_back(r.device.waiting()); });
    for (std::size_t i = 1; i < 10; ++i) BOOST_TEST(waits[i] - waits[i - 1] == 1, "step " << i + 1);
    for (std::size_t i = 11; i < 16; ++i) BOOST_TEST(waits[i] - waits[i - 1] == 1, "step " << i + 1);
    for (std::size_t i = 0; i + 1 < 10; ++i) BOOST_TEST(behind[i] > 0, "the device had nothing to do after step " << i + 1);
    BOOST_TEST((behind[9] == 0 && behind[15] == 0));
}
BOOST_AUTO_TEST_CASE(checkpoints_are_those_of_a_run_that_waits) {
    scratch const     a;
    test::late_device late;
    test::far_device  far;
    std::string const here = a.path + "_late", there = a.path + "_far";
    std::filesystem::remove_all(here), std::filesystem::remove_all(there);
    auto const left = run_on<mt::model::llama, shape, mt::fp32>(late, true, here);
    BOOST_TEST((left == run_on<mt::model::llama, shape, mt::fp32>(far, true, there)));
    test::late_device next;
    model_type        resumed(next, {});
    mt::self          ranks;
    resumed.initialise(2);
    mt::trainer t(ranks, resumed, recipe_of<shape>(), mt::checkpoints(there));
    BOOST_TEST(t.resumed());
    BOOST_TEST(t.state().step == 16);
    std::vector<float> weights(left.weights.size());
    next.download(mt::row_view<float const>(resumed.master()), weights.data());
    BOOST_TEST((std::vector<double>(weights.begin(), weights.end()) == left.weights));
    std::filesystem::remove_all(here), std::filesystem::remove_all(there);
}
BOOST_AUTO_TEST_CASE(who_looks_at_the_model_finds_it_at_rest) {
    struct looker {
        run*                 r;
        std::vector<double>* loss;
        bool wants_rest(mt::report const& p) const { return p.step % 3 == 0 || p.at.left().count == 0; }
        void operator()(mt::report const& p) const {
            if (!wants_rest(p)) return;
            auto const         owned = test::owned_batch::random(1, 32, 90, 10);
            std::vector<float> by_token(32);
            r->model.evaluate(owned.view(), {by_token.data(), 32});
            for (float x : by_token) loss->push_back(static_cast<double>(x));
        }
    };
    auto const seen = [](bool ahead) {
        run                 r;
        std::vector<double> loss;
        mt::trainer         t(r.ranks, r.model, recipe_of<shape>());
        t.run_ahead(ahead);
        t.run(r.corpus, looker{&r, &loss});
        return loss;
    };
    BOOST_TEST((seen(true) == seen(false)));
}
BOOST_AUTO_TEST_CASE(who_looks_without_saying_so_is_told) {
    run         r;
    mt::trainer t(r.ranks, r.model, recipe_of<shape>());
    t.run_ahead();
    auto const         owned = test::owned_batch::random(1, 32, 90, 10);
    std::vector<float> by_token(32);
    BOOST_CHECK_EXCEPTION(t.run(r.corpus, [&](mt::report const&) { r.model.evaluate(owned.view(), {by_token.data(), 32}); }), mt::error,
                          [](mt::error const& e) { return std::string(e.what()).find("says so by wants_rest") != std::string::npos; });
}
BOOST_AUTO_TEST_CASE(what_is_not_a_number_stops_with_the_weights_of_before) {
    run         r;
    scratch const at;
    mt::trainer t(r.ranks, r.model, recipe_of<shape>(), mt::checkpoints(mt::checkpoints::options{.folder = at.path, .every_steps = 2}));
    t.run_ahead();
    std::vector<float> poisoned;
    std::string        said;
    auto const         weights = [&] {
        std::vector<float> w(static_cast<std::size_t>(r.model.master().size()));
        r.device.download(mt::row_view<float const>(r.model.master()), w.data());
        return w;
    };
    try {
        t.run(r.corpus, [&](mt::report const& p) {
            if (p.step != 4) return;  // saved then, so nothing is under way
            poisoned    = weights();
            poisoned[0] = std::numeric_limits<float>::quiet_NaN();
            r.device.upload(poisoned.data(), r.model.master());
            r.model.refresh();
        });
    } catch (mt::error const& e) {
        said = e.what();
    }
    BOOST_TEST(said.starts_with("stage 'first', step 5: the loss is "), said);
    BOOST_TEST(said.find("the weights are still those of the step before; its sequences begin in ") != std::string::npos, said);
    BOOST_TEST(said.find("step-00000004") != std::string::npos, said);
    auto const after = weights();
    BOOST_TEST(std::equal(after.begin() + 1, after.end(), poisoned.begin() + 1));
    BOOST_TEST(t.state().step == 4);
}
BOOST_AUTO_TEST_CASE(a_signal_lands_the_step_that_is_under_way) {
    scratch const at;
    {
        run         r;
        mt::trainer t(r.ranks, r.model, recipe_of<shape>(), mt::checkpoints(at.path));
        t.run_ahead();
        auto const end = t.run(r.corpus, [&](mt::report const& p) {
            if (p.step == 3) std::raise(SIGTERM);
        });
        BOOST_TEST((end == mt::outcome::interrupted));
        BOOST_TEST(t.state().step == 4);
    }
    run         other;
    mt::trainer on(other.ranks, other.model, recipe_of<shape>(), mt::checkpoints(at.path));
    BOOST_TEST(on.state().step == 4);
    on.run(other.corpus);
    run         whole;
    mt::trainer straight(whole.ranks, whole.model, recipe_of<shape>());
    straight.run(whole.corpus);
    BOOST_TEST(trace::same(on.state().record, straight.state().record));
}

BOOST_AUTO_TEST_SUITE_END()
