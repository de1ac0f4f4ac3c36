#include <boost/test/unit_test.hpp>
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <span>
#include <vector>
#include <midtrain/exec/host/host.hpp>
#include <midtrain/model/llama.hpp>
#include <midtrain/model/trainable.hpp>
#include <midtrain/position/any_position.hpp>
#include <midtrain/precision/precision.hpp>
#include <support/small_models.hpp>

namespace mt = midtrain;

namespace {

using model_type = mt::trainable<mt::host, mt::model::llama, test::small_shape, mt::fp64>;

constexpr mt::index_t length = 24;

/// The same small model with positions of a policy: losses by token, and the gradient.
struct result {
    std::vector<double> loss, gradient;
};
template <class Policy>
result of(Policy const& policy, mt::pass_mode mode = mt::pass_mode::train) {
    mt::host   device(1);
    model_type m(device, {}, mode);
    m.initialise(5);
    for (double& w : m.master()) w *= 4;  // so that positions matter
    m.refresh();
    m.set_rotary(length, policy);
    auto const          owned = test::owned_batch::random(2, length, 96, 10);
    std::vector<double> loss(2 * length);
    m.zero_gradient();
    m.accumulate(owned.view(), {loss.data(), 2 * length});
    return {loss, {m.gradient().begin(), m.gradient().end()}};
}
double apart(std::vector<double> const& a, std::vector<double> const& b) {
    double worst = 0;
    for (std::size_t i = 0; i < a.size(); ++i) worst = std::max(worst, std::abs(a[i] - b[i]));
    return worst;
}

constexpr mt::rope plain{.base = 100, .length = length};
constexpr mt::yarn hot{.base = 100, .trained = 6, .extended = length};
constexpr mt::yarn hot_scores{.base = 100, .trained = 6, .extended = length, .heat = mt::yarn_heat::scores};

}  // namespace

BOOST_AUTO_TEST_SUITE(rotary)

// Where the whole head turns, YaRN's temperature on cosine and sine is its square on the scores: equal but for rounding.
BOOST_AUTO_TEST_CASE(heat_on_both_sides_is_heat_on_the_scores) {
    auto const a = of(hot), b = of(hot_scores);
    // Rounding: such weights make losses of tens and steep gradients.
    BOOST_TEST(apart(a.loss, b.loss) < 1e-10);
    BOOST_TEST(apart(a.gradient, b.gradient) < 1e-9);
    BOOST_TEST(apart(a.loss, of(mt::yarn{.base = 100, .trained = 6, .extended = length, .attention_factor = 1}).loss) > 1e-3);
}
// Where a part turns, it is not: what does not turn is heated, too.
BOOST_AUTO_TEST_CASE(heat_on_scores_reaches_what_does_not_turn) {
    BOOST_TEST(apart(of(mt::partial{.share = 0.5, .policy = hot}).loss, of(mt::partial{.share = 0.5, .policy = hot_scores}).loss) > 1e-4);
}
BOOST_AUTO_TEST_CASE(a_whole_part_is_the_head_and_no_share_turns_nothing) {
    auto const whole = of(plain);
    BOOST_TEST((of(mt::partial{.share = 1.0, .policy = plain}).gradient == whole.gradient));
    BOOST_TEST((of(mt::proportional{.base = 100, .length = length, .share = 1.0}).gradient == whole.gradient));
    BOOST_TEST((of(mt::any_position(plain)).gradient == whole.gradient));
    BOOST_TEST(apart(of(mt::partial{.share = 0.5, .policy = plain}).loss, whole.loss) > 1e-3);
    BOOST_TEST(apart(of(mt::no_positions{.length = length}).loss, whole.loss) > 1e-3);
}
BOOST_AUTO_TEST_CASE(recomputation_knows_the_part) {
    mt::partial const half{.share = 0.5, .policy = hot_scores};
    BOOST_TEST((of(half).gradient == of(half, mt::pass_mode::recompute).gradient));
}
BOOST_AUTO_TEST_CASE(the_gradient_with_a_part_equals_finite_differences) {
    mt::host   device(1);
    model_type m(device, {});
    m.initialise(5);
    m.set_rotary(length, mt::partial{.share = 0.5, .policy = hot_scores});
    auto const          owned = test::owned_batch::random(2, length, 96, 10);
    auto const          batch = owned.view();
    std::vector<double> loss(2 * length);
    auto const          value = [&] {
        m.evaluate(batch, {loss.data(), 2 * length});
        double total = 0;
        for (std::size_t i = 0; i < loss.size(); ++i) total += batch.targets[static_cast<mt::index_t>(i)] < 0 ? 0.0 : loss[i];
        return total / batch.target_count;
    };
    m.zero_gradient();
    m.accumulate(batch, {loss.data(), 2 * length});
    double worst = 0;
    for (mt::index_t i = 0; i < m.master().size(); i += 97) {
        double const w = m.master()[i], h = 1e-5;
        auto const   at = [&](double x) { return m.master()[i] = x, m.refresh(), value(); };
        double const slope = (8 * (at(w + h) - at(w - h)) - (at(w + 2 * h) - at(w - 2 * h))) / (12 * h);
        at(w);
        worst = std::max(worst, std::abs(slope - m.gradient()[i]) / std::max(1e-3, std::abs(slope)));
    }
    BOOST_TEST(worst < 1e-6);
}
// A sequence that is generated token by token sees the same scores as one that is read at once.
BOOST_AUTO_TEST_CASE(decoding_knows_part_and_heat) {
    mt::host   device(1);
    model_type m(device, {});
    m.initialise(5);
    m.set_rotary(length, mt::partial{.share = 0.5, .policy = hot_scores});
    std::vector<std::int32_t> tokens;
    for (int t = 0; t < 12; ++t) tokens.push_back(7 * t % 96);
    std::vector<double> at_once(96), one_by_one(96);
    auto                a = m.begin_decoding(12), b = m.begin_decoding(12);
    m.decode(a, tokens, at_once);
    for (std::size_t t = 0; t < tokens.size(); ++t) m.decode(b, std::span<std::int32_t const>(tokens).subspan(t, 1), one_by_one);
    BOOST_TEST(apart(at_once, one_by_one) < 1e-12);
}

BOOST_AUTO_TEST_SUITE_END()
