#include <algorithm>
#include <cmath>
#include <cstring>
#include <span>
#include <vector>
#include <midtrain/exec/cuda/cuda.cuh>
#include <midtrain/exec/host/host.hpp>
#include <midtrain/model/llama.hpp>
#include <midtrain/model/trainable.hpp>
#include <midtrain/optim/adamw.hpp>
#include <midtrain/precision/precision.hpp>
#include <support/small_models.hpp>
#include <cuda/gpu.hpp>

namespace mt = midtrain;

namespace {

/// What ten steps of AdamW on one batch leave: the gradient of the first, all losses, and the last weights.
struct outcome {
    std::vector<float>  gradient, weights;
    std::vector<double> loss;
};

template <class Precision, class Device>
outcome ten_steps(Device& device) {
    mt::trainable<Device, mt::model::llama, test::small_shape, Precision> m(device, {});
    m.initialise(1);
    m.set_rotary(24, test::plain_rope);
    mt::adamw const optimizer;
    m.prepare(optimizer);
    auto const         owned = test::owned_batch::random(2, 24, 96, 10);
    auto const         b     = owned.view();
    std::vector<float> by_token(48);
    outcome            o;
    auto const         read = [&](mt::row_view<float const> v) {
        std::vector<float> host(static_cast<std::size_t>(v.size()));
        device.download(v, host.data());
        return host;
    };
    for (int step = 1; step <= 10; ++step) {
        m.zero_gradient();
        m.accumulate(b, {by_token.data(), 48});
        double loss = 0;
        for (float x : by_token) loss += x;
        o.loss.push_back(loss / b.target_count);
        if (step == 1) o.gradient = read(m.gradient());
        mt::step_scalars s;
        s.rate        = 1e-3;
        s.step        = step;
        s.clip_factor = std::min(1.0, 1.0 / (m.gradient_norm() + 1e-6));
        m.apply(optimizer, s);
    }
    o.weights = read(m.master());
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

template <class Precision>
void equals_the_host(double tolerance) {
    mt::cuda   gpu;
    mt::host   host(2);
    auto const a = ten_steps<Precision>(gpu), b = ten_steps<Precision>(host), again = ten_steps<Precision>(gpu);
    BOOST_TEST(distance(a.gradient, b.gradient) < tolerance);
    BOOST_TEST(distance(a.loss, b.loss) < tolerance);
    BOOST_TEST(distance(a.weights, b.weights) < tolerance);
    BOOST_TEST(a.loss.back() < a.loss.front() - 0.05);
    BOOST_TEST((a.weights == again.weights));
}

}  // namespace

BOOST_AUTO_TEST_SUITE(train, *boost::unit_test::precondition(test::has_gpu))

// Float: rounding of sums in another order, which ten steps of Adam carry on; the same bound as against PyTorch (tests/model/golden.cpp).
BOOST_AUTO_TEST_CASE(a_tiny_llama_in_float_equals_the_host) { equals_the_host<mt::fp32>(1e-4); }
// bf16 activations: two devices agree to a few roundings to 8 bits.
BOOST_AUTO_TEST_CASE(a_tiny_llama_in_bf16_equals_the_host) { equals_the_host<mt::bf16_mixed>(2e-2); }

BOOST_AUTO_TEST_CASE(a_state_goes_to_another_model) {
    mt::cuda device;
    mt::trainable<mt::cuda, mt::model::llama, test::small_shape, mt::fp32> a(device, {}), b(device, {});
    a.initialise(1), b.initialise(2);
    a.prepare(mt::adamw{}), b.prepare(mt::adamw{});
    auto const from = a.state_buffers(), to = b.state_buffers();
    for (std::size_t i = 0; i < from.size(); ++i) std::memcpy(to[i].bytes.data(), from[i].bytes.data(), from[i].bytes.size());
    b.take_state();
    for (auto const& e : a.parameters().entries())
        BOOST_TEST((a.part(mt::row_view<float const>(a.master()), e, e.parts[0]) == b.part(mt::row_view<float const>(b.master()), e, e.parts[0])));
}

BOOST_AUTO_TEST_SUITE_END()
