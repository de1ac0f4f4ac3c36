#include <boost/test/unit_test.hpp>
#include <cmath>
#include <midtrain/model/afm.hpp>
#include <midtrain/model/hunyuan_large.hpp>
#include <midtrain/model/yi_lightning.hpp>
#include <midtrain/problem/counting_device.hpp>
#include <support/golden.hpp>
#include <support/model_laws.hpp>

namespace mt = midtrain;

// Families whose layers share keys and values, in small.
namespace {

template <class Common>
struct small : Common {
    static constexpr int    width = 16, heads = 4, kv_heads = 2, ffn = 12, vocab = 96, context = 64;
    static constexpr double deviation = 0.2;
};
struct afm : small<mt::model::afm_shape> {
    static constexpr int            layers = 8;
    static constexpr mt::layer_kind layer(int n) { return {.keys_from = mt::keys_of_last(4, n)}; }
};
struct yi : small<mt::model::yi_lightning_shape> {
    static constexpr int              layers = 8;
    static constexpr mt::layer_kind   layer(int n) { return mt::model::yi_lightning_layer(n, 5); }
    static constexpr mt::expert_shape experts{.count = 4, .chosen = 2, .ffn = 6, .renormalise = true, .naming = mt::expert_naming::qwen};
};
struct hunyuan : small<mt::model::hunyuan_large_shape> {
    static constexpr int              layers = 4;
    static constexpr mt::expert_shape experts{.count = 4, .chosen = 1, .ffn = 6, .shared_ffn = 6, .naming = mt::expert_naming::hunyuan};
};

template <class Family, class Shape>
void keeps_the_laws() {
    BOOST_TEST((test::worst_slope<Family, Shape>(mt::pass_mode::recompute, 12)) < 1e-6);
    BOOST_TEST((test::gradient_of<mt::host, Family, Shape, mt::fp32>(mt::pass_mode::train, 24) ==
                test::gradient_of<mt::host, Family, Shape, mt::fp32>(mt::pass_mode::recompute, 24)));
    BOOST_TEST((test::apart_from_alone<Family, Shape>({0, 7, 20}, 30)) < 1e-12);
    BOOST_TEST((test::apart_when_decoding<Family, Shape>(11)) < 1e-12);
    BOOST_TEST((test::loss_by_heart<Family, Shape>(24)) < 0.1);
}

// The models of tests/oracle/tiny_sharing.py.
struct tiny : mt::decoder_shape {
    static constexpr int           layers = 4, width = 16, heads = 4, kv_heads = 2, head_size = 6, ffn = 12, vocab = 96, context = 64;
    static constexpr bool          qk_norm      = true;
    static constexpr mt::norm_when qk_norm_when = mt::norm_when::after_turning;
};
struct cross_layer : tiny {
    static constexpr mt::layer_kind layer(int n) { return {.keys_from = mt::keys_of_group(2, n), .taken = mt::key_form::projected}; }
};
struct key_reuse : tiny {
    static constexpr mt::layer_kind layer(int n) { return {.keys_from = mt::keys_of_last(1, n)}; }
};

/// Values that are kept of a token while tokens are generated.
template <class Family, class Shape>
mt::index_t kept() {
    mt::counting_device                                           nobody;
    mt::trainable<mt::counting_device, Family, Shape, mt::fp32> m(nobody, {});
    return m.begin_decoding(1).kept.size();
}

}  // namespace

BOOST_AUTO_TEST_SUITE(families_that_share_keys)

BOOST_AUTO_TEST_CASE(apples) { keeps_the_laws<mt::model::afm, afm>(); }
BOOST_AUTO_TEST_CASE(yi_lightning) { keeps_the_laws<mt::model::yi_lightning, yi>(); }
BOOST_AUTO_TEST_CASE(hunyuan_large) { keeps_the_laws<mt::model::hunyuan_large, hunyuan>(); }

BOOST_AUTO_TEST_CASE(equal_pytorch) {
    test::equals_pytorch<mt::model::llama, cross_layer>("tiny_cross_layer.safetensors");
    test::equals_pytorch<mt::model::afm, key_reuse>("tiny_key_reuse.safetensors");
}

/// The published numbers of the model of 2025: 3.11 billion weights, and 37.5 % less kept than if each layer kept its own.
BOOST_AUTO_TEST_CASE(apples_model_is_as_large_as_told) {
    mt::parameter_layout layout;
    mt::model::afm::make(layout, mt::model::afm_3b{});
    BOOST_TEST(std::abs(static_cast<double>(layout.count()) / 3.11e9 - 1) < 1e-3);
    BOOST_TEST((kept<mt::model::afm, mt::model::afm_3b>()) == 56 * 2 * 2 * 128 * 5 / 8);
}
/// Of eight layers the last reads the fourth: it alone keeps nothing.
BOOST_AUTO_TEST_CASE(yi_lightnings_full_layers_keep_one_by_two) { BOOST_TEST((kept<mt::model::yi_lightning, yi>()) == 7 * 2 * 2 * 4); }

BOOST_AUTO_TEST_SUITE_END()
