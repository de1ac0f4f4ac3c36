// Weights in bfloat16 without a float copy, rounded by chance.
#include <boost/test/unit_test.hpp>
#include <cmath>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>
#include <midtrain/exec/crowd/crowd.hpp>
#include <midtrain/exec/host/host.hpp>
#include <midtrain/model/llama.hpp>
#include <midtrain/model/trainable.hpp>
#include <midtrain/optim/adamw.hpp>
#include <midtrain/optim/keep_weight.hpp>
#include <midtrain/optim/muon.hpp>
#include <midtrain/optim/sgd.hpp>
#include <support/small_models.hpp>
#include <support/some_tensors.hpp>

namespace mt = midtrain;

namespace {

static_assert(mt::Precision<mt::bf16_by_chance>);

/// Sixteen random bits.
std::uint32_t draw(std::uint64_t n) { return static_cast<std::uint32_t>(mt::random_stream{3, 4}.bits(n) >> 48); }

}  // namespace

BOOST_AUTO_TEST_SUITE(rounding_by_chance)

BOOST_AUTO_TEST_CASE(goes_to_a_neighbour_and_is_right_in_the_mean) {
    for (float const x : {1.003f, -1.003f, 3.14159f, -0.7071f, 1e-30f, 65504.5f, 1e-40f}) {
        double mean = 0, least = 1e300, most = -1e300;
        int    n    = 20'000;
        for (int k = 0; k < n; ++k) {
            double const r = mt::rounded_by_chance(x, draw(static_cast<std::uint64_t>(k)));
            mean += r / n, least = std::min(least, r), most = std::max(most, r);
        }
        double const apart = most - least;
        BOOST_TEST((least <= x && x <= most), x);
        BOOST_TEST(apart <= std::max(std::abs(x) / 127.0, 1e-40));  // neighbours of 8 bits
        BOOST_TEST(std::abs(mean - x) < 4 * apart * 0.5 / std::sqrt(n));  // four deviations of the mean of n throws of a coin
    }
}
BOOST_AUTO_TEST_CASE(what_is_exact_stays) {
    float const infinity = std::numeric_limits<float>::infinity();
    for (float const x : {0.0f, 1.0f, -2.5f, 0.15625f, infinity, -infinity})
        for (std::uint32_t const d : {0u, 1u, 0x8000u, 0xffffu}) BOOST_TEST(float(mt::rounded_by_chance(x, d)) == x);
    BOOST_TEST(std::isnan(float(mt::rounded_by_chance(std::nanf(""), 0xffff))));
    BOOST_TEST(float(mt::rounded_by_chance(3.4e38f, 0xffff)) == infinity);  // as to the nearest
}
BOOST_AUTO_TEST_CASE(small_steps_count) {
    // 4000 steps of 1e-4 downwards from one: to the nearest, none is enough to move it.
    mt::bf16 near(1.0f), chance(1.0f);
    for (std::uint64_t n = 0; n < 4000; ++n) {
        near   = mt::bf16(float(near) - 1e-4f);
        chance = mt::rounded_by_chance(float(chance) - 1e-4f, draw(n));
    }
    BOOST_TEST(float(near) == 1.0f);
    BOOST_TEST(std::abs(float(chance) - 0.6) < 0.1);  // a step's deviation is sqrt(1e-4 * 2^-8) = 6e-4, of 4000 together 0.04
}
BOOST_AUTO_TEST_CASE(depends_on_seed_step_and_index_alone) {
    mt::host                                                             device(2);
    mt::crowd                                                            crowd(4);
    test::some_tensors<mt::host, mt::sgd, mt::bf16_by_chance>  a(device, {}), resumed(device, {});
    test::some_tensors<mt::crowd, mt::sgd, mt::bf16_by_chance> b(crowd, {});
    for (int n = 1; n <= 6; ++n) {
        a.step(n, 1e-3), b.step(n, 1e-3);
        if (n == 3) resumed.resume(a);
        if (n > 3) resumed.step(n, 1e-3);
    }
    BOOST_TEST((a.all() == b.all()));
    BOOST_TEST((a.all() == resumed.all()));
}
BOOST_AUTO_TEST_CASE(a_batch_is_learnt_by_heart_with_half_of_the_weights_memory) {
    using model = mt::trainable<mt::host, mt::model::llama, test::small_shape, mt::bf16_by_chance>;
    static_assert(model::stored_bytes() == 0 && sizeof(model::master_t) == 2);
    mt::host device(2);
    for (bool const as_matrices : {false, true}) {
        model m(device, {});
        m.initialise(1);
        m.set_rotary(24, test::plain_rope);
        mt::adamw const adamw;
        mt::muon const  muon;
        as_matrices ? m.prepare(muon) : m.prepare(adamw);
        auto const         owned = test::owned_batch::random(2, 24, 96, 10);
        std::vector<float> loss(48);
        double             first = 0, last = 0;
        for (int n = 1; n <= 150; ++n) {
            m.zero_gradient();
            m.accumulate(owned.view(), {loss.data(), 48});
            last = 0;
            for (double const x : loss) last += x;
            if (n == 1) first = last;
            mt::step_scalars s;
            s.rate = 5e-3, s.step = n, s.seed = 7;
            as_matrices ? m.apply(muon, s) : m.apply(adamw, s);
        }
        BOOST_TEST(last < 0.05 * first);
    }
}

BOOST_AUTO_TEST_SUITE_END()
