#include <boost/test/unit_test.hpp>
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <numeric>
#include <string>
#include <vector>
#include <laws/laws.hpp>
#include <midtrain/annealing/decay.hpp>
#include <midtrain/annealing/wsd.hpp>
#include <midtrain/core/random.hpp>
#include <midtrain/mixture/any_mixture.hpp>
#include <midtrain/train/stage.hpp>

namespace mt = midtrain;
using namespace mt::literals;

namespace mixture_policies {

template <class T>
struct sources {
    T web, code, maths;
};
using shares = sources<mt::weight>;

constexpr mt::tokens budget = 1'000'003_tok;  // divides by nothing
constexpr shares     a{.web = .8, .code = .15, .maths = .05}, b{.web = .3, .code = .3, .maths = .4};

constexpr mt::progress end_of(mt::tokens budget) { return {2000, budget, budget, {budget.count / 2000}}; }
constexpr mt::progress at(double share) {
    return {static_cast<std::int64_t>(share * 2000), {static_cast<std::int64_t>(share * 1e6)}, {1'000'000}, {500}};
}
/// Numbers above zero that differ from call to call.
struct dice {
    std::uint64_t seed, n = 0;
    double next() { return mt::random_stream{seed, 77}.uniform(n++); }
    shares weights() {
        double const x = next() + 1e-3, y = next() + 1e-3, z = next() * next() + 1e-3;
        return {.web = x / (x + y + z), .code = y / (x + y + z), .maths = z / (x + y + z)};
    }
    mt::transition shape() { return static_cast<mt::transition>(static_cast<int>(next() * 4)); }
};

template <class Weights>
double farthest(Weights const& a, Weights const& b) {
    double far = 0;
    for (std::size_t i = 0; i < a.size(); ++i) far = std::max(far, std::abs(a[i] - b[i]));
    return far;
}

}  // namespace mixture_policies

using namespace mixture_policies;

BOOST_AUTO_TEST_SUITE(mixture_policies_of_progress)

BOOST_AUTO_TEST_CASE(every_policy_keeps_the_law_over_random_parameters) {
    for (std::uint64_t seed = 0; seed < 25; ++seed) {
        dice                       d{seed};
        mt::tokens const           middle = {1 + static_cast<std::int64_t>(d.next() * 999'999)};
        mt::fixed_mixture<sources> const fixed{d.weights()};
        sources<mt::each<mt::tokens>> const sizes{.web{mt::tokens{2'000'000}}, .code{mt::tokens{1 + static_cast<std::int64_t>(d.next() * 900'000)}},
                                                      .maths{mt::tokens{1 + static_cast<std::int64_t>(d.next() * 90'000)}}};
        mt::annealed_mixture<sources> const moving{d.weights(), d.weights(), d.shape()};
        BOOST_TEST(laws::mixture(fixed, budget) == "");
        BOOST_TEST(laws::mixture(moving, budget) == "");
        BOOST_TEST(laws::mixture(mt::staged_mixture<sources>{d.weights(), middle, d.weights()}, budget) == "");
        BOOST_TEST(laws::mixture(mt::staged_by_steps<sources>{d.weights(), 700, d.weights()}, budget) == "");
        BOOST_TEST(laws::mixture(mt::path_mixture<sources>{{{0_tok, d.weights(), d.shape()}, {middle, d.weights(), d.shape()}, {budget, d.weights()}}},
                                 budget) == "");
        BOOST_TEST(laws::mixture(mt::tempered_mixture<sources>{sizes, 0.2 + 5 * d.next()}, budget) == "");
        BOOST_TEST(laws::mixture(mt::unimax_mixture<sources>{sizes, 1 + d.next()}, budget) == "");
        BOOST_TEST(laws::mixture(mt::replay_mixture<sources, mt::annealed_mixture<sources>>{moving, d.weights(), d.next()}, budget) == "");
        BOOST_TEST(laws::mixture(mt::micro_anneal<sources>{d.weights(), d.weights()}, budget) == "");
        BOOST_TEST(laws::mixture(mt::upsampled_mixture<sources>{fixed, {d.next(), 4 * d.next(), d.next()}}, budget) == "");
        BOOST_TEST(laws::mixture(mt::floored_mixture<sources, mt::annealed_mixture<sources>>{moving, {.3 * d.next(), .3 * d.next(), .4 * d.next()}},
                                 budget) == "");
        mt::capped_mixture<sources, mt::annealed_mixture<sources>> const capped{moving, sizes, {4, 1, 2}};
        BOOST_TEST(laws::mixture(capped, budget) == "");
        auto const most = capped.limits(budget);
        for (int k = 0; k <= 100; ++k) {
            auto const w = capped.weights(at(k / 100.0));
            for (std::size_t i = 0; i < 3; ++i) BOOST_REQUIRE(w[i] <= most[i] * 1.001);  // at() has a budget of 1,000,000
        }
    }
}
BOOST_AUTO_TEST_CASE(transitions_have_their_shapes) {
    auto const half = [](mt::transition t) { return mt::annealed_mixture<sources>{a, b, t}.weights(at(.25)); };
    BOOST_TEST(std::abs(half(mt::transition::linear)[0] - .675) < 1e-15);
    BOOST_TEST(std::abs(half(mt::transition::cosine)[0] - (.8 - .5 * (.5 - .5 * std::sqrt(.5)))) < 1e-15);
    BOOST_TEST(half(mt::transition::step)[0] == .8);
    // In the exponential form two sources' ratio is that of the ends, interpolated in its logarithm.
    auto const e = half(mt::transition::exponential);
    BOOST_TEST(std::abs(e[0] / e[2] - std::pow(.8 / .05, .75) * std::pow(.3 / .4, .25)) < 1e-13);
    for (auto const t : {mt::transition::linear, mt::transition::cosine, mt::transition::step, mt::transition::exponential}) {
        mt::annealed_mixture<sources> const m{a, b, t};
        BOOST_TEST(farthest(m.weights(at(0)), mt::as_array(a)) == 0);
        BOOST_TEST(farthest(m.weights(at(1)), mt::as_array(b)) == 0);
    }
    static_assert(mt::annealed_mixture<sources>{.from = {1, 0, 0}, .to = {0, 1, 0}, .shape = mt::transition::exponential}.flaw({}) ==
                  mt::mixture_flaw::from_zero);
}
BOOST_AUTO_TEST_CASE(a_path_goes_through_its_points) {
    // begin: path
    static constexpr mt::path_mixture<sources> path{.points = {{.at = 200_ktok, .share = a, .shape = mt::transition::cosine},
                                                               {.at = 500_ktok, .share = b, .shape = mt::transition::step},
                                                               {.at = 900_ktok, .share = a}}};
    // end: path
    static_assert(path.flaw(end_of(1_Mtok)) == mt::mixture_flaw::none && path.flaw(end_of(800_ktok)) == mt::mixture_flaw::points_out_of_order);
    BOOST_TEST(farthest(path.weights(at(0)), mt::as_array(a)) == 0);
    BOOST_TEST(farthest(path.weights(at(.2)), mt::as_array(a)) == 0);
    BOOST_TEST(std::abs(path.weights(at(.35))[0] - .55) < 1e-15);
    BOOST_TEST(farthest(path.weights(at(.5)), mt::as_array(b)) == 0);
    BOOST_TEST(farthest(path.weights(at(.8999)), mt::as_array(b)) == 0);
    BOOST_TEST(farthest(path.weights(at(.9)), mt::as_array(a)) == 0);
    BOOST_TEST(farthest(path.weights(at(1)), mt::as_array(a)) == 0);
    // Continuous in tokens where no step is: one token moves a weight by no more than the steepest slope.
    for (std::int64_t t = 0; t < 500'000; t += 101)
        BOOST_REQUIRE(farthest(path.weights({0, {t}, {1'000'000}, {1}}), path.weights({0, {t + 1}, {1'000'000}, {1}})) < 3e-6);
}
BOOST_AUTO_TEST_CASE(a_switch_by_rate_is_the_first_step_that_is_low_enough) {
    for (double const share : {.9, .5, .2, .01}) {
        mt::wsd const    rate{.peak = 3e-4, .decay = 300_ktok, .warmup = 100_ktok};
        mt::stage const  s{.name = "s", .budget = 1_Mtok, .mixture = mt::fixed_mixture<sources>{a}, .rate = rate,
                           .batch = {.sequences = 4, .length = 32}, .position = 0};
        auto             m    = mt::staged_by_rate<sources>{a, share, b};
        m.follow(rate, s.steps(), [&](std::int64_t n) { return s.at(n); });
        std::int64_t last_high = 0;
        for (std::int64_t n = 0; n < s.steps(); ++n)
            if (rate.rate(s.at(n)) > share * 3e-4) last_high = n;
        BOOST_TEST(m.until.count == s.at(last_high + 1).seen.count, share);
        BOOST_TEST((m.flaw(end_of(1_Mtok)) == mt::mixture_flaw::none));
    }
    auto never = mt::staged_by_rate<sources>{a, .2, b};
    never.follow(mt::linear{.from = 3e-4, .to = 1e-4}, 100, [](std::int64_t n) { return mt::progress{n, {n * 10}, {1000}, {10}}; });
    BOOST_TEST((never.flaw(end_of(1000_tok)) == mt::mixture_flaw::switch_outside));
}
BOOST_AUTO_TEST_CASE(temperature_and_unimax_know_the_sizes) {
    sources<mt::each<mt::tokens>> const sizes{.web{9000_tok}, .code{900_tok}, .maths{100_tok}};
    auto const one = mt::tempered_mixture<sources>{sizes, 1}.weights({});
    BOOST_TEST(std::abs(one[0] - .9) < 1e-15);
    auto const two = mt::tempered_mixture<sources>{sizes, 2}.weights({});
    BOOST_TEST(std::abs(two[0] / two[1] - std::sqrt(10.0)) < 1e-14);
    // Algorithm 1 by hand, budget 6000 and four epochs: maths 400 of 2000, code 2800 of 2800, web the other 2800.
    auto const u = mt::unimax_mixture<sources>{sizes, 4}.weights({0, {}, 6000_tok, {}});
    BOOST_TEST(std::abs(u[2] - 400 / 6000.0) < 1e-15);
    BOOST_TEST(std::abs(u[1] - 2800 / 6000.0) < 1e-15);
    BOOST_TEST(std::abs(u[0] - 2800 / 6000.0) < 1e-15);
    BOOST_TEST((mt::unimax_mixture<sources>{sizes, .5}.flaw(end_of(6000_tok)) == mt::mixture_flaw::caps_too_low));
}
BOOST_AUTO_TEST_CASE(what_a_cap_takes_goes_to_the_others_in_proportion) {
    // maths may be 0.1 and gives 0.3: web and code grow by the same factor; then code meets its own cap of 0.4 and web has the rest.
    // begin: capped
    mt::capped_mixture<sources> const c{.of     = {{.web = .2, .code = .4, .maths = .4}},
                                        .sizes  = {.web{900_tok}, .code{200_tok}, .maths{50_tok}},
                                        .epochs = {.web = 1, .code = 2, .maths = 2}};
    // end: capped
    auto const w = c.weights({0, {}, 1000_tok, {}});
    BOOST_TEST(std::abs(w[2] - .1) < 1e-15);
    BOOST_TEST(std::abs(w[1] - .4) < 1e-15);
    BOOST_TEST(std::abs(w[0] - .5) < 1e-15);
    auto used     = c;
    used.used     = {.web{0_tok}, .code{0_tok}, .maths{100_tok}};
    BOOST_TEST(used.weights({0, {}, 1000_tok, {}})[2] == 0);
    BOOST_TEST((c.flaw(end_of(1000_tok)) == mt::mixture_flaw::none));
    BOOST_TEST((c.flaw(end_of(1500_tok)) == mt::mixture_flaw::caps_too_low));
    auto const loose = c.weights({0, {}, 100_tok, {}});
    BOOST_TEST(farthest(loose, mt::as_array(c.of.share)) < 1e-15);
}
BOOST_AUTO_TEST_CASE(a_floor_is_taken_from_the_others_in_proportion) {
    auto const w = mt::floored_mixture<sources>{{{.web = .8, .code = .2, .maths = 0}}, {0, .18, .2}}.weights({});
    BOOST_TEST(std::abs(w[2] - .2) < 1e-15);
    BOOST_TEST(std::abs(w[1] - .18) < 1e-15);  // .2 * .8 = .16 is below its floor
    BOOST_TEST(std::abs(w[0] - .62) < 1e-15);
}
BOOST_AUTO_TEST_CASE(replay_micro_anneal_and_upsampling_by_hand) {
    auto const r = mt::replay_mixture<sources>{{{0, 0, 1}}, a, .25}.weights({});
    BOOST_TEST(farthest(r, std::array{.2, .0375, .7625}) < 1e-15);
    auto const m = mt::micro_anneal<sources>{.candidate = {0, 0, 1}, .usual = a}.weights({});
    BOOST_TEST(farthest(m, std::array{.56, .105, .335}) < 1e-15);
    auto const u = mt::upsampled_mixture<sources>{{a}, {1, 1, 5}}.weights({});
    BOOST_TEST(farthest(u, std::array{.8 / 1.2, .15 / 1.2, .25 / 1.2}) < 1e-15);
}
BOOST_AUTO_TEST_CASE(wrappers_keep_the_sum_they_are_given) {
    mt::fixed_mixture<sources> const wrong{{.5, .5, .1}};  // the rules must still see that it is 1.1
    auto const sum = [](auto const& w) { return std::accumulate(w.begin(), w.end(), 0.0); };
    BOOST_TEST(std::abs(sum(mt::floored_mixture<sources>{wrong, {0, 0, .2}}.weights({})) - 1.1) < 1e-14);
    BOOST_TEST(std::abs(sum(mt::upsampled_mixture<sources>{wrong, {1, 2, 3}}.weights({})) - 1.1) < 1e-14);
    mt::capped_mixture<sources> const capped{wrong, {{900_tok}, {900_tok}, {50_tok}}, {1, 1, 1}};
    BOOST_TEST(std::abs(sum(capped.weights({0, {}, 1000_tok, {}})) - 1.1) < 1e-14);
}
BOOST_AUTO_TEST_CASE(one_from_a_file_is_the_one_that_the_compiler_knows) {
    mt::named_sources<mt::weight> from, to;
    mt::named_sources<mt::each<mt::tokens>> sizes;
    mt::named_sources<mt::each<double>> epochs;
    for (auto const& [name, x, y, size] : {std::tuple{"web", .8, .3, 2'000'000}, {"code", .15, .3, 200'000}, {"maths", .05, .4, 50'000}})
        from.add(name, x), to.add(name, y), sizes.add(name, mt::tokens{size}), epochs.add(name, 4);
    mt::mixture::changed_choice<> const inner = mt::replay_mixture<mt::named_sources, mt::mixture::one_mixture>{
        mt::mixture::one_mixture{mt::annealed_mixture<mt::named_sources>{from, to}}, from, .25};
    mt::any_mixture const any = mt::capped_mixture<mt::named_sources, mt::mixture::changed_choice<>>{inner, sizes, epochs, {}};
    mt::capped_mixture<sources, mt::replay_mixture<sources, mt::annealed_mixture<sources>>> const typed{
        {{a, b}, a, .25}, {{2'000'000_tok}, {200'000_tok}, {50'000_tok}}, {4, 4, 4}};
    for (int k = 0; k <= 100; ++k) {
        auto const w = any.weights(at(k / 100.0));
        auto const v = typed.weights(at(k / 100.0));
        for (std::size_t i = 0; i < 3; ++i) BOOST_REQUIRE(w[i] == v[i]);
    }
    BOOST_TEST(any.window() == 0);
    BOOST_TEST(any.allowed().size() == 3u);
    BOOST_TEST(any.allowed()[2] == 200'000);
}

BOOST_AUTO_TEST_SUITE_END()
