#include <boost/test/unit_test.hpp>
#include <cmath>
#include <type_traits>
#include <utility>
#include <vector>
#include <laws/laws.hpp>
#include <midtrain/concepts/position_policy.hpp>
#include <midtrain/core/random.hpp>
#include <midtrain/position/any_position.hpp>
#include <midtrain/position/context_steps.hpp>
#include <midtrain/position/mapped.hpp>
#include <midtrain/position/rotary_table.hpp>

namespace mt = midtrain;

namespace {

struct without_temperature {
    mt::index_t context() const { return 1; }
    double      inverse_frequency(mt::index_t, mt::index_t, mt::index_t) const { return 1; }
    double      position(mt::index_t) const { return 1; }
};
static_assert(mt::PositionScalingPolicy<mt::rope> && mt::PositionScalingPolicy<mt::yarn> && !mt::PositionScalingPolicy<without_temperature>);
static_assert(mt::PositionScalingPolicy<mt::any_position> && mt::PositionScalingPolicy<mt::no_positions>);

// Optional members that are almost right are errors and no silence.
struct width_of_a_double : mt::rope {
    double rotary_width(mt::index_t n) const { return 0.5 * static_cast<double>(n); }
};
struct fault_without_head : mt::rope {
    mt::position_fault fault() const { return mt::position_fault::none; }
};
struct start_without_frequency : mt::rope {
    mt::index_t plain_start() const { return 4; }
};
static_assert(mt::RotaryWidthIfItHasOne<mt::rope> && !mt::RotaryWidthIfItHasOne<width_of_a_double>);
static_assert(mt::FaultIfItHasOne<mt::yarn> && !mt::FaultIfItHasOne<fault_without_head>);
static_assert(mt::PlainStartIfItHasOne<mt::longrope> && !mt::PlainStartIfItHasOne<start_without_frequency>);
static_assert(mt::ScoreFactorIfItHasOne<mt::yarn>);

constexpr mt::rope         plain{.base = 1e4, .length = 2048};
constexpr mt::interpolated pi{.base = 1e4, .trained = 2048, .extended = 20480};
constexpr mt::ntk          ntk{.base = 1e4, .trained = 2048, .extended = 20480};
constexpr mt::yarn         yarn{.base = 1e4, .trained = 2048, .extended = 20480};

/// Five digits, as the golden numbers are printed.
bool near(double got, double want) { return std::abs(got / want - 1) < 5e-5; }

template <class Policy>
double at(Policy const& p, mt::index_t pair, mt::index_t length = 20480) {
    return p.inverse_frequency(pair, 128, length);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(position)

// transformers' tests/utils/test_modeling_rope_utils.py: head size 128, base 10000, trained on 2048, factor 10.
BOOST_AUTO_TEST_CASE(plain_equals_transformers) {
    BOOST_TEST(near(at(plain, 1), 8.6596e-01));
    BOOST_TEST(near(at(plain, 63), 1.1548e-04));
}
BOOST_AUTO_TEST_CASE(dynamic_ntk_equals_transformers) {
    mt::dynamic_ntk const p{.base = 1e4, .trained = 2048, .extended = 20480, .factor = 10};
    for (auto const& [pair, frequency] : {std::pair{1, 8.0931e-01}, {2, 6.5498e-01}, {62, 2.0097e-06}, {63, 1.6265e-06}})
        BOOST_TEST(near(at(p, pair, 16384), frequency), pair);
    for (int i = 0; i < 64; ++i) BOOST_TEST(at(p, i, 2048) == at(plain, i));  // nothing is stretched up to the trained length
}
BOOST_AUTO_TEST_CASE(yarn_equals_transformers) {
    std::pair<int, double> const want[] = {{16, 1.0000e-01}, {17, 8.3479e-02}, {18, 6.9590e-02}, {19, 5.7925e-02},
                                           {40, 4.3007e-04}, {41, 2.7384e-04}, {63, 1.1548e-05}};
    for (auto const& [pair, frequency] : want) BOOST_TEST(near(at(yarn, pair), frequency), pair);
    BOOST_TEST(std::abs(yarn.temperature(20480) - 1.2302585) < 1e-7);
}
BOOST_AUTO_TEST_CASE(llama3_equals_transformers) {
    mt::llama3 const p{.base = 1e4, .trained = 2048, .extended = 20480, .factor = 10};
    std::pair<int, double> const want[] = {{30, 1.3335e-02}, {31, 1.0730e-02}, {32, 7.7785e-03}, {36, 1.9675e-03}, {40, 3.4539e-04},
                                           {41, 2.7384e-04}};
    for (auto const& [pair, frequency] : want) BOOST_TEST(near(at(p, pair), frequency), pair);
}
BOOST_AUTO_TEST_CASE(longrope_equals_transformers) {
    mt::longrope const p{.base = 1e4, .trained = 2048, .extended = 20480};
    BOOST_TEST(std::abs(p.temperature(20480) - 1.1410493) < 1e-7);
}
// Published long-context recipes, computed from transformers' rule.
BOOST_AUTO_TEST_CASE(published_recipes) {
    mt::yarn const qwen{.base = 1e6, .trained = 32768, .extended = 4 * 32768}, olmo{.base = 5e5, .trained = 8192, .extended = 8 * 8192};
    BOOST_TEST(near(at(qwen, 30), 1.0644e-03));
    BOOST_TEST(near(at(qwen, 40), 4.4457e-05));
    BOOST_TEST(near(at(olmo, 20), 1.4856e-02));
    BOOST_TEST(near(at(olmo, 30), 8.1484e-04));
    BOOST_TEST(near(at(olmo, 40), 3.4281e-05));
    mt::llama3 const llama{.base = 5e5, .trained = 8192, .extended = 131'072, .factor = 8};
    for (auto const& [pair, frequency] : {std::pair{28, 3.2114e-03}, {29, 2.1666e-03}, {31, 8.5675e-04}, {35, 9.5562e-05}, {63, 3.0689e-07}})
        BOOST_TEST(near(at(llama, pair), frequency), pair);
    // DeepSeek-V3: factor 40, and 0.1 ln 40 + 1 = 1.3689 squared on the scores.
    mt::yarn const deepseek{.base = 1e4, .trained = 4096, .extended = 163'840, .mscale = 1, .mscale_all_dim = 1, .heat = mt::yarn_heat::scores};
    BOOST_TEST(std::abs(deepseek.score_factor(4096) - 1.8739) < 1e-4);
    BOOST_TEST(deepseek.temperature(4096) == 1.0);
    // Hunyuan-Large has heads of 80: alpha 1000 makes a base of 1.19e7, and 100,000 the billion of its report.
    BOOST_TEST(std::abs(mt::position::ntk_base(1e4, 1000, 80) / 1.19e7 - 1) < 5e-3);
    BOOST_TEST(std::abs(mt::position::ntk_base(1e4, 1e5, 80) / 1.34e9 - 1) < 5e-3);
}
BOOST_AUTO_TEST_CASE(ntk_keeps_the_fastest_and_divides_the_slowest) {
    BOOST_TEST(at(ntk, 0) == 1.0);
    BOOST_TEST(std::abs(at(ntk, 63) * 10 / at(plain, 63) - 1) < 1e-12);
    mt::ntk_alpha const alpha{.base = 1e4, .alpha = 10, .length = 20480};
    mt::dynamic_ntk const grown{.base = 1e4, .trained = 2048, .extended = 20480};  // factor 1: the paper's form
    for (int i = 0; i < 64; ++i) BOOST_TEST((at(alpha, i) == at(ntk, i) && at(grown, i) == at(ntk, i)));
}

// Interpolation is a map of frequencies or of positions, whichever one likes; each part of a triple can be changed alone.
BOOST_AUTO_TEST_CASE(triples) {
    // begin: own_triple
    mt::position::with_frequency const   h{plain, [](double theta) { return theta / 10; }};
    mt::position::with_position const    g{plain, [](double m) { return m / 10; }};  // the same angles
    mt::position::with_temperature const alpha{h, [](mt::index_t) { return mt::position::yarn_heat_of(10); }};
    // end: own_triple
    for (int i = 0; i < 64; ++i) {
        BOOST_TEST(at(h, i) == at(pi, i));
        BOOST_TEST(std::abs(g.position(777) * at(g, i) / (pi.position(777) * at(pi, i)) - 1) < 1e-15);
    }
    BOOST_TEST((alpha.temperature(20480) == yarn.temperature(20480) && at(alpha, 5) == at(pi, 5)));
    static_assert(mt::PositionScalingPolicy<std::remove_const_t<decltype(alpha)>>);
}

// Over random numbers: frequencies fall, and with nothing to stretch all is plain.
BOOST_AUTO_TEST_CASE(laws_over_random_parameters) {
    mt::random_stream const draws{20, 4};
    std::uint64_t           n = 0;
    auto const              between = [&](double low, double high) {
        return low * std::pow(high / low, static_cast<double>(draws.bits(n++) >> 11) * 0x1p-53);
    };
    for (int trial = 0; trial < 200; ++trial) {
        double const base = between(100, 1e8), fast = between(2, 64), factor = between(1, 32);
        auto const   width = static_cast<mt::index_t>(2 * between(4, 128)) / 2 * 2, trained = static_cast<mt::index_t>(between(32, 4096));
        auto const   to = static_cast<mt::index_t>(static_cast<double>(trained) * between(1, 4));
        BOOST_TEST_CONTEXT("base " << base << ", width " << width << ", " << trained << " to " << to << ", fast " << fast << ", factor " << factor) {
            auto const holds = [&](auto policy) {
                auto same = policy;
                same.extended = same.trained;
                BOOST_TEST(laws::position(policy, same, base, width) == "");
                BOOST_TEST((mt::position_fault_of(policy, width) == mt::position_fault::none));
            };
            BOOST_TEST(laws::position(mt::rope{.base = between(base, 10 * base), .length = to}, mt::rope{.base = base, .length = trained}, base, width) == "");
            holds(mt::interpolated{.base = base, .trained = trained, .extended = to});
            holds(mt::ntk{.base = base, .trained = trained, .extended = to});
            holds(mt::dynamic_ntk{.base = base, .trained = trained, .extended = to, .factor = factor});
            holds(mt::by_parts{.base = base, .trained = trained, .extended = to, .fast = fast, .slow = fast / 4});
            holds(mt::yarn{.base = base, .trained = trained, .extended = to, .fast = fast, .slow = fast / 4});
            holds(mt::yarn{.base = base, .trained = trained, .extended = to, .truncate = false});
            holds(mt::yarn{.base = base, .trained = trained, .extended = to, .ramp = mt::yarn_ramp::turns});
            BOOST_TEST(laws::position(mt::llama3{.base = base, .trained = trained, .extended = to, .factor = factor},
                                      mt::llama3{.base = base, .trained = trained, .extended = trained, .factor = 1}, base, width) == "");
            mt::longrope p{.base = base, .trained = trained, .extended = to, .long_factor = {}, .short_factor = {}};
            for (mt::index_t i = 0; i < width / 2; ++i) p.long_factor.push_back(1 + (factor - 1) * static_cast<double>(i) / static_cast<double>(width));
            holds(p);
            mt::partial const part{.share = 0.5, .policy = mt::rope{.base = base, .length = to}};
            if (part.rotary_width(4 * width) == 2 * width)
                BOOST_TEST(laws::position(part, mt::partial{.share = 0.5, .policy = mt::rope{.base = base, .length = to}}, base, part.rotary_width(4 * width)) == "");
        }
    }
}

BOOST_AUTO_TEST_CASE(a_part_of_the_head) {
    mt::partial const p{.share = 0.25, .policy = yarn};
    BOOST_TEST(p.rotary_width(80) == 20);
    BOOST_TEST(p.inverse_frequency(3, 20, 20480) == yarn.inverse_frequency(3, 20, 20480));
    BOOST_TEST(p.temperature(20480) == yarn.temperature(20480));
    std::vector<double> c(100 * 10, 7), s(c.size(), 7);
    mt::fill_rotary(p, 100, 80, c.data(), s.data());
    for (std::size_t k = 0; k < c.size(); ++k) BOOST_REQUIRE(std::abs(std::hypot(c[k], s[k]) - p.temperature(100)) < 1e-12);
    // Proportional: the whole head's frequencies, and nothing for the rest of it.
    mt::proportional const q{.base = 1e4, .length = 64, .share = 0.25};
    for (int i = 0; i < 64; ++i) BOOST_TEST(q.inverse_frequency(i, 128, 64) == (i < 16 ? at(plain, i) : 0.0));
}
BOOST_AUTO_TEST_CASE(no_positions_turn_nothing) {
    std::vector<double> c(100 * 8), s(c.size());
    mt::fill_rotary(mt::no_positions{.length = 100}, 100, 16, c.data(), s.data());
    for (std::size_t k = 0; k < c.size(); ++k) BOOST_REQUIRE((c[k] == 1.0 && s[k] == 0.0));
}
// LongRoPE's n-hat: the first tokens turn as if nothing were stretched.
BOOST_AUTO_TEST_CASE(start_tokens_stay_plain) {
    mt::longrope p{.base = 1e4, .trained = 32, .extended = 64, .long_factor = {2, 2, 3, 4}, .short_factor = {}, .start = 5};
    std::vector<double> c(64 * 4), s(c.size());
    mt::fill_rotary(p, 64, 8, c.data(), s.data());
    double const heat = p.temperature(64);
    for (mt::index_t t = 0; t < 64; ++t)
        for (mt::index_t i = 0; i < 4; ++i) {
            double const f = mt::position::plain_frequency(1e4, i, 8) / (t < 5 ? 1.0 : p.long_factor[static_cast<std::size_t>(i)]);
            BOOST_REQUIRE(std::abs(s[static_cast<std::size_t>(t * 4 + i)] - heat * std::sin(static_cast<double>(t) * f)) < 1e-12);
        }
    mt::any_position const any = p;
    std::vector<double>    c2(c.size()), s2(c.size());
    mt::fill_rotary(any, 64, 8, c2.data(), s2.data());
    BOOST_TEST((c == c2 && s == s2));
}
BOOST_AUTO_TEST_CASE(the_table_holds_turned_units) {
    std::vector<double> c(100 * 64), s(c.size());
    mt::fill_rotary(yarn, 100, 128, c.data(), s.data());
    for (std::size_t k = 0; k < c.size(); ++k) BOOST_REQUIRE(std::abs(std::hypot(c[k], s[k]) - yarn.temperature(100)) < 1e-12);
    BOOST_TEST(c[0] == yarn.temperature(100));
    BOOST_TEST(s[0] == 0.0);
}

BOOST_AUTO_TEST_CASE(faults_are_named) {
    using mt::position_fault;
    auto const fault = [](auto const& p) { return mt::position_fault_of(p, 64); };
    BOOST_TEST((fault(mt::rope{.base = 1, .length = 64}) == position_fault::base));
    BOOST_TEST((fault(mt::rope{.base = 1e4, .length = 0}) == position_fault::base));
    BOOST_TEST((fault(mt::interpolated{.base = 1e4, .trained = 64, .extended = 32}) == position_fault::shrinks));
    BOOST_TEST((fault(mt::ntk_alpha{.base = 1e4, .alpha = 0.5, .length = 32}) == position_fault::factor));
    BOOST_TEST((fault(mt::dynamic_ntk{.base = 1e4, .trained = 64, .extended = 128, .factor = 0.5}) == position_fault::factor));
    BOOST_TEST((fault(mt::yarn{.base = 1e4, .trained = 64, .extended = 128, .fast = 1, .slow = 1}) == position_fault::ramp));
    BOOST_TEST((fault(mt::yarn{.base = 1e4, .trained = 64, .extended = 128, .factor = 0.5}) == position_fault::factor));
    BOOST_TEST((fault(mt::by_parts{.base = 1e4, .trained = 64, .extended = 128, .slow = 0}) == position_fault::ramp));
    BOOST_TEST((fault(mt::llama3{.base = 1e4, .trained = 64, .extended = 128, .factor = 0}) == position_fault::factor));
    BOOST_TEST((fault(mt::longrope{.base = 1e4, .trained = 64, .extended = 128, .long_factor = {1, 2}}) == position_fault::lists));
    BOOST_TEST((fault(mt::partial{.share = 0.01, .policy = plain}) == position_fault::part));
    BOOST_TEST((fault(mt::partial{.share = 0.5, .policy = mt::rope{.base = 0, .length = 1}}) == position_fault::base));
    BOOST_TEST((fault(mt::partial{.share = 51.0 / 64, .policy = plain}) == position_fault::part));  // 51 values: no pairs
    BOOST_TEST((fault(mt::proportional{.base = 1e4, .length = 64, .share = 1.5}) == position_fault::part));
    BOOST_TEST((mt::any_position(mt::position::partial<mt::position::whole_head>{.share = 2.0, .policy = {}}).fault(64) == position_fault::part));
}
// Llama 3's way from 8K to 128K in six steps.
BOOST_AUTO_TEST_CASE(contexts_grow_in_steps) {
    constexpr mt::context_steps steps{.from = 8192, .to = 131'072, .steps = 6};
    static_assert(steps.length(0) == 8192 && steps.length(3) == 32'768 && steps.length(6) == 131'072);
    for (int k = 1; k <= 6; ++k) {
        BOOST_TEST(steps.length(k) % 1024 == 0);
        BOOST_TEST(std::abs(static_cast<double>(steps.length(k)) / static_cast<double>(steps.length(k - 1)) / std::pow(16.0, 1.0 / 6) - 1) < 0.0625);  // 512 of 8192 by rounding
    }
    BOOST_TEST(mt::reaching(yarn, 4096).factor == 0);
    BOOST_TEST(mt::reaching(yarn, 4096).stretch() == 2);
    BOOST_TEST(mt::reaching(mt::partial{.share = 0.5, .policy = plain}, 77).context() == 77);
}

BOOST_AUTO_TEST_SUITE_END()
