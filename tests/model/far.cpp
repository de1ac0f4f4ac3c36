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
#include <support/far_device.hpp>
#include <support/small_models.hpp>

namespace mt = midtrain;

namespace {

template <class Family, class Device>
using model = mt::trainable<Device, Family, test::small_shape, mt::fp64>;

template <class Family, class Device>
void prepare(model<Family, Device>& m, std::uint64_t seed) {
    m.initialise(seed);
    m.set_rotary(24, test::plain_rope);
    m.prepare(mt::adamw{});
}

/// Two steps of AdamW, of batches that differ in form and in tokens, and the logits after; all that the host can see of them.
template <class Family, class Device>
std::vector<double> two_steps(Device& device, model<Family, Device>& m) {
    std::vector<double> seen, loss(48);
    for (int step = 1; step <= 2; ++step) {
        auto const owned = test::owned_batch::random(2, step == 1 ? 16 : 24, step == 1 ? 5 : 96, 10);
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
    auto const owned = test::owned_batch::random(2, 24, 96, 10);
    m.evaluate(owned.view(), {loss.data(), 48});
    seen.insert(seen.end(), loss.begin(), loss.end());
    std::vector<double> logits(48 * 96), weights(static_cast<std::size_t>(m.master().size()));
    m.logits(owned.view(), mt::as_matrix(logits.data(), 48, 96));
    seen.insert(seen.end(), logits.begin(), logits.end());
    device.download(mt::row_view<double const>(m.master()), weights.data());
    seen.insert(seen.end(), weights.begin(), weights.end());
    return seen;
}

template <class Family>
void trains_far_away(mt::pass_mode mode) {
    test::far_device                far;
    mt::host                        host(1);
    model<Family, test::far_device> a(far, {}, mode);
    model<Family, mt::host>         b(host, {}, mode);
    prepare<Family>(a, 1), prepare<Family>(b, 1);
    auto const x = two_steps<Family>(far, a), y = two_steps<Family>(host, b);
    BOOST_REQUIRE(x.size() == y.size());
    // Sums of at most a few hundred terms in another order, in double, through two steps of Adam.
    for (std::size_t i = 0; i < x.size(); ++i) BOOST_REQUIRE_SMALL(x[i] - y[i], 1e-8);
    BOOST_TEST(far.functors() > 100);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(far)

BOOST_AUTO_TEST_CASE(llama_trains_where_the_host_reads_nothing) { trains_far_away<mt::model::llama>(mt::pass_mode::train); }
BOOST_AUTO_TEST_CASE(gpt2_trains_where_the_host_reads_nothing) { trains_far_away<mt::model::gpt2>(mt::pass_mode::train); }
BOOST_AUTO_TEST_CASE(llama_recomputes_there_too) { trains_far_away<mt::model::llama>(mt::pass_mode::recompute); }

BOOST_AUTO_TEST_CASE(a_state_goes_to_another_model) {
    test::far_device                          far;
    model<mt::model::llama, test::far_device> a(far, {}), b(far, {});
    prepare<mt::model::llama>(a, 1), prepare<mt::model::llama>(b, 2);
    two_steps<mt::model::llama>(far, a);
    auto const from = a.state_buffers(), to = b.state_buffers();
    for (std::size_t i = 0; i < from.size(); ++i) std::memcpy(to[i].bytes.data(), from[i].bytes.data(), from[i].bytes.size());
    b.take_state();
    BOOST_TEST((two_steps<mt::model::llama>(far, a) == two_steps<mt::model::llama>(far, b)));
}

BOOST_AUTO_TEST_SUITE_END()
