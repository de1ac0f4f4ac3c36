#include <boost/test/unit_test.hpp>
#include <algorithm>
#include <cmath>
#include <cstring>
#include <vector>
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

template <class Family, class Device>
using model = mt::trainable<Device, Family, test::small_shape, mt::fp64>;

template <class Family, class Device>
void prepare(model<Family, Device>& m, std::uint64_t seed) {
    m.initialise(seed);
    m.set_rotary(20, test::plain_rope);
    m.prepare(mt::adamw{});
}

/// Two steps of AdamW, of batches that differ in form and in tokens, and the logits after; all that the host can see of them.
template <class Family, class Device>
std::vector<double> two_steps(model<Family, Device>& m) {
    std::vector<double> seen, loss(40);
    for (int step = 1; step <= 2; ++step) {
        auto const owned = test::owned_batch::random(2, step == 1 ? 12 : 20, step == 1 ? 5 : 96, 10);
        auto const b     = owned.view();
        m.zero_gradient();
        m.accumulate(b, {loss.data(), b.count()});
        seen.insert(seen.end(), loss.begin(), loss.begin() + b.count());
        mt::step_scalars s;
        s.rate        = 1e-3;
        s.step        = step;
        s.clip_factor = std::min(1.0, 1.0 / m.gradient_norm());
        m.apply(mt::adamw{}, s);
    }
    auto const owned = test::owned_batch::random(2, 20, 96, 10);
    m.evaluate(owned.view(), {loss.data(), 40});
    seen.insert(seen.end(), loss.begin(), loss.end());
    std::vector<double> logits(40 * 96);
    m.logits(owned.view(), mt::as_matrix(logits.data(), 40, 96));
    seen.insert(seen.end(), logits.begin(), logits.end());
    auto const weights = test::downloaded(m.device(), m.master());
    seen.insert(seen.end(), weights.begin(), weights.end());
    return seen;
}

template <class Family, class Device>
std::vector<double> trained(mt::pass_mode mode) {
    Device                device;
    model<Family, Device> m(device, {}, mode);
    prepare<Family>(m, 1);
    return two_steps<Family>(m);
}

/// Sums of at most a few hundred terms in another order, in double, through two steps of Adam; and twice the same bits.
template <class Family, class Device>
void equals_the_host(mt::pass_mode mode) {
    auto const x = trained<Family, Device>(mode), y = trained<Family, mt::host>(mode);
    BOOST_REQUIRE(x.size() == y.size());
    for (std::size_t i = 0; i < x.size(); ++i) BOOST_REQUIRE_SMALL(x[i] - y[i], 1e-8);
    BOOST_TEST((x == trained<Family, Device>(mode)));
}

}  // namespace

BOOST_AUTO_TEST_SUITE(devices, *boost::unit_test::precondition(test::has_devices))

BOOST_AUTO_TEST_CASE_TEMPLATE(llama_trains_as_on_the_host, Device, test::devices) { equals_the_host<mt::model::llama, Device>(mt::pass_mode::train); }
BOOST_AUTO_TEST_CASE_TEMPLATE(gpt2_trains_as_on_the_host, Device, test::devices) { equals_the_host<mt::model::gpt2, Device>(mt::pass_mode::train); }
BOOST_AUTO_TEST_CASE_TEMPLATE(llama_recomputes_there_too, Device, test::devices) {
    equals_the_host<mt::model::llama, Device>(mt::pass_mode::recompute);
}
BOOST_AUTO_TEST_CASE_TEMPLATE(a_state_goes_to_another_model, Device, test::devices) {
    Device                          device;
    model<mt::model::llama, Device> a(device, {}), b(device, {});
    prepare<mt::model::llama>(a, 1), prepare<mt::model::llama>(b, 2);
    two_steps<mt::model::llama>(a);
    auto const from = a.state_buffers(), to = b.state_buffers();
    for (std::size_t i = 0; i < from.size(); ++i) std::memcpy(to[i].bytes.data(), from[i].bytes.data(), from[i].bytes.size());
    b.take_state();
    BOOST_TEST((two_steps<mt::model::llama>(a) == two_steps<mt::model::llama>(b)));
}

BOOST_AUTO_TEST_SUITE_END()
