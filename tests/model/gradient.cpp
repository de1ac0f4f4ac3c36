#include <boost/test/unit_test.hpp>
#include <algorithm>
#include <cmath>
#include <vector>
#include <midtrain/exec/host/host.hpp>
#include <midtrain/model/gpt2.hpp>
#include <midtrain/model/llama.hpp>
#include <midtrain/model/trainable.hpp>
#include <midtrain/position/query_temperature.hpp>
#include <midtrain/position/xpos.hpp>
#include <midtrain/precision/precision.hpp>
#include <support/small_models.hpp>

namespace mt = midtrain;

namespace {

template <class Model>
double loss_of(Model& m, mt::token_batch const& b, std::vector<double>& by_token) {
    m.evaluate(b, {by_token.data(), b.count()});
    double total = 0;
    for (double x : by_token) total += x;
    return total / b.target_count;
}

/// The largest relative error of the gradient against central differences, over three values of every tensor.
template <class Family, class Shape = test::small_shape, class Rotary = decltype(&test::plain_rope)>
double worst_error(mt::pass_mode mode, Rotary const& rotary = &test::plain_rope) {
    mt::host                                                          device(2);
    mt::trainable<mt::host, Family, Shape, mt::fp64> m(device, {}, mode);
    m.initialise(1);
    m.set_rotary(64, rotary);
    auto const          owned = test::owned_batch::random(2, 24, 96, 10);
    auto const          b     = owned.view();
    std::vector<double> by_token(48);
    m.zero_gradient();
    m.accumulate(b, {by_token.data(), 48});
    double worst = 0;
    for (auto const& e : m.parameters().entries())
        for (std::uint64_t k = 0; k < 3; ++k) {
            auto const   i = e.offset + static_cast<mt::index_t>(mt::mix_bits(k * 77 + static_cast<std::uint64_t>(e.offset)) % static_cast<std::uint64_t>(e.size()));
            double const w = m.master()[i], h = 1e-5;
            auto const   at = [&](double x) {
                m.master()[i] = x;
                m.refresh();
                return loss_of(m, b, by_token);
            };
            // Fourth order: its error is far below the tolerance, and rounding is 1e-16 / h.
            double const slope = (8 * (at(w + h) - at(w - h)) - (at(w + 2 * h) - at(w - 2 * h))) / (12 * h);
            at(w);
            worst = std::max(worst, std::abs(slope - m.gradient()[i]) / std::max(1e-3, std::abs(slope)));
        }
    return worst;
}

/// All that Llama's relatives have beside it.
struct relative_of_llama : test::small_shape {
    static constexpr int  head_size = 10, window = 5;
    static constexpr bool qkv_bias = true, out_bias = true, qk_norm = true, tied = false;
};

/// Layers that differ, with scores changed by query.
struct mixed_shape : test::small_shape {
    static constexpr int                   layers = 4;
    static constexpr mt::layer_kind        layer(int n) { return {mt::rotary_but_every(2, n), mt::window_but_every(4, n, 7)}; }
    static constexpr mt::query_temperature scores(int n) { return {.scale = n % 2 == 1 ? 0.7 : 0.0, .floor_length = 4}; }
};

struct faint : test::small_shape {
    static constexpr double deviation = 0.01;
};

}  // namespace

BOOST_AUTO_TEST_SUITE(gradient)

BOOST_AUTO_TEST_CASE(llama_equals_finite_differences) { BOOST_TEST(worst_error<mt::model::llama>(mt::pass_mode::train) < 1e-6); }
BOOST_AUTO_TEST_CASE(llama_recomputed_equals_finite_differences) {
    BOOST_TEST(worst_error<mt::model::llama>(mt::pass_mode::recompute) < 1e-6);
}
BOOST_AUTO_TEST_CASE(its_relatives_equal_finite_differences) {
    BOOST_TEST((worst_error<mt::model::llama, relative_of_llama>(mt::pass_mode::train)) < 1e-6);
    BOOST_TEST((worst_error<mt::model::llama, relative_of_llama>(mt::pass_mode::recompute)) < 1e-6);
}
BOOST_AUTO_TEST_CASE(layers_that_differ_equal_finite_differences) {
    BOOST_TEST((worst_error<mt::model::llama, mixed_shape>(mt::pass_mode::train)) < 1e-6);
    BOOST_TEST((worst_error<mt::model::llama, mixed_shape>(mt::pass_mode::recompute)) < 1e-6);
}
BOOST_AUTO_TEST_CASE(xpos_equals_finite_differences) {
    BOOST_TEST((worst_error<mt::model::llama, test::small_shape>(mt::pass_mode::train, mt::xpos{.base = 1e4, .length = 64, .scale_base = 8})) < 1e-6);
}
BOOST_AUTO_TEST_CASE(gpt2_equals_finite_differences) { BOOST_TEST(worst_error<mt::model::gpt2>(mt::pass_mode::train) < 1e-6); }

BOOST_AUTO_TEST_CASE(recomputation_changes_no_bit_and_saves_memory) {
    mt::host                                                             device(2);
    mt::trainable<mt::host, mt::model::llama, test::small_shape, mt::fp32> kept(device, {}), again(device, {}, mt::pass_mode::recompute);
    auto const         owned = test::owned_batch::random(2, 24, 96, 10);
    std::vector<float> by_token(48);
    for (auto* m : {&kept, &again}) {
        m->initialise(1);
        m->set_rotary(64, test::plain_rope);
        m->zero_gradient();
        m->accumulate(owned.view(), {by_token.data(), 48});
    }
    BOOST_TEST(std::equal(kept.gradient().begin(), kept.gradient().end(), again.gradient().begin()));
    BOOST_TEST(again.activation_bytes() < kept.activation_bytes());
}

BOOST_AUTO_TEST_CASE(untrained_loss_is_the_log_of_the_vocabulary) {
    mt::host                                                             device(1);
    mt::trainable<mt::host, mt::model::gpt2, faint, mt::fp64> m(device, {});
    m.initialise(3);
    auto const          owned = test::owned_batch::random(2, 24, 96, 10);
    std::vector<double> by_token(48);
    BOOST_TEST(std::abs(loss_of(m, owned.view(), by_token) - std::log(96.0)) < 0.05);
}

/// Another number of threads cuts a product elsewhere, and a library may then sum in another order: the same bits for the same
/// threads, the same numbers to rounding for any.
BOOST_AUTO_TEST_CASE(same_threads_same_bits_and_any_threads_same_numbers) {
    std::vector<std::vector<float>> gradients;
    for (int threads : {1, 2, 2, 3}) {
        mt::host                                                             device(threads);
        mt::trainable<mt::host, mt::model::llama, test::small_shape, mt::fp32> m(device, {});
        m.initialise(1);
        m.set_rotary(64, test::plain_rope);
        auto const         owned = test::owned_batch::random(2, 24, 96, 10);
        std::vector<float> by_token(48);
        m.zero_gradient();
        m.accumulate(owned.view(), {by_token.data(), 48});
        gradients.emplace_back(m.gradient().begin(), m.gradient().end());
    }
    BOOST_TEST(gradients[1] == gradients[2]);
    double size = 0;
    for (float g : gradients[0]) size = std::max(size, std::abs(double(g)));
    for (std::size_t t : {1u, 3u})
        for (std::size_t i = 0; i < gradients[0].size(); ++i)
            BOOST_REQUIRE(std::abs(double(gradients[t][i]) - double(gradients[0][i])) < 1e-5 * size);
}

BOOST_AUTO_TEST_SUITE_END()
