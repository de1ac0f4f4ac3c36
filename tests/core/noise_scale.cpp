#include <boost/test/unit_test.hpp>
#include <cmath>
#include <cstdint>
#include <random>
#include <vector>
#include <midtrain/core/noise_scale.hpp>

namespace mt = midtrain;

namespace {

/// Rows of steps whose gradients are normal about a mean of square `signal`, with `noise` as the trace of one token's covariance; the
/// second source's parts are `louder` times as noisy.
std::vector<double> drawn(std::size_t steps, double signal, double noise, double louder, int parts, double targets) {
    constexpr int       d = 40;
    std::mt19937_64     engine(7);
    std::vector<double> rows;
    for (std::size_t n = 0; n < steps; ++n) {
        std::vector<double> whole(d);
        double              small = 0, by_source[2] = {};
        for (int k = 0; k < parts; ++k) {
            double const variance = noise / d * parts / targets * (k % 2 ? louder : 1), mean = std::sqrt(signal / d);
            std::normal_distribution<double> of(mean, std::sqrt(variance));
            double square = 0;
            for (auto& x : whole) {
                double const g = of(engine);
                x += g / parts, square += g * g;
            }
            small += square / parts, by_source[k % 2] += square / (parts / 2);
        }
        double big = 0;
        for (double x : whole) big += x * x;
        rows.insert(rows.end(), {static_cast<double>(n + 1), small, big, static_cast<double>(parts), targets, by_source[0], by_source[1]});
    }
    return rows;
}
mt::loss_record seen(std::vector<double> const& rows) { return {.sources = 2, .noise = rows}; }

}  // namespace

BOOST_AUTO_TEST_SUITE(noise_scale)

BOOST_AUTO_TEST_CASE(finds_what_the_gradients_were_drawn_with) {
    auto const rows = drawn(4000, 0.5, 3000, 1, 8, 4096);
    auto const s    = mt::noise_scale_of(seen(rows), 4000);
    BOOST_TEST(s.steps == 4000);
    BOOST_TEST(std::abs(s.value() - 6000) < 4 * s.error);  // four standard errors
    BOOST_TEST(s.error < 300);
    BOOST_TEST(std::abs(s.signal - 0.5) < 0.02);
}
BOOST_AUTO_TEST_CASE(its_error_is_that_of_many_runs) {
    auto const rows = drawn(40000, 0.5, 3000, 1, 8, 4096);
    double     squares = 0, errors = 0;
    int const  runs = 200;
    for (int r = 0; r < runs; ++r) {
        std::vector<double> const part(rows.begin() + r * 200 * 7, rows.begin() + (r + 1) * 200 * 7);
        auto const                s = mt::noise_scale_of(seen(part), 200);
        squares += (s.value() - 6000) * (s.value() - 6000), errors += s.error * s.error;
    }
    BOOST_TEST(std::abs(std::sqrt(squares / errors) - 1) < 0.2);  // 200 runs know a deviation to 5 %; the rest is the linear part
}
BOOST_AUTO_TEST_CASE(a_source_with_louder_gradients_has_the_larger_scale_and_their_mean_is_that_of_all) {
    auto const rows = drawn(2000, 0.5, 2000, 3, 8, 4096);
    auto const all  = mt::noise_scale_of(seen(rows), 2000), first = mt::noise_scale_of(seen(rows), 2000, 1), second = mt::noise_scale_of(seen(rows), 2000, 2);
    BOOST_TEST(std::abs(second.value() / first.value() - 3) < 0.05);
    BOOST_TEST(std::abs((first.noise + second.noise) / 2 / all.noise - 1) < 1e-9);  // an identity of sums
}
BOOST_AUTO_TEST_CASE(a_window_sees_the_last_rows_and_nothing_is_known_of_none) {
    auto rows = drawn(50, 0.5, 3000, 1, 8, 4096);
    auto const late = drawn(50, 4, 3000, 1, 8, 4096);
    rows.insert(rows.end(), late.begin(), late.end());
    BOOST_TEST(mt::noise_scale_of(seen(rows), 50).value() == mt::noise_scale_of(seen(late), 50).value());
    BOOST_TEST(!mt::noise_scale_of(mt::loss_record{}, 10).known());
    BOOST_TEST(std::isnan(mt::noise_scale_of(mt::loss_record{}, 10).value()));
}
BOOST_AUTO_TEST_CASE(is_a_constant_expression) {
    static constexpr double row[] = {1, 3, 1, 2, 100};  // |G|^2 = 2 - 3 = -1: the noise hides the signal
    static constexpr double two[] = {1, 3, 2, 2, 100};  // |G|^2 = 1, tr = 100
    static_assert(!mt::noise_scale_of({.noise = row}, 1).known());
    static_assert(mt::noise_scale_of({.noise = two}, 1).value() == 100);
    BOOST_TEST(mt::noise_scale_of({.noise = two}, 1).noise == 100);
}

BOOST_AUTO_TEST_SUITE_END()
