#include <boost/test/unit_test.hpp>
#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>
#include <midtrain/core/random.hpp>
#include <midtrain/exec/host/host.hpp>
#include <midtrain/op/cross_entropy.hpp>

namespace mt = midtrain;

namespace {

/// One row of logits that grow by `slope` from block to block, so that the largest one comes last, or first.
template <class T>
void check(mt::index_t n, double slope, double z, double tolerance) {
    using C = mt::computed_t<T>;
    std::vector<C>   logits(static_cast<std::size_t>(n));
    mt::random_stream const r{3, 0};
    for (mt::index_t i = 0; i < n; ++i) logits[i] = C(3 * r.uniform(static_cast<std::uint64_t>(i)) + slope * static_cast<double>(i) / static_cast<double>(n));
    std::int32_t const target  = static_cast<std::int32_t>(n / 3);
    double             top     = -1e300, total = 0;
    for (C x : logits) top = std::max(top, double(x));
    for (C x : logits) total += std::exp(double(x) - top);
    double const log_z = top + std::log(total), share = 0.5 / 7;
    std::vector<double> wanted;
    for (mt::index_t i = 0; i < n; ++i)
        wanted.push_back(share * (std::exp(double(logits[i]) - log_z) * (1 + 2 * z * log_z) - (i == target ? 1 : 0)));
    double const wanted_loss = log_z - double(logits[target]);

    C                   loss    = 0, loss_alone = 0;
    double const        targets = 7;
    std::vector<C>      kept    = logits;
    std::vector<T>      gradient(logits.size());
    mt::host            device(1);
    constexpr bool      in_place = std::is_same_v<T, C>;  // the gradient lies over the logits
    mt::op::cross_entropy<T> f{mt::as_matrix(logits.data(), 1, n), {&target, 1}, {&loss, 1}, mt::as_matrix(gradient.data(), 1, n), &targets, 0.5, C(z)};
    if constexpr (in_place) f.gradient = f.logits;
    device.rows(1, f);
    device.rows(1, mt::op::cross_entropy<T>{mt::as_matrix(kept.data(), 1, n), {&target, 1}, {&loss_alone, 1}, {}, nullptr, 0.5, C(z)});
    double worst = 0, largest = 0;
    for (mt::index_t i = 0; i < n; ++i) {
        double const got = in_place ? double(logits[i]) : double(gradient[i]);
        worst   = std::max(worst, std::abs(got - wanted[i]) / (std::abs(wanted[i]) + 1e-3 * share));  // a target that is all but certain cancels
        largest = std::max(largest, std::abs(wanted[i]));
    }
    BOOST_TEST(largest > 0);
    BOOST_TEST(worst < tolerance);
    BOOST_TEST(std::abs(double(loss) - wanted_loss) < 1e-5 * (1 + std::abs(wanted_loss)));
    BOOST_TEST(std::abs(double(loss_alone) - wanted_loss) < 1e-5 * (1 + std::abs(wanted_loss)));
}

}  // namespace

BOOST_AUTO_TEST_SUITE(cross_entropy)

/// A CPU takes a row in blocks, each against its own largest logit: one of them, three, and as many as there may be.
BOOST_AUTO_TEST_CASE(in_blocks_is_its_formula) {
    // double: of 70,000 terms, each within an ulp or two; float: an exponent of up to 23 is rounded by 2^-20, and the exponential by 2 ulp, twice;
    // bfloat16: half a unit is at most 2^-8, beside what float leaves.
    for (mt::index_t n : {2, 300, 2500, 70'000})
        for (double slope : {0.0, 20.0, -20.0}) {
            check<double>(n, slope, 0, 1e-12);
            check<double>(n, slope, 1e-2, 1e-12);
            check<float>(n, slope, 1e-3, 1e-5);
            check<mt::bf16>(n, slope, 0, 4e-3);
        }
}

/// A user's mask: a whole block of minus infinity, and one value of it alone in the last block, have probability and gradient zero.
BOOST_AUTO_TEST_CASE(logits_of_minus_infinity_are_never_drawn) {
    mt::index_t const  n = 3073;
    std::vector<float> logits(n, 1.0f);
    for (mt::index_t i = 1024; i < 2048; ++i) logits[i] = -std::numeric_limits<float>::infinity();
    logits[3072] = -std::numeric_limits<float>::infinity();
    std::int32_t const target = 5;
    float              loss   = 0;
    double const       targets = 1;
    auto const         view    = mt::as_matrix(logits.data(), 1, n);
    mt::host           device(1);
    device.rows(1, mt::op::cross_entropy<float>{view, {&target, 1}, {&loss, 1}, view, &targets, 1, 0});
    BOOST_TEST(std::abs(loss - std::log(2048.0f)) < 1e-5);
    for (mt::index_t i : {1024, 2047, 3072}) BOOST_TEST(logits[i] == 0.0f);
    BOOST_TEST(std::abs(logits[6] - 1.0f / 2048) < 1e-8);
}

BOOST_AUTO_TEST_SUITE_END()
