// A cooldown begins at the rate that its parent's checkpoint had.
#include <boost/test/unit_test.hpp>
#include <cmath>
#include <csignal>
#include <cstdint>
#include <filesystem>
#include <string>
#include <type_traits>
#include <unistd.h>
#include <utility>
#include <vector>
#include <midtrain/annealing/cooldown.hpp>
#include <midtrain/annealing/decay.hpp>
#include <midtrain/annealing/warmup.hpp>
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
namespace fs = std::filesystem;
using namespace mt::literals;

namespace inherit_under_test {

using store = test::striding_store;
template <class T>
struct sources {
    T text;
};
using shape = test::ending_shape;

template <class Rate>
consteval auto make(Rate rate) {
    return mt::checked([=] {
        return mt::recipe{.optimizer = mt::adamw{},
                          .stages    = mt::stages{mt::stage{.name     = "only",
                                                            .budget   = mt::tokens{8 * 64},
                                                            .mixture  = mt::fixed_mixture<sources>{.share = {.text = 1}},
                                                            .rate     = rate,
                                                            .batch    = {.sequences = 2, .length = 32},
                                                            .position = mt::rope{.base = 1e4, .length = 64}}}};
    }, shape{});
}
constexpr auto trunk    = make(mt::linear{.from = 4e-3, .to = 2e-3});
constexpr auto cooldown = make(mt::cooldown_of<mt::annealing::one_minus_sqrt_shape>{});
constexpr auto tenth    = make(mt::cooldown{.to_share = 0.1});
constexpr auto rewarmed = make(mt::warmed<mt::cosine>{.over = 128_tok, .policy = {.from = 4e-3, .to = 0}, .start = mt::inherit});

using model_type = mt::trainable<mt::host, mt::model::llama, shape, mt::fp32>;

template <class Recipe>
struct run {
    mt::host       device{1};
    mt::self       ranks;
    model_type     model{device, {}};
    sources<store> corpus{store(3, 40, 29)};
    mt::trainer<mt::self, model_type, std::remove_cvref_t<decltype(*std::declval<Recipe>())>, shape> trainer;

    run(Recipe const& recipe, mt::checkpoints::options how)
        : trainer((model.initialise(1), ranks), model, recipe, mt::checkpoints(std::move(how))) {}
    std::vector<double> go(std::int64_t until = 1000) {
        std::vector<double> rates;
        trainer.run(corpus, [&](mt::report const& r) {
            rates.push_back(r.rate);
            if (r.step == until) std::raise(SIGTERM);
        });
        return rates;
    }
};
template <class Recipe>
run(Recipe const&, mt::checkpoints::options) -> run<Recipe>;

struct scratch {
    std::string path = (fs::temp_directory_path() / ("midtrain-inherit-" + std::to_string(getpid()))).string();
    scratch() { fs::remove_all(path); }
    ~scratch() { fs::remove_all(path); }
};

}  // namespace inherit_under_test

using namespace inherit_under_test;

BOOST_AUTO_TEST_SUITE(inherited_rates)

BOOST_AUTO_TEST_CASE(a_cooldown_begins_where_the_trunk_stands) {
    scratch s;
    run(trunk, {.folder = s.path + "/trunk"}).go(4);
    double const there = 3e-3;  // the rate of the trunk's fifth step, which is not done
    run          fork(cooldown, {.folder = s.path + "/a", .fork_from = s.path + "/trunk"});
    auto const   rates = fork.go();
    BOOST_TEST(rates.size() == 8u);
    for (int k = 0; k < 8; ++k) BOOST_TEST(std::abs(rates[static_cast<std::size_t>(k)] - there * (1 - std::sqrt(k / 8.0))) < 1e-15);
    BOOST_TEST(std::abs(run(tenth, {.folder = s.path + "/b", .fork_from = s.path + "/trunk"}).go()[4] - there * 0.55) < 1e-15);
    auto const warm = run(rewarmed, {.folder = s.path + "/c", .fork_from = s.path + "/trunk"}).go();
    BOOST_TEST((warm[0] == there && warm[1] == 3.5e-3 && warm[2] == 4e-3 && warm[3] < 4e-3));
}
BOOST_AUTO_TEST_CASE(the_rate_is_remembered_when_the_fork_resumes) {
    scratch s;
    run(trunk, {.folder = s.path + "/trunk"}).go(4);
    mt::checkpoints::options const to{.folder = s.path + "/a", .fork_from = s.path + "/trunk"};
    auto first = run(cooldown, to).go(3);
    fs::remove_all(s.path + "/trunk");  // nobody needs it any more
    run        again(cooldown, to);
    auto const rest = again.go();
    first.insert(first.end(), rest.begin(), rest.end());
    BOOST_TEST(first.size() == 8u);
    for (int k = 0; k < 8; ++k) BOOST_TEST(std::abs(first[static_cast<std::size_t>(k)] - 3e-3 * (1 - std::sqrt(k / 8.0))) < 1e-15);
    BOOST_TEST(again.trainer.state().parent.rate == 3e-3);
}
BOOST_AUTO_TEST_CASE(who_inherits_from_nobody_does_not_begin) {
    scratch s;
    run     alone(cooldown, {.folder = s.path});
    BOOST_TEST(alone.trainer.plan(alone.corpus).stages[0].rate_first == 1);  // as a multiple of the trunk's
    BOOST_CHECK_EXCEPTION(alone.go(), mt::error, [](mt::error const& e) {
        return std::string(e.what()).starts_with("a rate says `inherit`, and this run forks from none");
    });
    mt::settings given;
    given.set("only.rate.from=2e-3");
    BOOST_TEST(run(cooldown.with(given), {.folder = s.path}).go()[0] == 2e-3);
    // A trunk at its end has no rate left.
    scratch done;
    auto    ended = trunk;
    mt::settings zero;
    zero.set("only.rate.to=0");
    run(ended.with(zero), {.folder = done.path + "/trunk"}).go();
    BOOST_CHECK_EXCEPTION(run(cooldown, {.folder = done.path + "/a", .fork_from = done.path + "/trunk"}).go(), mt::error, [](mt::error const& e) {
        return std::string(e.what()).find("had none or does not say it: give the rate") != std::string::npos;
    });
}

BOOST_AUTO_TEST_SUITE_END()
