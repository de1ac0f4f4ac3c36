#include <boost/test/unit_test.hpp>
#include <algorithm>
#include <cmath>
#include <midtrain/exec/crowd/crowd.hpp>
#include <midtrain/model/deepseek_v3.hpp>
#include <support/model_laws.hpp>

namespace mt = midtrain;

namespace {

/// Odd sizes, each another.
struct small : mt::model::deepseek_v3_shape {
    static constexpr int    layers = 2, width = 20, heads = 3, kv_heads = 3, head_size = 4, ffn = 24, vocab = 96, context = 64;
    static constexpr double deviation = 0.15;
    static constexpr mt::latent_shape latent{.query_rank = 8, .rank = 7, .still = 6, .value_size = 5};
    static constexpr mt::expert_shape experts{};  // finite differences do not cross a choice
};
struct direct : small {
    static constexpr bool             qkv_bias = true, out_bias = true;
    static constexpr int              window   = 5;
    static constexpr mt::latent_shape latent{.rank = 5, .still = 3, .value_size = 9, .pairs_side_by_side = false};
};
/// A latent wider than all that heads make of it.
struct wide : small {
    static constexpr mt::latent_shape latent{.rank = 300, .still = 2, .value_size = 2};
};
/// With experts, as the family has them.
struct whole : small {
    static constexpr mt::expert_shape experts{.count = 6, .chosen = 2, .ffn = 10, .shared_ffn = 10, .scores = mt::router_scores::sigmoid,
                                              .renormalise = true, .scale = 2.5, .biased = true, .grouping = mt::expert_groups::best,
                                              .groups = 3, .top_groups = 2, .first_dense = 1};
};

using family = mt::model::deepseek_v3;

template <class A, class B>
double apart(A const& a, B const& b) {
    double most = 0, size = 0;
    for (std::size_t i = 0; i < a.size(); ++i) most = std::max(most, std::abs(double(a[i]) - double(b[i]))), size = std::max(size, std::abs(double(b[i])));
    return most / size;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(latent)

BOOST_AUTO_TEST_CASE(equals_finite_differences) {
    BOOST_TEST((test::worst_slope<family, small>(mt::pass_mode::train, 24)) < 1e-6);
    BOOST_TEST((test::worst_slope<family, direct>(mt::pass_mode::train, 24)) < 1e-6);
}
BOOST_AUTO_TEST_CASE(recomputation_changes_no_bit) {
    BOOST_TEST((test::gradient_of<mt::host, family, whole, mt::fp32>(mt::pass_mode::train, 24) ==
                test::gradient_of<mt::host, family, whole, mt::fp32>(mt::pass_mode::recompute, 24)));
}
/// In double, where rounding moves no choice of an expert: sums run in another order.
BOOST_AUTO_TEST_CASE(crowd_equals_host) {
    for (auto const mode : {mt::pass_mode::train, mt::pass_mode::recompute})
        BOOST_TEST(apart(test::gradient_of<mt::crowd, family, whole, mt::fp64>(mode, 24), test::gradient_of<mt::host, family, whole, mt::fp64>(mode, 24)) < 1e-12);
}
BOOST_AUTO_TEST_CASE(documents_see_nothing_of_each_other) { BOOST_TEST((test::apart_from_alone<family, whole>({0, 7, 20}, 30)) < 1e-13); }
/// Tokens behind the prompt go through the absorbed matrices and a cache of latents, the whole text through keys and values of each head.
BOOST_AUTO_TEST_CASE(absorbed_equals_plain) {
    for (mt::index_t const prompt : {1, 11}) {
        BOOST_TEST((test::apart_when_decoding<family, whole>(prompt)) < 1e-12);
        BOOST_TEST((test::apart_when_decoding<family, direct>(prompt)) < 1e-12);
        BOOST_TEST((test::apart_when_decoding<family, wide>(prompt)) < 1e-12);
    }
}
/// What it is for: the values kept of a token are those of the latent and of the part that turns.
BOOST_AUTO_TEST_CASE(keeps_the_latent_alone) {
    mt::host                                         device(1);
    mt::trainable<mt::host, family, small, mt::fp32> m(device, {});
    test::begin(m);
    BOOST_TEST(m.begin_decoding(10).kept.size() == 2 * 10 * (7 + 4));
}
BOOST_AUTO_TEST_CASE(learns_a_batch_by_heart) { BOOST_TEST((test::loss_by_heart<family, whole>(24)) < 0.01); }

BOOST_AUTO_TEST_SUITE_END()
