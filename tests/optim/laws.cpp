#include <boost/test/unit_test.hpp>
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <string>
#include <vector>
#include <midtrain/exec/crowd/crowd.hpp>
#include <midtrain/exec/host/host.hpp>
#include <midtrain/model/llama.hpp>
#include <midtrain/model/trainable.hpp>
#include <midtrain/optim/any_optimizer.hpp>
#include <support/far_device.hpp>
#include <support/small_models.hpp>
#include <support/some_tensors.hpp>

namespace mt = midtrain;

namespace {

/// No gradient and no decay: no change of any bit. Weights move where there is a gradient. Resumed from weights and slots: the same bits.
template <class Precision, class Device, class Optimizer>
std::string law(Device&& device, Optimizer const& undecayed, Optimizer const& usual) {
    using tensors = test::some_tensors<std::remove_cvref_t<Device>, Optimizer, Precision>;
    tensors    still(device, undecayed), whole(device, usual), stopped(device, usual), resumed(device, usual);
    auto const begin = still.all();
    for (int n = 1; n <= 3; ++n) still.step(n, 1e-2, 0, 0);
    if (still.all() != begin) return "without gradient and decay the weights changed";
    for (int n = 1; n <= 6; ++n) whole.step(n, 1e-2);
    if (whole.all() == begin) return "with a gradient the weights did not change";
    for (int n = 1; n <= 3; ++n) stopped.step(n, 1e-2);
    resumed.resume(stopped);
    for (int n = 4; n <= 6; ++n) resumed.step(n, 1e-2);
    if (resumed.all() != whole.all()) return "resumed, it ends with other bits";
    auto const m = whole.all(), s = whole.stored();
    for (std::size_t i = 0; i < m.size(); ++i)
        if (s[i] != static_cast<double>(typename Precision::stored(static_cast<typename Precision::computed>(m[i]))))
            return "the stored weights are not the rounded ones";
    return "";
}

template <class Precision, class Device>
void all_keep_the_law(Device&& device) {
    using mt::muon_scale;
    BOOST_TEST(law<Precision>(device, mt::muon{.decay = 0, .rest = {.decay = 0}}, mt::muon{.scale = muon_scale::spectral}) == "");
    BOOST_TEST(law<Precision>(device, mt::adafactor{}, mt::adafactor{.beta1 = 0.9, .decay = 0.1}) == "");
    BOOST_TEST(law<Precision>(device, mt::rmsprop{}, mt::rmsprop{.decay = 0.1}) == "");
    BOOST_TEST(law<Precision>(device, mt::rmsprop{.clip = 0}, mt::rmsprop{.clip = 0, .form = mt::momentum_form::sum}) == "");
    BOOST_TEST(law<Precision>(device, mt::lion{.decay = 0}, mt::lion{}) == "");
    using careful = mt::careful<mt::adamw>;
    BOOST_TEST(law<Precision>(device, careful{.of = {.decay = 0}, .mask = true, .clip = 1}, careful{.mask = true, .clip = 0.3}) == "");
    BOOST_TEST(law<Precision>(device, careful{.of = {.decay = 0}}, careful{.decay_along = true}) == "");
}

/// The loss of one batch after so many steps, over that of the first; slots in passing.
template <class Precision, class Device>
double learnt(Device& device, mt::any_optimizer const& o, double rate, int steps) {
    mt::trainable<Device, mt::model::llama, test::small_shape, Precision> m(device, {});
    m.initialise(1);
    m.set_rotary(24, test::plain_rope);
    m.prepare(o);
    BOOST_TEST(m.memory_of(o).slots == m.slots().size());
    auto const                             owned = test::owned_batch::random(2, 24, 96, 10);
    std::vector<typename Precision::computed> loss(48);
    double                                 first = 0, last = 0;
    for (int n = 1; n <= steps; ++n) {
        m.zero_gradient();
        m.accumulate(owned.view(), {loss.data(), 48});
        last = 0;
        for (double const x : loss) last += x;
        if (n == 1) first = last;
        mt::step_scalars s;
        s.rate = rate, s.step = n, s.clip_factor = std::min(1.0, 1 / m.gradient_norm());
        m.apply(o, s);
    }
    return last / first;
}

struct way {
    char const* kind;
    double      rate;
};
constexpr way ways[] = {{"adamw", 1e-2}, {"muon", 1e-2}, {"adafactor", 0.1}, {"rmsprop", 1e-2}, {"lion", 2e-3}, {"sgd", 0.5},
                        {"careful_adamw", 1e-2}, {"careful_lion", 2e-3}};

}  // namespace

BOOST_AUTO_TEST_SUITE(optimizers)

BOOST_AUTO_TEST_CASE(keep_the_law_on_the_host) {
    all_keep_the_law<mt::fp64>(mt::host(2));
    all_keep_the_law<mt::fp32>(mt::host(2));
    all_keep_the_law<mt::bf16_mixed>(mt::host(2));
}
BOOST_AUTO_TEST_CASE(keep_the_law_on_a_crowd) { all_keep_the_law<mt::fp32>(mt::crowd(4)); }

BOOST_AUTO_TEST_CASE(learn_a_batch_by_heart) {
    static_assert(std::size(ways) == mt::any_optimizer::names.size());
    mt::host device(2);
    for (auto const& w : ways) {
        mt::any_optimizer o;
        BOOST_REQUIRE(o.choose(w.kind));
        BOOST_TEST(learnt<mt::fp32>(device, o, w.rate, 200) < 0.05, w.kind);
    }
}
BOOST_AUTO_TEST_CASE(need_no_memory_that_the_host_shares) {
    for (auto const& w : ways) {
        mt::any_optimizer o;
        o.choose(w.kind);
        test::far_device far;
        mt::host         near(1);
        // On the far device and on the host alike, but for the order of sums in products.
        double const a = learnt<mt::fp64>(far, o, w.rate, 4), b = learnt<mt::fp64>(near, o, w.rate, 4);
        BOOST_TEST(std::abs(a - b) < 1e-9 * b, w.kind << " " << a << " " << b);
    }
}

BOOST_AUTO_TEST_CASE(muon_directs_each_part_and_each_head) {
    mt::host device(2);
    // What moves, over the rate, of a part of 9 rows: orthogonal rows as one matrix, or of 3 heads each by itself.
    auto const moved = [&](bool by_head) {
        mt::muon const                     o{.momentum = 0, .scale = mt::muon_scale::spectral, .decay = 0, .by_head = by_head};
        test::some_tensors<mt::host, mt::muon> t(device, o, 3);
        auto const                         was = t.weights("odd");
        t.step(1, 1);
        auto is = t.weights("odd");
        for (std::size_t i = 0; i < is.size(); ++i) is[i] -= was[i];
        return is;
    };
    // Newton-Schulz leaves singular values between 0.67 and 1.21 (Jordan 2024), so (u u^T) is near to one where it ought to be.
    auto const worst = [](std::vector<double> const& u, std::size_t first, std::size_t rows) {
        double far = 0, size = 0;
        for (std::size_t a = first; a < first + rows; ++a)
            for (std::size_t b = first; b < first + rows; ++b) {
                double dot = 0;
                for (std::size_t c = 0; c < 11; ++c) dot += u[a * 11 + c] * u[b * 11 + c];
                if (a == b) size = std::max(size, std::abs(dot - 1));
                else far = std::max(far, std::abs(dot));
            }
        return std::max(size, far);
    };
    auto const whole = moved(false), heads = moved(true);
    BOOST_TEST(worst(whole, 0, 9) < 0.6);
    for (std::size_t h = 0; h < 3; ++h) BOOST_TEST(worst(heads, 3 * h, 3) < 0.6);
    BOOST_TEST(worst(heads, 0, 9) > worst(whole, 0, 9) + 0.1);  // heads that are taken apart need not be orthogonal to each other
    BOOST_TEST_MESSAGE(worst(heads, 0, 9) << " " << worst(whole, 0, 9));
}
BOOST_AUTO_TEST_CASE(muon_keeps_half_of_adamws_memory) {
    mt::host                                            device(1);
    test::some_tensors<mt::host, mt::muon> const        m(device, {});
    test::some_tensors<mt::host, mt::adafactor> const   f(device, {});
    auto const                                          padded = [](int n) { return (n + 15) / 16 * 16; };
    BOOST_TEST(m.slots() == padded(78) + padded(55) + padded(99) + padded(2 * 7) + padded(2 * 60));
    BOOST_TEST(f.slots() == padded(19) + padded(16) + padded(20) + padded(16) + padded(7));
}

BOOST_AUTO_TEST_CASE(blocks_are_clipped_apart) {
    mt::host                               device(2);
    test::some_tensors<mt::host, mt::sgd>  t(device, {});
    t.set_gradient(1, 1, 0);
    auto const norm = [&](std::vector<char const*> names) {
        double s = 0;
        for (auto const* n : names)
            for (double const x : t.gradient(n)) s += x * x;
        return std::sqrt(s);
    };
    double const vector = norm({"vector"}), tall = norm({"tall"}), merged = norm({"wide", "odd"}), table = norm({"table"});
    double const limit = 0.5 * (vector + tall);
    BOOST_REQUIRE((vector < limit && tall > limit && merged > limit && table > limit));
    double const all = t.buffers().clip_blocks(device, t.layout(), t.gradient(), limit);
    BOOST_TEST(norm({"vector"}) == vector);
    for (auto const& names : {std::vector{"tall"}, {"wide", "odd"}, {"table"}}) BOOST_TEST(std::abs(norm(names) - limit) < 1e-5);
    BOOST_TEST(std::abs(all - norm({"vector", "tall", "wide", "odd", "table"})) < 1e-12);
    auto const once = t.gradient("tall");
    t.buffers().clip_blocks(device, t.layout(), t.gradient(), 1e9);
    BOOST_TEST(t.gradient("tall") == once, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_SUITE_END()
