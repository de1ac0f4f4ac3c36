#include <boost/test/unit_test.hpp>
#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <span>
#include <vector>
#include <midtrain/core/error.hpp>
#include <midtrain/core/random.hpp>
#include <midtrain/exec/host/host.hpp>
#include <midtrain/model/llama.hpp>
#include <midtrain/model/trainable.hpp>
#include <midtrain/precision/precision.hpp>
#include <midtrain/train/generate.hpp>
#include <support/small_models.hpp>

namespace mt = midtrain;

namespace {

struct speaker {
    mt::host                                                                      device{2};
    mt::trainable<mt::host, mt::model::llama, test::small_shape, mt::fp32> model{device, {}};
    speaker() {
        model.initialise(1);
        model.set_rotary(64, test::plain_rope);
    }
};

std::vector<std::int32_t> const prompt{5, 17, 3, 60};

}  // namespace

BOOST_AUTO_TEST_SUITE(generate)

BOOST_AUTO_TEST_CASE(greedy_takes_the_largest_logit_of_the_last_token_each_time) {
    speaker    s;
    auto const got = mt::generate(s.model, prompt, {.max_tokens = 10});
    BOOST_TEST_REQUIRE(got.size() == 10u);
    std::vector<std::int32_t> text = prompt;
    for (auto token : got) {
        auto const        n = static_cast<mt::index_t>(text.size());
        test::owned_batch b(1, n);
        b.inputs = text;
        std::vector<float> logits(static_cast<std::size_t>(n) * 96);
        s.model.logits(b.view(), mt::as_matrix(logits.data(), n, 96));
        auto const last = std::span(logits).last(96);
        for (float x : last) BOOST_TEST(x <= last[static_cast<std::size_t>(token)] + 1e-4f);  // lengths differ: float rounding
        text.push_back(token);
    }
}
BOOST_AUTO_TEST_CASE(stops_and_top_k_and_several_prompts) {
    speaker    s;
    auto const whole = mt::generate(s.model, prompt, {.max_tokens = 10, .temperature = 1, .seed = 5});
    std::vector<std::int32_t> const two{whole[4], whole[5]};
    auto const cut = mt::generate(s.model, prompt, {.max_tokens = 10, .temperature = 1, .seed = 5, .stops = {{90, 91, 92}, two}});
    auto const at  = std::search(whole.begin(), whole.end(), two.begin(), two.end());
    BOOST_TEST((cut == std::vector<std::int32_t>(whole.begin(), at)));
    auto const greedy = mt::generate(s.model, prompt, {.max_tokens = 10});
    BOOST_TEST((mt::generate(s.model, prompt, {.max_tokens = 10, .temperature = 9, .top_k = 1}) == greedy));
    std::vector<std::vector<std::int32_t>> const prompts{prompt, prompt, {1, 2}};
    auto const all = mt::generate_all(s.model, std::span(prompts), {.max_tokens = 10, .temperature = 1, .seed = 5});
    BOOST_TEST(all[0] == whole);
    BOOST_TEST(all[1] != whole);
    BOOST_TEST((all == mt::generate_all(s.model, std::span(prompts), {.max_tokens = 10, .temperature = 1, .seed = 5})));
}
BOOST_AUTO_TEST_CASE(it_stops_before_the_end_token) {
    speaker     s;
    auto const  whole = mt::generate(s.model, prompt, {.max_tokens = 8, .temperature = 1, .seed = 3});
    std::size_t first = 4;
    while (std::find(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(first), whole[first]) !=
           whole.begin() + static_cast<std::ptrdiff_t>(first))
        --first;
    auto const cut = mt::generate(s.model, prompt, {.max_tokens = 8, .end_token = whole[first], .temperature = 1, .seed = 3});
    BOOST_TEST((cut == std::vector<std::int32_t>(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(first))));
    BOOST_TEST(mt::generate(s.model, prompt, {.max_tokens = 0}).empty());
}
BOOST_AUTO_TEST_CASE(a_seed_says_what_is_drawn) {
    speaker    s;
    auto const draw = [&](std::uint64_t seed) { return mt::generate(s.model, prompt, {.max_tokens = 12, .temperature = 1.5, .seed = seed}); };
    BOOST_TEST(draw(1) == draw(1));
    BOOST_TEST(draw(1) != draw(2));
}
BOOST_AUTO_TEST_CASE(tokens_are_drawn_as_often_as_their_share) {
    // Shares at temperature 2 of these logits: 0.4, 0.3, 0.2, 0.1.
    std::array<float, 4> logits{};
    std::array<double, 4> const share{.3, .1, .4, .2};
    for (std::size_t i = 0; i < 4; ++i) logits[i] = static_cast<float>(2 * std::log(share[i]));
    auto const count = [&](double top_p) {
        std::array<double, 4> often{};
        for (std::uint64_t n = 0; n < 20'000; ++n) {
            auto const token = mt::choose_token(std::span<float const>(logits), {.temperature = 2, .top_p = top_p}, mt::random_stream{7}.uniform(n));
            often[static_cast<std::size_t>(token)] += 1 / 20'000.0;
        }
        return often;
    };
    // 20,000 draws: a standard deviation of at most 0.0036.
    auto const all = count(1);
    for (std::size_t i = 0; i < 4; ++i) BOOST_TEST(std::abs(all[i] - share[i]) < 0.015);
    auto const some = count(0.65);  // 0.4 and 0.3 reach it
    BOOST_TEST(some[1] + some[3] == 0);
    BOOST_TEST(std::abs(some[2] - 4.0 / 7) < 0.015);
    BOOST_TEST(count(1e-9)[2] == 1, boost::test_tools::tolerance(1e-9));
}
BOOST_AUTO_TEST_CASE(what_makes_no_sense_is_refused) {
    speaker s;
    BOOST_CHECK_THROW(mt::generate(s.model, {}, {}), mt::error);
    BOOST_CHECK_THROW(mt::generate(s.model, prompt, {.temperature = -1}), mt::error);
    BOOST_CHECK_THROW(mt::generate(s.model, prompt, {.top_p = 0}), mt::error);
}

BOOST_AUTO_TEST_SUITE_END()
