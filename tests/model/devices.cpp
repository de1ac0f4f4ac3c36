#include <boost/test/unit_test.hpp>
#include <algorithm>
#include <cmath>
#include <vector>
#include <midtrain/exec/crowd/crowd.hpp>
#include <midtrain/exec/host/host.hpp>
#include <midtrain/model/gpt2.hpp>
#include <midtrain/model/llama.hpp>
#include <midtrain/model/trainable.hpp>
#include <midtrain/optim/adamw.hpp>
#include <midtrain/precision/precision.hpp>
#include <support/small_models.hpp>

namespace mt = midtrain;

namespace {

/// Gradient, losses and weights after one step of AdamW.
struct outcome {
    std::vector<double> gradient, loss, weights;
};

template <class Family, class Device>
outcome one_step(Device& device, mt::index_t length) {
    mt::trainable<Device, Family, test::small_shape, mt::fp64> m(device, {});
    m.initialise(1);
    m.set_rotary(length, test::plain_rope);
    mt::adamw const optimizer;
    m.prepare(optimizer);
    auto const owned = test::owned_batch::random(2, length, 96, 10);
    outcome    o;
    o.loss.resize(static_cast<std::size_t>(2 * length));
    m.zero_gradient();
    m.accumulate(owned.view(), {o.loss.data(), 2 * length});
    o.gradient.assign(m.gradient().begin(), m.gradient().end());
    mt::step_scalars s;
    s.rate        = 1e-3;
    s.clip_factor = std::min(1.0, 1.0 / m.gradient_norm());
    m.apply(optimizer, s);
    o.weights.assign(m.master().begin(), m.master().end());
    return o;
}

double distance(std::vector<double> const& a, std::vector<double> const& b) {
    double apart = 0, size = 0;
    for (std::size_t i = 0; i < a.size(); ++i) {
        apart += (a[i] - b[i]) * (a[i] - b[i]);
        size += b[i] * b[i];
    }
    return std::sqrt(apart / size);
}

template <class Family>
void crowd_equals_host() {
    mt::host   tuned(2);
    mt::crowd  plain(8);
    auto const a = one_step<Family>(plain, 12), b = one_step<Family>(tuned, 12);
    // Sums of at most a few hundred terms in another order, in double.
    BOOST_TEST(distance(a.gradient, b.gradient) < 1e-12);
    BOOST_TEST(distance(a.loss, b.loss) < 1e-13);
    BOOST_TEST(distance(a.weights, b.weights) < 1e-10);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(devices)

BOOST_AUTO_TEST_CASE(llama_on_a_crowd_equals_the_host) { crowd_equals_host<mt::model::llama>(); }
BOOST_AUTO_TEST_CASE(gpt2_on_a_crowd_equals_the_host) { crowd_equals_host<mt::model::gpt2>(); }

BOOST_AUTO_TEST_CASE(twice_the_same_input_twice_the_same_bits) {
    mt::host   device(2);
    auto const a = one_step<mt::model::llama>(device, 40), b = one_step<mt::model::llama>(device, 40);
    BOOST_TEST((a.weights == b.weights));
}

BOOST_AUTO_TEST_SUITE_END()
