#include <boost/test/unit_test.hpp>
#include <algorithm>
#include <cmath>
#include <span>
#include <string>
#include <vector>
#include <midtrain/exec/crowd/crowd.hpp>
#include <midtrain/exec/host/host.hpp>
#include <midtrain/model/gpt2.hpp>
#include <midtrain/model/llama.hpp>
#include <midtrain/model/trainable.hpp>
#include <midtrain/position/rope.hpp>
#include <midtrain/position/xpos.hpp>
#include <midtrain/precision/precision.hpp>
#include <support/small_models.hpp>

namespace mt = midtrain;

namespace {

/// A layer in two turns nothing, and one has a window.
struct mixed_shape : test::small_shape {
    static constexpr int            layers = 3;
    static constexpr mt::layer_kind layer(int n) { return {mt::rotary_but_every(2, n), n == 2 ? 9 : 0}; }
};

template <class Device, class Shape = test::small_shape>
using model = mt::trainable<Device, mt::model::llama, Shape, mt::fp32>;

template <class Model>
std::vector<float> logits_of(Model& m, mt::index_t length) {
    auto const         b = test::owned_batch::random(1, length, 96, 0);
    std::vector<float> all(static_cast<std::size_t>(length * 96));
    m.logits(b.view(), mt::as_matrix(all.data(), length, 96));
    return all;
}
double apart(std::span<float const> a, std::span<float const> b) {
    double worst = 0, size = 0;
    for (std::size_t i = 0; i < a.size(); ++i) worst = std::max(worst, double(std::abs(a[i] - b[i]))), size = std::max(size, double(std::abs(b[i])));
    return worst / size;
}

/// The logits after each token, kept keys and values against the whole sequence anew, with a table of no more than the distance reaches.
template <class Device, class Shape>
void decodes_the_whole(mt::any_distance const& d, std::size_t prompt) {
    Device               device(2);
    model<Device, Shape> m(device, {});
    m.initialise(3);
    m.set_rotary(d.reach(60), test::plain_rope);
    m.set_distance(d);
    auto const         b     = test::owned_batch::random(1, 60, 96, 0);
    auto const         whole = logits_of(m, 60);
    std::vector<float> logits(96);
    auto               state = m.begin_decoding(60);
    m.decode(state, std::span(b.inputs).first(prompt), logits);
    for (std::size_t t = prompt; t < 60; ++t) {
        BOOST_TEST(apart(logits, std::span(whole).subspan(96 * (t - 1), 96)) < 2e-5, "token " << t);
        m.decode(state, std::span(b.inputs).subspan(t, 1), logits);
    }
}
template <class F>
bool refused(F const& f, std::string const& part) {
    try {
        f();
    } catch (mt::error const& e) {
        return std::string(e.what()).find(part) != std::string::npos;
    }
    return false;
}

mt::dual_chunk const  dual{.chunk = 12, .local = 4};
mt::self_extend const self{.group = 4, .window = 8};

}  // namespace

BOOST_AUTO_TEST_SUITE(model_at_a_distance)

BOOST_AUTO_TEST_CASE(decoding_equals_the_whole) {
    for (mt::any_distance const& d : {mt::any_distance(dual), mt::any_distance(self)}) {
        decodes_the_whole<mt::host, test::small_shape>(d, 1);
        decodes_the_whole<mt::host, mixed_shape>(d, 23);
        decodes_the_whole<mt::crowd, mixed_shape>(d, 23);
    }
}
BOOST_AUTO_TEST_CASE(a_short_text_reads_as_ever_and_a_long_one_within_the_table) {
    mt::host        device(2);
    model<mt::host> m(device, {});
    m.initialise(3);
    m.set_rotary(60, test::plain_rope);
    auto const short_text = logits_of(m, 8), long_text = logits_of(m, 60);
    for (mt::any_distance const& d : {mt::any_distance(dual), mt::any_distance(self)}) {
        m.set_distance(d);
        BOOST_TEST(apart(logits_of(m, 8), short_text) < 1e-6);
        auto const there = logits_of(m, 60);
        BOOST_TEST(apart(std::span(there).first(8 * 96), std::span(long_text).first(8 * 96)) < 1e-6);
        BOOST_TEST(apart(there, long_text) > 1e-4);
    }
    m.set_distance({});
    BOOST_TEST((logits_of(m, 60) == long_text));
    m.set_rotary(13, test::plain_rope);
    m.set_distance(dual);
    logits_of(m, 60);  // no distance above 12
    m.set_distance(self);
    BOOST_TEST(refused([&] { logits_of(m, 60); }, "a sequence has 60 tokens"));
}
BOOST_AUTO_TEST_CASE(what_makes_no_sense_is_refused) {
    mt::host        device(1);
    model<mt::host> m(device, {});
    m.initialise(3);
    m.set_rotary(60, test::plain_rope);
    m.set_distance(dual);
    auto const         b = test::owned_batch::random(1, 24, 96, 0);
    std::vector<float> loss(24);
    BOOST_TEST(refused([&] { m.accumulate(b.view(), {loss.data(), 24}); }, "are for evaluation"));
    m.evaluate(b.view(), {loss.data(), 24});
    BOOST_TEST(refused([&] { m.set_distance(mt::dual_chunk{.chunk = 4, .local = 4}); }, "chunk > local"));
    m.set_rotary(60, mt::xpos{.base = 1e4, .length = 60});
    BOOST_TEST(refused([&] { m.evaluate(b.view(), {loss.data(), 24}); }, "xpos"));
    mt::trainable<mt::host, mt::model::gpt2, test::small_shape, mt::fp32> g(device, {});
    BOOST_TEST(refused([&] { g.set_distance(self); }, "of rotary positions"));
}

BOOST_AUTO_TEST_SUITE_END()
