#include <boost/test/unit_test.hpp>
#include <algorithm>
#include <cmath>
#include <string>
#include <vector>
#include <midtrain/exec/crowd/crowd.hpp>
#include <midtrain/exec/host/host.hpp>
#include <midtrain/model/mamba.hpp>
#include <midtrain/model/trainable.hpp>
#include <midtrain/precision/precision.hpp>
#include <support/golden.hpp>
#include <support/slopes.hpp>
#include <support/small_models.hpp>

namespace mt = midtrain;

namespace {

/// Uneven: states in more than one block, an odd number of channels, fewer taps than a power of two.
struct small_mamba : mt::decoder_shape {
    static constexpr int             layers = 2, width = 14, vocab = 96, context = 64;
    static constexpr double          deviation = 0.2;
    static constexpr mt::state_shape state{.states = 19, .taps = 3, .inner = 35, .rank = 3, .step_least = 0.05, .step_most = 1.0};
};
/// With all that it may have.
struct full_mamba : small_mamba {
    static constexpr bool            tied = false;
    static constexpr mt::state_shape state{.states = 16, .taps = 4, .bias = true, .convolution_bias = false, .across_documents = true,
                                           .step_least = 0.05, .step_most = 1.0};
};

/// As tests/oracle/tiny_models.py makes it.
struct tiny_mamba : mt::decoder_shape {
    static constexpr int             layers = 2, width = 24, vocab = 96, context = 64;
    static constexpr mt::state_shape state{.rank = 3};
};

}  // namespace

BOOST_AUTO_TEST_SUITE(mamba)

BOOST_AUTO_TEST_CASE(equals_pytorch) { test::equals_pytorch<mt::model::mamba, tiny_mamba>("tiny_mamba.safetensors"); }

BOOST_AUTO_TEST_CASE(gradients_equal_finite_differences) {
    for (auto mode : {mt::pass_mode::train, mt::pass_mode::recompute}) {
        BOOST_TEST((test::worst_slope<mt::model::mamba, small_mamba>(mode, 39)) < 1e-6);
        BOOST_TEST((test::worst_slope<mt::model::mamba, full_mamba>(mode, 39)) < 1e-6);
    }
}

BOOST_AUTO_TEST_SUITE_END()
