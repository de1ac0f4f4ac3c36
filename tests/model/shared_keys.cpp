#include <boost/test/unit_test.hpp>
#include <span>
#include <string>
#include <type_traits>
#include <vector>
#include <midtrain/exec/crowd/crowd.hpp>
#include <midtrain/model/gpt2.hpp>
#include <midtrain/model/llama.hpp>
#include <midtrain/position/any_distance.hpp>
#include <midtrain/position/dual_chunk.hpp>
#include <midtrain/problem/key_sharing.hpp>
#include <support/far_device.hpp>
#include <support/golden.hpp>
#include <support/model_laws.hpp>
#include <support/naive_sharing.hpp>

namespace mt = midtrain;

namespace {

struct small : mt::decoder_shape {
    static constexpr int    layers = 4, width = 12, heads = 4, kv_heads = 2, head_size = 6, ffn = 10, vocab = 96, context = 64;
    static constexpr double deviation = 0.25;
    static constexpr bool   qk_norm   = true;
};
/// Pairs, each layer with its own norm behind the turning, as in Hunyuan-Large.
struct pairs : small {
    static constexpr mt::norm_when  qk_norm_when = mt::norm_when::after_turning;
    static constexpr mt::layer_kind layer(int n) { return {.keys_from = mt::keys_of_group(2, n), .taken = mt::key_form::projected}; }
};
/// Three layers read what the second keeps, as in Apple's.
struct last : small {
    static constexpr int            layers = 5;
    static constexpr mt::layer_kind layer(int n) { return {.keys_from = mt::keys_of_last(1, n)}; }
};
/// Windows, and of every fourth layer, which has none, each second reads the one before, as in Yi-Lightning.
struct blocks : small {
    static constexpr int            layers = 8;
    static constexpr bool           qk_norm = false;
    static constexpr mt::layer_kind layer(int n) { return {.window = mt::window_but_every(4, n, 5), .keys_from = n % 8 == 7 ? n - 4 : -1}; }
};
/// Two lenders at once, in both forms, with windows that differ, and layers that turn nothing.
struct crossed : small {
    static constexpr int            layers = 7;
    static constexpr mt::layer_kind layer(int n) {
        switch (n) {
            case 2: return {.window = 4, .keys_from = 0};
            case 3: return {.how = mt::positions::none, .keys_from = 1, .taken = mt::key_form::projected};
            case 4: return {.keys_from = 0};
            case 6: return {.keys_from = 5};
            default: return {.window = n == 1 ? 6 : 0};
        }
    }
};
/// What the naive reference does not know: biases, sinks, one norm over all heads.
struct adorned : crossed {
    static constexpr bool          qkv_bias = true, out_bias = true, sinks = true;
    static constexpr mt::norm_over qk_norm_over = mt::norm_over::all;
};

using family = mt::model::llama;

struct answer {
    std::vector<double> logits, gradient;
};

/// Of a batch of two sequences of ten tokens; the second holds two documents.
template <class Device, class Shape>
answer of_model(mt::pass_mode mode) {
    auto device = [] {
        if constexpr (std::is_constructible_v<Device, int>) return Device(2);
        else return Device();
    }();
    mt::trainable<Device, family, Shape, mt::fp64> m(device, {}, mode);
    test::begin(m);
    auto const owned = test::owned_batch::random(2, 10, 96, 4);
    auto const b     = owned.view();
    answer     a{.logits = std::vector<double>(20 * 96), .gradient = {}};
    m.logits(b, mt::as_matrix(a.logits.data(), 20, 96));
    std::vector<double> by_token(20);
    m.zero_gradient();
    m.accumulate(b, {by_token.data(), 20});
    for (auto const& e : m.parameters().entries())
        for (auto const& p : e.parts) {
            auto const g = m.part(mt::row_view<double const>(m.gradient()), e, p);
            a.gradient.insert(a.gradient.end(), g.begin(), g.end());
        }
    return a;
}
template <class Shape>
answer of_equations() {
    test::traced::forget();
    mt::host                                           device(2);
    mt::trainable<mt::host, family, Shape, mt::fp64> m(device, {});
    test::begin(m);
    test::naive_sharing<Shape> naive;
    for (auto const& e : m.parameters().entries())
        for (auto const& p : e.parts)
            for (double w : m.part(mt::row_view<double const>(m.master()), e, p)) naive.weights[p.name].push_back(test::traced::input(w));
    auto const owned = test::owned_batch::random(2, 10, 96, 4);
    auto const slopes = test::traced::slopes(naive.loss(owned.view()));
    answer     a;
    for (auto const& row : naive.logits(owned.view()))
        for (auto const& z : row) a.logits.push_back(z.value);
    for (auto const& e : m.parameters().entries())
        for (auto const& p : e.parts)
            for (auto const& w : naive.weights[p.name]) a.gradient.push_back(w.slope_of(slopes));
    return a;
}

template <class Shape>
void equals_its_equations() {
    auto const want = of_equations<Shape>();
    for (auto mode : {mt::pass_mode::train, mt::pass_mode::recompute})
        for (auto const& got : {of_model<mt::host, Shape>(mode), of_model<mt::crowd, Shape>(mode)}) {
            BOOST_TEST(test::relative(got.logits, want.logits) < 1e-13);
            BOOST_TEST(test::relative(got.gradient, want.gradient) < 1e-12);
        }
}

template <class Shape>
void keeps_the_laws() {
    BOOST_TEST((test::gradient_of<mt::host, family, Shape, mt::fp32>(mt::pass_mode::train, 24) ==
                test::gradient_of<mt::host, family, Shape, mt::fp32>(mt::pass_mode::recompute, 24)));
    BOOST_TEST((test::gradient_of<mt::host, family, Shape, mt::bf16_mixed>(mt::pass_mode::train, 24) ==
                test::gradient_of<mt::host, family, Shape, mt::bf16_mixed>(mt::pass_mode::recompute, 24)));
    BOOST_TEST((test::apart_from_alone<family, Shape>({0, 7, 20}, 30)) < 1e-13);
    for (mt::index_t const prompt : {1, 11}) BOOST_TEST((test::apart_when_decoding<family, Shape>(prompt)) < 1e-12);
}

/// The names of a shape's parameters, and how many values they hold.
template <class Shape>
mt::parameter_layout layout_of() {
    mt::parameter_layout layout;
    family::make(layout, Shape{});
    return layout;
}
bool has(mt::parameter_layout const& layout, std::string const& name) {
    for (auto const& e : layout.entries())
        for (auto const& p : e.parts)
            if (p.name == "model.layers." + name + ".weight") return true;
    return false;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(shared_keys)

BOOST_AUTO_TEST_CASE(equal_their_equations) {
    equals_its_equations<pairs>();
    equals_its_equations<last>();
    equals_its_equations<blocks>();
    equals_its_equations<crossed>();
}
BOOST_AUTO_TEST_CASE(other_devices_have_the_same_numbers) {
    for (auto mode : {mt::pass_mode::train, mt::pass_mode::recompute}) {
        auto const want = of_model<mt::host, adorned>(mode);
        for (auto const& got : {of_model<mt::crowd, adorned>(mode), of_model<test::far_device, adorned>(mode)}) {
            BOOST_TEST(test::relative(got.logits, want.logits) < 1e-13);
            BOOST_TEST(test::relative(got.gradient, want.gradient) < 1e-12);
        }
    }
}
BOOST_AUTO_TEST_CASE(keep_the_laws) {
    keeps_the_laws<pairs>();
    keeps_the_laws<last>();
    keeps_the_laws<blocks>();
    keeps_the_laws<adorned>();
}
BOOST_AUTO_TEST_CASE(equal_finite_differences) {
    BOOST_TEST((test::worst_slope<family, pairs>(mt::pass_mode::train, 24)) < 1e-6);
    BOOST_TEST((test::worst_slope<family, adorned>(mt::pass_mode::recompute, 24)) < 1e-6);
}
BOOST_AUTO_TEST_CASE(learn_a_batch_by_heart) {
    BOOST_TEST((test::loss_by_heart<family, pairs>(24)) < 0.05);
    BOOST_TEST((test::loss_by_heart<family, last>(24)) < 0.05);
}

/// Readers have queries alone, and a norm of keys only where they turn these themselves.
BOOST_AUTO_TEST_CASE(readers_have_no_matrices_of_keys_and_values) {
    auto const p = layout_of<pairs>(), l = layout_of<last>(), none = layout_of<small>();
    for (auto const* part : {"k_proj", "v_proj"}) {
        BOOST_TEST((has(p, std::string("2.self_attn.") + part) && !has(p, std::string("3.self_attn.") + part)));
        BOOST_TEST((has(l, std::string("1.self_attn.") + part) && !has(l, std::string("2.self_attn.") + part)));
    }
    BOOST_TEST((has(p, "3.self_attn.q_proj") && has(p, "3.self_attn.key_layernorm") && has(p, "3.self_attn.query_layernorm")));
    BOOST_TEST((has(l, "2.self_attn.q_proj") && has(l, "2.self_attn.q_norm") && !has(l, "2.self_attn.k_norm")));
    BOOST_TEST(p.count() == none.count() - 2 * 2 * 12 * 12);  // two layers without two matrices of (2 heads of 6, 12)
}

/// Three in five layers of `last` keep nothing, and each second of `pairs` the keys that it has turned itself.
BOOST_AUTO_TEST_CASE(readers_keep_what_they_make) {
    mt::host   device(1);
    auto const kept = [&]<class Shape>(Shape) {
        mt::trainable<mt::host, family, Shape, mt::fp32> m(device, {});
        test::begin(m);
        return m.begin_decoding(10).kept.size();
    };
    BOOST_TEST(kept(last{}) == 2 * 10 * 24);
    BOOST_TEST(kept(pairs{}) == (2 * 24 + 2 * 12) * 10);
    BOOST_TEST(kept(small{}) == 4 * 10 * 24);
}

/// What is lent lies in as few places as are read at once; in training each lender has its own.
BOOST_AUTO_TEST_CASE(room_is_used_again) {
    BOOST_TEST((mt::key_room_of(pairs{}, 24) == mt::key_room{.numbers = 2, .slots = 1, .width = 24}));
    BOOST_TEST((mt::key_room_of(last{}, 24) == mt::key_room{.numbers = 1, .slots = 1, .width = 24}));
    BOOST_TEST((mt::key_room_of(crossed{}, 24) == mt::key_room{.numbers = 3, .slots = 2, .width = 24}));
    BOOST_TEST((mt::key_room_of(small{}, 24) == mt::key_room{.numbers = 0, .slots = 0, .width = 24}));
}

/// The same weights, but another layer's keys and values.
struct nearer : last {
    static constexpr mt::layer_kind layer(int n) { return {.keys_from = n == 4 ? 0 : mt::keys_of_last(1, n)}; }
};
BOOST_AUTO_TEST_CASE(it_matters_whose_they_are) {
    auto const a = of_model<mt::host, nearer>(mt::pass_mode::train), b = of_model<mt::host, last>(mt::pass_mode::train);
    BOOST_TEST(test::relative(a.logits, b.logits) > 1e-2);
}

struct later : small {
    static constexpr mt::layer_kind layer(int n) { return {.keys_from = n == 1 ? 1 : -1}; }
};
struct chained : small {
    static constexpr mt::layer_kind layer(int n) { return {.keys_from = n - 1}; }
};
struct mixed : small {
    static constexpr mt::layer_kind layer(int n) {
        return {.keys_from = mt::keys_of_last(0, n), .taken = n == 3 ? mt::key_form::projected : mt::key_form::turned};
    }
};
struct still : small {
    static constexpr mt::layer_kind layer(int n) {
        return {.how = n == 3 ? mt::positions::none : mt::positions::rotary, .keys_from = mt::keys_of_last(0, n)};
    }
};
struct two_tables : small {
    static constexpr double         window_rope_base = 100;
    static constexpr mt::layer_kind layer(int n) { return {.window = n == 2 ? 5 : 0, .keys_from = n == 2 ? 1 : -1}; }
};
struct whole : last {
    static constexpr bool fused = true, qk_norm = false;
};
struct learned : last {
    static constexpr int kv_heads = 4, head_size = 0;
};

BOOST_AUTO_TEST_CASE(what_makes_no_sense_is_refused) {
    auto const refused = []<class Family, class Shape>(Family, Shape, std::string const& why) {
        mt::parameter_layout layout;
        BOOST_CHECK_EXCEPTION(Family::make(layout, Shape{}), mt::error, [&](mt::error const& e) {
            BOOST_TEST_MESSAGE(e.what());
            return std::string(e.what()).find(why) != std::string::npos;
        });
    };
    refused(family{}, later{}, "layer 1 takes keys and values of layer 1, which is not before it");
    refused(family{}, chained{}, "layer 2 takes keys and values of layer 1, which takes them itself");
    refused(family{}, mixed{}, "layer 3 takes keys and values of layer 0 in another form");
    refused(family{}, still{}, "layer 3 takes keys and values of layer 0, whose keys turn otherwise");
    refused(family{}, two_tables{}, "layer 2 takes keys and values of layer 1, whose keys turn otherwise");
    refused(family{}, whole{}, "no fused projections");
    refused(mt::model::gpt2{}, learned{}, "the layers of a GPT-2 make their own");
}

/// Keys that are turned once cannot be turned again; projected ones can.
BOOST_AUTO_TEST_CASE(distances_are_for_layers_that_turn_themselves) {
    mt::host   device(2);
    auto const owned = test::owned_batch::random(1, 20, 96, 0);
    std::vector<double> logits(20 * 96), plain(logits);
    auto const far = [&]<class Shape>(Shape) {
        mt::trainable<mt::host, family, Shape, mt::fp64> m(device, {});
        test::begin(m);
        m.logits(owned.view(), mt::as_matrix(plain.data(), 20, 96));
        m.set_distance(mt::dual_chunk{.chunk = 8, .local = 2});
        m.logits(owned.view(), mt::as_matrix(logits.data(), 20, 96));
        auto                state = m.begin_decoding(20);
        std::vector<double> last(96);
        m.decode(state, std::span(owned.inputs).first(5), last);
        m.decode(state, std::span(owned.inputs).subspan(5), last);  // one by one
        BOOST_TEST(test::relative(last, std::vector<double>(logits.end() - 96, logits.end())) < 1e-12);
    };
    BOOST_CHECK_THROW(far(last{}), mt::error);
    far(pairs{});
    BOOST_TEST(test::relative(logits, plain) > 1e-3);
    auto const begin = [](std::vector<double> const& v) { return std::vector<double>(v.begin(), v.begin() + 6 * 96); };
    BOOST_TEST(test::relative(begin(logits), begin(plain)) < 1e-12);  // within a chunk tokens stand where they stand
}

BOOST_AUTO_TEST_SUITE_END()
