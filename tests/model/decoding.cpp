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
#include <midtrain/position/alibi.hpp>
#include <midtrain/position/query_temperature.hpp>
#include <midtrain/position/soft_cap.hpp>
#include <midtrain/position/xpos.hpp>
#include <midtrain/precision/precision.hpp>
#include <support/small_models.hpp>

namespace mt = midtrain;

namespace {

struct windowed_shape : test::small_shape {
    static constexpr int window = 7;
};

/// Layers that differ, and scores that are changed where a layer turns nothing.
struct mixed_shape : test::small_shape {
    static constexpr int                   layers = 4;
    static constexpr mt::layer_kind        layer(int n) { return {mt::rotary_but_every(2, n), mt::window_but_every(4, n, 7)}; }
    static constexpr mt::query_temperature scores(int n) { return {.scale = n % 2 == 1 ? 0.7 : 0.0, .floor_length = 4}; }
};
struct alibi_shape : test::small_shape {
    static constexpr mt::layer_kind layer(int) { return {mt::positions::none}; }
    static constexpr mt::alibi      scores(int) { return {.heads = heads}; }
};
/// One layer reads what the one before projected, and one what the one before keeps.
struct reading_shape : test::small_shape {
    static constexpr int            layers = 4;
    static constexpr mt::layer_kind layer(int n) {
        return {.keys_from = mt::keys_of_group(2, n), .taken = n == 1 ? mt::key_form::projected : mt::key_form::turned};
    }
};
struct capped_shape : test::small_shape {
    static constexpr mt::soft_cap scores(int) { return {.cap = 0.05}; }
};

/// The logits after each token, kept keys and values against the whole sequence anew.
template <class Device, class Family, class Shape, class Rotary = decltype(&test::plain_rope)>
void equals_the_whole(std::size_t prompt, Rotary const& rotary = &test::plain_rope) {
    Device                                           device(2);
    mt::trainable<Device, Family, Shape, mt::fp32> m(device, {});
    m.initialise(3);
    m.set_rotary(40, rotary);
    auto const         b = test::owned_batch::random(1, 40, 96, 0);
    std::vector<float> whole(40 * 96), logits(96);
    m.logits(b.view(), mt::as_matrix(whole.data(), 40, 96));
    auto       state = m.begin_decoding(40);
    auto const text  = std::span<std::int32_t const>(b.inputs);
    auto const equal = [&](std::size_t t) {
        float apart = 0, size = 0;
        for (std::size_t v = 0; v < 96; ++v) apart = std::max(apart, std::abs(logits[v] - whole[96 * t + v])), size = std::max(size, std::abs(logits[v]));
        BOOST_TEST(apart <= 1e-5f * size, "token " << t << ": " << apart << " of " << size);  // sums in another order
    };
    m.decode(state, text.first(prompt), logits);
    equal(prompt - 1);
    for (std::size_t t = prompt; t < 36; ++t) {
        m.decode(state, text.subspan(t, 1), logits);
        equal(t);
    }
    m.decode(state, text.subspan(36), logits);  // four at once
    equal(39);
    BOOST_CHECK_EXCEPTION(m.decode(state, text.first(1), logits), mt::error,
                          [](mt::error const& e) { return std::string(e.what()).find("1 tokens after 40 where there is room for 40") != std::string::npos; });
}

}  // namespace

BOOST_AUTO_TEST_SUITE(decoding)

BOOST_AUTO_TEST_CASE(on_the_host) {
    equals_the_whole<mt::host, mt::model::llama, test::small_shape>(11);
    equals_the_whole<mt::host, mt::model::llama, test::small_shape>(1);
    equals_the_whole<mt::host, mt::model::gpt2, test::small_shape>(11);
}
BOOST_AUTO_TEST_CASE(on_a_crowd) {
    equals_the_whole<mt::crowd, mt::model::llama, test::small_shape>(11);
    equals_the_whole<mt::crowd, mt::model::gpt2, test::small_shape>(1);
}
BOOST_AUTO_TEST_CASE(within_a_window) {
    equals_the_whole<mt::host, mt::model::llama, windowed_shape>(11);
    equals_the_whole<mt::host, mt::model::llama, windowed_shape>(3);
}
BOOST_AUTO_TEST_CASE(with_layers_that_differ_and_scores_that_change) {
    equals_the_whole<mt::host, mt::model::llama, mixed_shape>(11);
    equals_the_whole<mt::host, mt::model::llama, alibi_shape>(11);
    equals_the_whole<mt::host, mt::model::llama, capped_shape>(3);
    equals_the_whole<mt::crowd, mt::model::llama, mixed_shape>(1);
}
BOOST_AUTO_TEST_CASE(where_queries_grow_and_keys_shrink) {
    mt::xpos const policy{.base = 1e4, .length = 40, .scale_base = 8};
    equals_the_whole<mt::host, mt::model::llama, test::small_shape>(11, policy);
    equals_the_whole<mt::crowd, mt::model::llama, test::small_shape>(1, policy);
}
BOOST_AUTO_TEST_CASE(with_keys_of_other_layers) {
    equals_the_whole<mt::host, mt::model::llama, reading_shape>(11);
    equals_the_whole<mt::crowd, mt::model::llama, reading_shape>(1);
}
BOOST_AUTO_TEST_CASE(what_does_not_fit_is_refused) {
    mt::host                                                               device(2);
    mt::trainable<mt::host, mt::model::llama, test::small_shape, mt::fp32> m(device, {});
    m.set_rotary(16, test::plain_rope);
    BOOST_CHECK_THROW(m.begin_decoding(17), mt::error);
    auto               state = m.begin_decoding(16);
    std::vector<float> logits(96);
    std::vector<std::int32_t> const wrong{96};
    BOOST_CHECK_THROW(m.decode(state, wrong, logits), mt::error);
    BOOST_CHECK_THROW(m.decode(state, {}, logits), mt::error);
}

BOOST_AUTO_TEST_SUITE_END()
