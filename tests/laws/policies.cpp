#include <boost/test/unit_test.hpp>
#include <array>
#include <laws/laws.hpp>
#include <midtrain/annealing/constant.hpp>
#include <midtrain/annealing/decay.hpp>
#include <midtrain/annealing/excerpt.hpp>
#include <midtrain/annealing/exponential.hpp>
#include <midtrain/annealing/polynomial.hpp>
#include <midtrain/annealing/power_law.hpp>
#include <midtrain/annealing/then.hpp>
#include <midtrain/annealing/wsd.hpp>
#include <midtrain/core/math.hpp>
#include <midtrain/exec/crowd/crowd.hpp>
#include <midtrain/exec/host/host.hpp>
#include <midtrain/mixture/mixtures.hpp>
#include <midtrain/optim/adamw.hpp>
#include <midtrain/optim/lion.hpp>
#include <midtrain/optim/sgd.hpp>
#include <midtrain/position/scaled.hpp>
#include <midtrain/precision/precision.hpp>

namespace mt = midtrain;
using namespace mt::literals;

namespace {

template <class T>
struct sources {
    T web, code, maths;
};

// Near misses: what is almost a policy is none.
struct integral_progress {
    double rate(int) const { return 1; }
};
struct rate_of_text {
    char const* rate(mt::progress) const { return "1e-3"; }
};
struct weights_without_size {
    double const* weights(mt::progress) const { return nullptr; }
};
struct frequency_of_one_number {
    mt::index_t context() const { return 1; }
    double      inverse_frequency(mt::index_t) const { return 1; }
    double      position(mt::index_t t) const { return static_cast<double>(t); }
    double      temperature(mt::index_t) const { return 1; }
};
static_assert(!mt::AnnealingPolicy<integral_progress> && !mt::AnnealingPolicy<rate_of_text>);
static_assert(!mt::MixturePolicy<weights_without_size> && !mt::PositionScalingPolicy<frequency_of_one_number>);

// Policies by signature that break the law: the laws must see it, or they are none.
struct overshooting {
    double rate(mt::progress at) const { return 0.99 - at.share(); }
};
struct infinite_at_start {
    double rate(mt::progress at) const { return at.seen.count == 0 ? mt::math::infinity : 0; }
};
struct leaking {
    std::array<double, 2> weights(mt::progress at) const { return {0.5, 0.5 - (at.share() > 0.5 ? 1e-9 : 0.0)}; }
};
struct negative {
    std::array<double, 2> weights(mt::progress at) const { return {1.0 + at.share(), -at.share()}; }
};
struct rising : mt::rope {
    double inverse_frequency(mt::index_t i, mt::index_t, mt::index_t) const { return 1.0 + static_cast<double>(i); }
};
struct heated : mt::rope {
    double temperature(mt::index_t) const { return 1.1; }
};
struct restless : mt::sgd {  // moves by its rate whatever the gradient is
    template <class C>
    C update(C w, C, C (&)[slots], mt::step_scalars const& s, C) const {
        return w - C(s.rate);
    }
};
struct forgetful : mt::sgd {  // counts its calls where no checkpoint looks
    static inline int calls = 0;
    template <class C>
    C update(C w, C g, C (&)[slots], mt::step_scalars const& s, C) const {
        return w - C(s.rate) * g * C(++calls);
    }
};
struct coarse {  // float values pass through bfloat16
    using stored   = float;
    using computed = float;
    using master   = mt::bf16;
};

template <class Device>
void optimizers_keep_the_law(Device&& device) {
    BOOST_TEST(laws::optimizer<mt::fp32>(device, mt::sgd{}, mt::sgd{.momentum = 0.9}) == "");
    BOOST_TEST(laws::optimizer<mt::bf16_mixed>(device, mt::sgd{}, mt::sgd{.momentum = 0.9}) == "");
    BOOST_TEST(laws::optimizer<mt::fp32>(device, mt::adamw{.decay = 0}, mt::adamw{}) == "");
    BOOST_TEST(laws::optimizer<mt::bf16_mixed>(device, mt::adamw{.decay = 0}, mt::adamw{}) == "");
    BOOST_TEST(laws::optimizer<mt::fp64>(device, mt::adamw{.decay = 0}, mt::adamw{}) == "");
    BOOST_TEST(laws::optimizer<mt::fp32>(device, mt::lion{.decay = 0}, mt::lion{}) == "");
    BOOST_TEST(laws::optimizer<mt::bf16_mixed>(device, mt::lion{.decay = 0}, mt::lion{}) == "");
}

}  // namespace

BOOST_AUTO_TEST_SUITE(laws_of_policies)

BOOST_AUTO_TEST_CASE(annealing_policies) {
    auto const budget = 1'000'003_tok;  // divides by nothing
    BOOST_TEST(laws::annealing(mt::constant{.peak = 3e-4}, budget, 3e-4) == "");
    BOOST_TEST(laws::annealing(mt::linear{.from = 3e-4, .to = 0}, budget, 0) == "");
    BOOST_TEST(laws::annealing(mt::cosine{.from = 3e-4, .to = 3e-5}, budget, 3e-5) == "");
    BOOST_TEST(laws::annealing(mt::one_minus_sqrt{.from = 3e-4, .to = 0}, budget, 0) == "");
    mt::wsd const wsd{.peak = 3e-4, .decay = 200_ktok, .warmup = 100_ktok, .floor = 1e-5};
    BOOST_TEST(laws::annealing(wsd, budget, 1e-5) == "");
    BOOST_TEST(laws::annealing(mt::wsd_of<mt::annealing::cosine_shape>{.peak = 3e-4, .decay = 200_ktok}, budget, 0) == "");
    BOOST_TEST(laws::annealing(mt::wsd_of<mt::annealing::one_minus_sqrt_shape>{.peak = 3e-4, .decay = budget}, budget, 0) == "");
    BOOST_TEST(laws::annealing(mt::annealing::exponential{.from = 3e-4, .to = 3e-6}, budget, 3e-6) == "");
    BOOST_TEST(laws::annealing(mt::halving{.from = 3e-4, .to = 3e-6}, budget, 3e-6) == "");
    BOOST_TEST(laws::annealing(mt::polynomial{.from = 3e-4, .to = 3e-6, .power = 3}, budget, 3e-6) == "");
    BOOST_TEST(laws::annealing(mt::power_law{.peak = 3e-4, .over = budget}, budget, 3e-4 / mt::math::sqrt(2)) == "");
    mt::excerpt<mt::linear> const first_half{.of = 2 * budget, .policy = {.from = 3e-4, .to = 0}};
    BOOST_TEST(laws::annealing(first_half, budget, 1.5e-4) == "");
    mt::then const warmed{.first = mt::linear{.from = 0, .to = 3e-4}, .until = 100_ktok, .second = mt::cosine{.from = 3e-4, .to = 0}};
    BOOST_TEST(laws::annealing(warmed, budget, 0) == "");
    BOOST_TEST(laws::annealing(mt::then{.first = warmed, .until = 500_ktok, .second = mt::linear{.from = 1e-4, .to = 1e-5},
                                        .at_joint = mt::joint::jump}, budget, 1e-5) == "");
}
BOOST_AUTO_TEST_CASE(annealing_policies_that_break_it) {
    BOOST_TEST(laws::annealing(overshooting{}, 1_Mtok, 0).starts_with("the rate is negative"));
    BOOST_TEST(laws::annealing(infinite_at_start{}, 1_Mtok, 0) == "the rate is not a number at 0 of 1000000 tokens");
    BOOST_TEST(laws::annealing(mt::linear{.from = 1, .to = 0.5}, 1_Mtok, 0) == "the rate ends at 0.500000");
}

BOOST_AUTO_TEST_CASE(mixture_policies) {
    auto const budget = 1'000'003_tok;
    sources<mt::weight> const a{.web = 0.8, .code = 0.15, .maths = 0.05}, b{.web = 0.3, .code = 0.3, .maths = 0.4};
    BOOST_TEST(laws::mixture(mt::fixed_mixture<sources>{.share = a}, budget) == "");
    BOOST_TEST(laws::mixture(mt::annealed_mixture<sources>{.from = a, .to = b}, budget) == "");
    BOOST_TEST(laws::mixture(mt::staged_mixture<sources>{.first = a, .until = 300_ktok, .then = b}, budget) == "");
}
BOOST_AUTO_TEST_CASE(mixture_policies_that_break_it) {
    BOOST_TEST(laws::mixture(leaking{}, 1_Mtok).starts_with("the weights sum to"));
    BOOST_TEST(laws::mixture(negative{}, 1_Mtok) == "weight 1 is negative or not a number at 500 of 1000000 tokens");
}

BOOST_AUTO_TEST_CASE(position_policies) {
    for (mt::index_t width : {16, 64, 128})
        for (mt::index_t trained : {128, 4096}) {
            mt::index_t const to = 8 * trained;
            BOOST_TEST(laws::position(mt::rope{.base = 1e6, .length = to}, mt::rope{.base = 1e4, .length = trained}, 1e4, width) == "");
            BOOST_TEST(laws::position(mt::interpolated{.base = 1e4, .trained = trained, .extended = to},
                                      mt::interpolated{.base = 1e4, .trained = trained, .extended = trained}, 1e4, width) == "");
            BOOST_TEST(laws::position(mt::ntk{.base = 1e4, .trained = trained, .extended = to},
                                      mt::ntk{.base = 1e4, .trained = trained, .extended = trained}, 1e4, width) == "");
            BOOST_TEST(laws::position(mt::yarn{.base = 1e4, .trained = trained, .extended = to},
                                      mt::yarn{.base = 1e4, .trained = trained, .extended = trained}, 1e4, width) == "");
        }
}
BOOST_AUTO_TEST_CASE(position_policies_that_break_it) {
    rising const r{{.base = 1e4, .length = 64}};
    heated const h{{.base = 1e4, .length = 64}};
    mt::rope const other{.base = 1e5, .length = 64};
    BOOST_TEST(laws::position(r, r, 1e4, 64) == "frequency 1 does not fall");
    BOOST_TEST(laws::position(h, h, 1e4, 64) == "unstretched, the temperature is not one");
    BOOST_TEST(laws::position(other, other, 1e4, 64) == "unstretched, frequency 1 is not plain");
}

BOOST_AUTO_TEST_CASE(precisions) {
    BOOST_TEST(laws::precision<mt::fp32>() == "");
    BOOST_TEST(laws::precision<mt::bf16_mixed>() == "");
    BOOST_TEST(laws::precision<mt::fp64>() == "");
    BOOST_TEST(laws::precision<coarse>().ends_with("is lost in `master`"));
}

BOOST_AUTO_TEST_CASE(optimizers_on_the_host) { optimizers_keep_the_law(mt::host(2)); }
BOOST_AUTO_TEST_CASE(optimizers_on_a_crowd) { optimizers_keep_the_law(mt::crowd(8)); }
BOOST_AUTO_TEST_CASE(optimizers_that_break_it) {
    mt::host device(1);
    BOOST_TEST(laws::optimizer<mt::fp32>(device, restless{}, restless{}) == "without gradient and decay the weights changed");
    BOOST_TEST(laws::optimizer<mt::fp32>(device, forgetful{}, forgetful{}) == "resumed, it ends with other bits");
    BOOST_TEST(laws::optimizer<mt::fp32>(device, mt::adamw{}, mt::adamw{}) == "without gradient and decay the weights changed");
}

BOOST_AUTO_TEST_SUITE_END()
