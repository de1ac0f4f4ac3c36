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
#include <support/model_laws.hpp>
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
    BOOST_TEST((test::worst_slope<mt::model::mamba, small_mamba>(mt::pass_mode::train, 39)) < 1e-6);
    BOOST_TEST((test::worst_slope<mt::model::mamba, full_mamba>(mt::pass_mode::train, 39)) < 1e-6);
}

BOOST_AUTO_TEST_CASE(recomputation_changes_no_bit_and_a_crowd_no_number) {
    BOOST_TEST((test::gradient_of<mt::host, mt::model::mamba, small_mamba, mt::fp32>(mt::pass_mode::train, 39) ==
                test::gradient_of<mt::host, mt::model::mamba, small_mamba, mt::fp32>(mt::pass_mode::recompute, 39)));
    auto const by_host = test::gradient_of<mt::host, mt::model::mamba, small_mamba, mt::fp64>(mt::pass_mode::train, 39);
    BOOST_TEST((test::gradient_of<mt::host, mt::model::mamba, small_mamba, mt::fp64>(mt::pass_mode::recompute, 39) == by_host));
    BOOST_TEST(test::relative(test::gradient_of<mt::crowd, mt::model::mamba, small_mamba, mt::fp64>(mt::pass_mode::train, 39), by_host) < 1e-13);
}
BOOST_AUTO_TEST_CASE(documents_of_one_row_are_as_alone) {
    BOOST_TEST((test::apart_from_alone<mt::model::mamba, small_mamba>({0, 3, 4, 35}, 41)) < 1e-12);
    BOOST_TEST((test::apart_from_alone<mt::model::mamba, full_mamba>({0, 3, 4, 35}, 41)) > 1e-3);  // runs on, as transformers does
}
BOOST_AUTO_TEST_CASE(learns_a_batch_by_heart) { BOOST_TEST((test::loss_by_heart<mt::model::mamba, small_mamba>(20)) < 0.1); }
BOOST_AUTO_TEST_CASE(generating_goes_on_from_the_state) {
    BOOST_TEST((test::apart_when_decoding<mt::model::mamba, small_mamba>(37)) < 1e-12);
    BOOST_TEST((test::apart_when_decoding<mt::model::mamba, full_mamba>(2)) < 1e-12);
}

BOOST_AUTO_TEST_CASE(fresh_values_are_those_of_the_reference) {
    mt::host                                                         device(1);
    mt::trainable<mt::host, mt::model::mamba, tiny_mamba, mt::fp64> m(device, {});
    m.initialise(3);
    auto const values = [&](std::string const& name) {
        for (auto const& e : m.parameters().entries())
            if (e.name == name) return std::vector<double>(m.master().data + e.offset, m.master().data + e.offset + e.size());
        return std::vector<double>{};
    };
    std::string const at = "backbone.layers.1.mixer.";
    auto const        rates = values(at + "A_log"), biases = values(at + "dt_proj.bias"), skips = values(at + "D"), taps = values(at + "conv1d.weight");
    for (std::size_t i = 0; i < rates.size(); ++i) BOOST_TEST(rates[i] == std::log(1.0 + static_cast<double>(i % 16)));
    for (double s : skips) BOOST_TEST(s == 1);
    double least = 1, most = 0, widest = 0;
    for (double b : biases) least = std::min(least, std::log1p(std::exp(b))), most = std::max(most, std::log1p(std::exp(b)));
    BOOST_TEST((least >= 0.001 && least < 0.003 && most <= 0.1 && most > 0.05));  // of 48 that are log-uniform in 0.001 .. 0.1
    for (double t : taps) widest = std::max(widest, std::abs(t));
    BOOST_TEST((widest <= 0.5 && widest > 0.45));
}
// What the optimizer's decay is for, and that time constants are read unrounded.
BOOST_AUTO_TEST_CASE(time_constants_do_not_decay_and_are_not_rounded) {
    mt::host                                                              device(1);
    mt::trainable<mt::host, mt::model::mamba, small_mamba, mt::bf16_mixed> m(device, {});
    m.initialise(3);
    for (float& w : m.master()) w = float(mt::bf16(w));
    mt::adamw const optimizer{.decay = 0.1};
    auto const      owned = test::owned_batch::random(1, 32, 96, 4);
    std::vector<float> before(32 * 96), after(before.size());
    m.logits(owned.view(), mt::as_matrix(before.data(), 32, 96));
    for (auto const& e : m.parameters().entries()) {
        bool const still = e.name.ends_with("A_log") || e.name.ends_with(".D") || e.name.ends_with("bias") || e.name.find("norm") != e.name.npos;
        BOOST_TEST(optimizer.decay_of(e.role) == (still ? 0.0 : 0.1), e.name);
        if (e.name.ends_with("A_log"))  // by less than half a step of bfloat16
            for (mt::index_t i = 0; i < e.size(); ++i) m.master()[e.offset + i] *= 1.001f;
    }
    m.refresh();
    m.logits(owned.view(), mt::as_matrix(after.data(), 32, 96));
    BOOST_TEST(before != after);
}

BOOST_AUTO_TEST_SUITE_END()
