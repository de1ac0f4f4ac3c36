#include <boost/test/unit_test.hpp>
#include <string>
#include <midtrain/exec/crowd/crowd.hpp>
#include <midtrain/exec/host/host.hpp>
#include <midtrain/io/hf_shape.hpp>
#include <midtrain/model/mamba2.hpp>
#include <midtrain/model/trainable.hpp>
#include <midtrain/precision/precision.hpp>
#include <support/golden.hpp>
#include <support/model_laws.hpp>
#include <support/small_models.hpp>

namespace mt = midtrain;

namespace {

/// Uneven: more states than a block has, heads of five channels, three to a group, fewer taps than a power of two.
struct small_mamba2 : mt::decoder_shape {
    static constexpr int             layers = 2, width = 14, vocab = 96, context = 64;
    static constexpr double          deviation = 0.2;
    static constexpr mt::state_shape state{.states = 19, .taps = 3, .inner = 30, .heads = 2, .rates = 6, .step_least = 0.05, .step_most = 1.0};
};
/// With all that it may have; one group.
struct full_mamba2 : small_mamba2 {
    static constexpr bool            tied = false;
    static constexpr mt::state_shape state{.states = 16, .taps = 4, .rates = 7, .bias = true, .convolution_bias = false, .across_documents = true,
                                           .step_least = 0.05, .step_most = 1.0};
};
/// As tests/oracle/tiny_models.py makes it.
struct tiny_mamba2 : mt::decoder_shape {
    static constexpr int             layers = 2, width = 24, vocab = 96, context = 64;
    static constexpr mt::state_shape state{.heads = 2, .rates = 6};
};

struct uneven_mamba2 : small_mamba2 {
    static constexpr mt::state_shape state{.inner = 30, .heads = 4, .rates = 6};
};

using family = mt::model::mamba2;

}  // namespace

BOOST_AUTO_TEST_SUITE(mamba2)

BOOST_AUTO_TEST_CASE(equals_pytorch) { test::equals_pytorch<family, tiny_mamba2>("tiny_mamba2.safetensors"); }
BOOST_AUTO_TEST_CASE(gradients_equal_finite_differences) {
    BOOST_TEST((test::worst_slope<family, small_mamba2>(mt::pass_mode::train, 39)) < 1e-6);
    BOOST_TEST((test::worst_slope<family, full_mamba2>(mt::pass_mode::train, 39)) < 1e-6);
}
BOOST_AUTO_TEST_CASE(recomputation_changes_no_bit_and_a_crowd_no_number) {
    BOOST_TEST((test::gradient_of<mt::host, family, small_mamba2, mt::fp32>(mt::pass_mode::train, 39) ==
                test::gradient_of<mt::host, family, small_mamba2, mt::fp32>(mt::pass_mode::recompute, 39)));
    auto const by_host = test::gradient_of<mt::host, family, small_mamba2, mt::fp64>(mt::pass_mode::train, 39);
    BOOST_TEST((test::gradient_of<mt::host, family, small_mamba2, mt::fp64>(mt::pass_mode::recompute, 39) == by_host));
    BOOST_TEST(test::relative(test::gradient_of<mt::crowd, family, small_mamba2, mt::fp64>(mt::pass_mode::train, 39), by_host) < 1e-13);
}
BOOST_AUTO_TEST_CASE(documents_of_one_row_are_as_alone) {
    BOOST_TEST((test::apart_from_alone<family, small_mamba2>({0, 3, 4, 35}, 41)) < 1e-12);
    BOOST_TEST((test::apart_from_alone<family, full_mamba2>({0, 3, 4, 35}, 41)) > 1e-3);  // runs on, as transformers does
}
BOOST_AUTO_TEST_CASE(learns_a_batch_by_heart) { BOOST_TEST((test::loss_by_heart<family, small_mamba2>(20)) < 0.1); }
BOOST_AUTO_TEST_CASE(generating_goes_on_from_the_state) {
    BOOST_TEST((test::apart_when_decoding<family, small_mamba2>(37)) < 1e-12);
    BOOST_TEST((test::apart_when_decoding<family, full_mamba2>(2)) < 1e-12);
}
BOOST_AUTO_TEST_CASE(heads_divide_channels_and_groups_heads) {
    mt::parameter_layout layout;
    BOOST_CHECK_EXCEPTION(family::make(layout, uneven_mamba2{}), mt::error,
                          [](mt::error const& e) { return std::string(e.what()).find("'rates', its heads, divides its channels") != std::string::npos; });
}

// As by gpt2, mamba and zamba.
BOOST_AUTO_TEST_CASE(modules_that_predict_further_on_are_refused) {
    auto ahead      = mt::io::hf_config{};
    ahead.layers    = 1, ahead.width = 14, ahead.vocab = 96, ahead.state = full_mamba2::state, ahead.state.inner = 28;
    ahead.mtp.depth = 1;
    mt::parameter_layout layout;
    BOOST_CHECK_EXCEPTION(family::make(layout, ahead), mt::error,
                          [](mt::error const& e) { return std::string(e.what()).find("this family has none") != std::string::npos; });
}

BOOST_AUTO_TEST_SUITE_END()
