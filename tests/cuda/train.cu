#include <algorithm>
#include <cmath>
#include <vector>
#include <midtrain/exec/cuda/cuda.cuh>
#include <midtrain/exec/host/host.hpp>
#include <midtrain/model/gpt2.hpp>
#include <midtrain/model/llama.hpp>
#include <midtrain/model/trainable.hpp>
#include <midtrain/optim/adamw.hpp>
#include <midtrain/precision/precision.hpp>
#include <support/devices.hpp>
#include <support/small_models.hpp>

namespace mt = midtrain;

namespace {

/// What ten steps of AdamW on one batch leave: the gradient of the first, all losses, and the last weights.
struct outcome {
    std::vector<float>  gradient, weights;
    std::vector<double> loss;
};

template <class Family, class Precision, class Device>
outcome ten_steps(Device& device) {
    mt::trainable<Device, Family, test::small_shape, Precision> m(device, {});
    m.initialise(1);
    m.set_rotary(24, test::plain_rope);
    mt::adamw const optimizer;
    m.prepare(optimizer);
    auto const         owned = test::owned_batch::random(2, 24, 96, 10);
    auto const         b     = owned.view();
    std::vector<float> by_token(48);
    outcome            o;
    for (int step = 1; step <= 10; ++step) {
        m.zero_gradient();
        m.accumulate(b, {by_token.data(), 48});
        double loss = 0;
        for (float x : by_token) loss += x;
        o.loss.push_back(loss / b.target_count);
        if (step == 1) o.gradient = test::downloaded(device, m.gradient());
        mt::step_scalars s;
        s.rate        = 1e-3;
        s.step        = step;
        s.clip_factor = std::min(1.0, 1.0 / (m.gradient_norm() + 1e-6));
        m.apply(optimizer, s);
    }
    o.weights = test::downloaded(device, m.master());
    return o;
}

template <class V>
double distance(V const& a, V const& b) {
    double apart = 0, size = 0;
    for (std::size_t i = 0; i < a.size(); ++i) {
        apart += (double(a[i]) - double(b[i])) * (double(a[i]) - double(b[i]));
        size += double(b[i]) * double(b[i]);
    }
    return std::sqrt(apart / size);
}

/// The gradient, the losses of all ten steps and the last weights are the host's, the latter within tens of tolerances, since ten steps of Adam
/// carry roundings on; the loss falls; and twice the same bits.
template <class Family, class Precision>
void equals_the_host(double tolerance) {
    mt::cuda   gpu;
    mt::host   host(2);
    auto const a = ten_steps<Family, Precision>(gpu), b = ten_steps<Family, Precision>(host), again = ten_steps<Family, Precision>(gpu);
    BOOST_TEST(distance(a.gradient, b.gradient) < tolerance);
    BOOST_TEST(distance(a.loss, b.loss) < tolerance);
    BOOST_TEST(distance(a.weights, b.weights) < 10 * tolerance);
    BOOST_TEST(a.loss.back() < a.loss.front() - 0.05);
    BOOST_TEST((a.weights == again.weights));
}

}  // namespace

BOOST_AUTO_TEST_SUITE(train, *boost::unit_test::precondition(test::has_gpu))

// Float: rounding of sums in another order. bf16 activations: two devices agree to a few roundings to 8 bits.
BOOST_AUTO_TEST_CASE(ten_steps_of_llama_in_float) { equals_the_host<mt::model::llama, mt::fp32>(1e-5); }
BOOST_AUTO_TEST_CASE(ten_steps_of_llama_in_bf16) { equals_the_host<mt::model::llama, mt::bf16_mixed>(2e-2); }
BOOST_AUTO_TEST_CASE(ten_steps_of_gpt2_in_float) { equals_the_host<mt::model::gpt2, mt::fp32>(1e-5); }
BOOST_AUTO_TEST_CASE(ten_steps_of_gpt2_in_bf16) { equals_the_host<mt::model::gpt2, mt::bf16_mixed>(2e-2); }

BOOST_AUTO_TEST_SUITE_END()
