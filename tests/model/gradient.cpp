#include <boost/test/unit_test.hpp>
#include <algorithm>
#include <cmath>
#include <vector>
#include <midtrain/exec/host/host.hpp>
#include <midtrain/model/gemma.hpp>
#include <midtrain/model/gpt2.hpp>
#include <midtrain/model/llama.hpp>
#include <midtrain/model/nemotron.hpp>
#include <midtrain/model/olmo.hpp>
#include <midtrain/model/trainable.hpp>
#include <midtrain/position/partial.hpp>
#include <midtrain/position/query_temperature.hpp>
#include <midtrain/position/xpos.hpp>
#include <midtrain/precision/precision.hpp>
#include <support/slopes.hpp>
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

/// The worst_slope_error of a model; one that recomputes has the bits of one that does not.
template <class Family, class Shape = test::small_shape, class Rotary = decltype(&test::plain_rope)>
double worst_error(mt::pass_mode mode, Rotary const& rotary = &test::plain_rope) {
    mt::host                                                          device(1);
    mt::trainable<mt::host, Family, Shape, mt::fp64> m(device, {}, mode);
    m.initialise(1);
    m.set_rotary(64, rotary);
    auto const          owned = test::owned_batch::random(2, 24, 96, 10);
    auto const          b     = owned.view();
    std::vector<double> by_token(48);
    m.zero_gradient();
    m.accumulate(b, {by_token.data(), 48});
    std::vector<double> const gradient(m.gradient().begin(), m.gradient().end());
    if (mode == mt::pass_mode::recompute) {
        mt::trainable<mt::host, Family, Shape, mt::fp64> stored(device, {});
        stored.initialise(1);
        stored.set_rotary(64, rotary);
        stored.zero_gradient();
        stored.accumulate(b, {by_token.data(), 48});
        BOOST_TEST(std::equal(gradient.begin(), gradient.end(), stored.gradient().begin()));
    }
    return test::worst_slope_error(m, gradient, 1e-5, [&] { return loss_of(m, b, by_token); });
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

/// OLMo 2: norms behind the branches, one norm of all queries and one of all keys.
struct like_olmo2 : test::small_shape {
    static constexpr int               heads = 5, kv_heads = 5, width = 30;
    static constexpr bool              qk_norm = true, tied = false;
    static constexpr mt::norm_over     qk_norm_over = mt::norm_over::all;
    static constexpr mt::norm_place    norms        = mt::norm_place::after;
};
/// Norms on both sides, gains about one, multipliers everywhere, biases of the MLP, late norms of few keys, sinks, windows that turn otherwise.
struct with_everything : test::small_shape {
    static constexpr int               layers = 3, heads = 6, kv_heads = 2, head_size = 6, width = 30;
    static constexpr bool              qk_norm = true, sinks = true, mlp_bias = true, depth_scaled = false;
    static constexpr mt::norm_when     qk_norm_when = mt::norm_when::after_turning;
    static constexpr mt::norm_place    norms        = mt::norm_place::both;
    static constexpr mt::norm_gain     gains        = mt::norm_gain::one_plus;
    static constexpr double            embedding_multiplier = 3, residual_multiplier = 0.4, logits_multiplier = 0.7, attention_multiplier = 0.3;
    static constexpr double            window_rope_base = 100;
    static constexpr mt::layer_kind    layer(int n) { return {.window = mt::window_but_every(3, n, 5)}; }
};
/// The same with one norm of all queries, over more columns than those of all keys, behind the turning.
struct norms_of_unlike_widths : with_everything {
    static constexpr mt::norm_over     qk_norm_over = mt::norm_over::all;
    static constexpr bool              tied = false;
};
struct small_nemotron : mt::model::nemotron_shape {
    static constexpr int    layers = 2, width = 30, heads = 5, kv_heads = 1, ffn = 40, vocab = 96, context = 64;
    static constexpr double deviation = 0.1;
    static constexpr bool   mlp_bias = true;
};
struct small_olmo : mt::model::olmo_shape {
    static constexpr int    layers = 2, width = 30, heads = 5, kv_heads = 5, ffn = 40, vocab = 96, context = 64;
    static constexpr double deviation = 0.1;
};
struct small_gemma : mt::model::gemma_shape {
    static constexpr int    layers = 2, width = 30, heads = 3, kv_heads = 1, head_size = 12, ffn = 40, vocab = 96, context = 64;
    static constexpr double deviation = 0.1, embedding_multiplier = 5.4, attention_cap = 2, logits_cap = 0.7;
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
BOOST_AUTO_TEST_CASE(forms_of_the_residual_stream_equal_finite_differences) {
    BOOST_TEST((worst_error<mt::model::llama, like_olmo2>(mt::pass_mode::recompute)) < 1e-6);
    BOOST_TEST((worst_error<mt::model::llama, with_everything>(mt::pass_mode::recompute)) < 1e-6);
    BOOST_TEST((worst_error<mt::model::llama, norms_of_unlike_widths>(mt::pass_mode::recompute)) < 1e-6);
}
BOOST_AUTO_TEST_CASE(dense_families_equal_finite_differences) {
    mt::partial<mt::rope> const half{.share = 0.67, .policy = {.base = 1e4, .length = 64}};
    BOOST_TEST((worst_error<mt::model::nemotron, small_nemotron>(mt::pass_mode::recompute, half)) < 1e-6);
    BOOST_TEST((worst_error<mt::model::olmo, small_olmo>(mt::pass_mode::recompute)) < 1e-6);
    BOOST_TEST((worst_error<mt::model::gemma, small_gemma>(mt::pass_mode::recompute)) < 1e-6);
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
