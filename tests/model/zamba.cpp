#include <boost/test/unit_test.hpp>
#include <midtrain/exec/crowd/crowd.hpp>
#include <midtrain/exec/host/host.hpp>
#include <midtrain/model/zamba.hpp>
#include <midtrain/precision/precision.hpp>
#include <support/golden.hpp>
#include <support/model_laws.hpp>

namespace mt = midtrain;

namespace {

/// Heads of odd size that share keys, a state space of three heads, and the shared block in layers 1 and 3.
struct small_zamba : mt::decoder_shape {
    static constexpr int             layers = 4, width = 14, heads = 3, kv_heads = 1, head_size = 5, ffn = 11, vocab = 96, context = 64;
    static constexpr double          deviation = 0.2;
    static constexpr mt::state_shape state{.states = 5, .taps = 4, .inner = 27, .rank = 2, .heads = 3, .step_least = 0.05, .step_most = 1.0};
    static constexpr bool            hybrid(int n) { return n % 2 == 1; }
};
/// As tests/oracle/tiny_models.py makes it.
struct tiny_zamba : mt::decoder_shape {
    static constexpr int             layers = 4, width = 16, heads = 3, kv_heads = 3, head_size = 10, ffn = 24, vocab = 96, context = 64;
    static constexpr mt::state_shape state{.states = 8, .rank = 2, .heads = 2};
    static constexpr bool            hybrid(int n) { return n % 2 == 1; }
};

}  // namespace

BOOST_AUTO_TEST_SUITE(zamba)

BOOST_AUTO_TEST_CASE(equals_pytorch) { test::equals_pytorch<mt::model::zamba, tiny_zamba>("tiny_zamba.safetensors"); }
BOOST_AUTO_TEST_CASE(gradients_equal_finite_differences) {
    BOOST_TEST((test::worst_slope<mt::model::zamba, small_zamba>(mt::pass_mode::train, 35)) < 1e-6);
}
BOOST_AUTO_TEST_CASE(recomputation_changes_no_bit_and_a_crowd_no_number) {
    BOOST_TEST((test::gradient_of<mt::host, mt::model::zamba, small_zamba, mt::fp32>(mt::pass_mode::train, 35) ==
                test::gradient_of<mt::host, mt::model::zamba, small_zamba, mt::fp32>(mt::pass_mode::recompute, 35)));
    auto const by_host = test::gradient_of<mt::host, mt::model::zamba, small_zamba, mt::fp64>(mt::pass_mode::train, 35);
    BOOST_TEST(test::relative(test::gradient_of<mt::crowd, mt::model::zamba, small_zamba, mt::fp64>(mt::pass_mode::train, 35), by_host) < 1e-13);
}
BOOST_AUTO_TEST_CASE(documents_of_one_row_are_as_alone) { BOOST_TEST((test::apart_from_alone<mt::model::zamba, small_zamba>({0, 3, 4, 35}, 41)) < 1e-12); }
BOOST_AUTO_TEST_CASE(learns_a_batch_by_heart) { BOOST_TEST((test::loss_by_heart<mt::model::zamba, small_zamba>(20)) < 0.1); }
BOOST_AUTO_TEST_CASE(generating_goes_on_from_states_keys_and_values) { BOOST_TEST((test::apart_when_decoding<mt::model::zamba, small_zamba>(5)) < 1e-12); }
BOOST_AUTO_TEST_CASE(layers_of_the_published_model) {
    std::vector<int> hybrid;
    for (int n = 0; n < 76; ++n)
        if (mt::model::zamba_hybrid(n)) hybrid.push_back(n);
    BOOST_TEST(hybrid == (std::vector<int>{2, 7, 13, 19, 25, 31, 37, 43, 49, 55, 61, 67, 73}));
}

BOOST_AUTO_TEST_SUITE_END()
