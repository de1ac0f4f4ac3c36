#include <boost/test/unit_test.hpp>
#include <string>
#include <utility>
#include <vector>
#include <laws/layer_law.hpp>
#include <midtrain/model/attention.hpp>
#include <midtrain/model/embedding.hpp>
#include <midtrain/model/head.hpp>
#include <midtrain/model/linear.hpp>
#include <midtrain/model/mlp.hpp>
#include <midtrain/model/norm.hpp>
#include <midtrain/position/alibi.hpp>
#include <midtrain/position/logn.hpp>
#include <midtrain/position/query_temperature.hpp>
#include <midtrain/position/soft_cap.hpp>
#include <support/devices.hpp>

namespace mt = midtrain;
using mt::index_t;

namespace {

constexpr index_t width = 8;

mt::model::linear matrix(mt::parameter_layout& layout, std::string const& name, index_t inputs, index_t outputs, bool biased) {
    std::vector<mt::parameter_part> biases;
    if (biased) biases = {{name + ".bias", 0, outputs}};
    return {layout, 0, inputs, outputs, {{name + ".weight", 0, outputs}}, biases, 0.1};
}

template <class Device, class Modifier = mt::unmodified>
std::string attention_law(index_t heads, index_t kv_heads, mt::layer_kind kind, Modifier const& modifier = {}) {
    Device               device;
    mt::parameter_layout layout;
    index_t const        size = 4;
    auto const           qkv = matrix(layout, "qkv", width, (heads + 2 * kv_heads) * size, false), out = matrix(layout, "out", heads * size, width, false);
    layout.close();
    return laws::layer(device, layout, laws::mapping<mt::model::modified_attention<Modifier>>{{qkv, out, heads, kv_heads, size, kind, {}, modifier}}, width, size / 2);
}

/// A backward with one wrong number: the law must see it.
struct halved : mt::model::linear {
    halved(mt::model::linear l) : linear(std::move(l)) {}

    template <class Pass>
    auto backward(Pass& p, mt::matrix_view<double const> dy) const {
        auto const dx    = linear::backward(p, dy);
        double     first = 0;
        p.device.download(mt::row_view<double const>{dx.data, 1}, &first);
        first *= 0.5;
        p.device.upload(&first, mt::row_view<double>{dx.data, 1});
        return dx;
    }
};
/// A backward that leaves what forward saved.
struct untidy : mt::model::linear {
    untidy(mt::model::linear l) : linear(std::move(l)) {}

    template <class Pass>
    auto forward(Pass& p, mt::matrix_view<double const> x) const {
        p.save(x);
        return linear::forward(p, x);
    }
};

}  // namespace

BOOST_AUTO_TEST_SUITE(laws_of_layers, *boost::unit_test::precondition(test::has_devices))

BOOST_AUTO_TEST_CASE_TEMPLATE(linear, Device, test::devices) {
    for (bool biased : {false, true}) {
        Device               device;
        mt::parameter_layout layout;
        auto const           l = matrix(layout, "linear", width, 5, biased);
        layout.close();
        BOOST_TEST(laws::layer(device, layout, laws::mapping<mt::model::linear>{l}, width) == "");
    }
}
BOOST_AUTO_TEST_CASE_TEMPLATE(rmsnorm, Device, test::devices) {
    Device                   device;
    mt::parameter_layout     layout;
    mt::model::rmsnorm const norm(layout, 0, 40, "norm", 1e-5);  // more than one tile of columns
    layout.close();
    BOOST_TEST(laws::layer(device, layout, laws::beside_residual<mt::model::rmsnorm>{norm}, 40) == "");
}
BOOST_AUTO_TEST_CASE_TEMPLATE(layernorm, Device, test::devices) {
    Device                     device;
    mt::parameter_layout       layout;
    mt::model::layernorm const norm(layout, 0, 40, "norm", 1e-5);
    layout.close();
    BOOST_TEST(laws::layer(device, layout, laws::beside_residual<mt::model::layernorm>{norm}, 40) == "");
}
BOOST_AUTO_TEST_CASE_TEMPLATE(attention, Device, test::devices) {
    for (auto how : {mt::positions::rotary, mt::positions::none}) {
        BOOST_TEST(attention_law<Device>(4, 4, {how}) == "");  // multi-head
        BOOST_TEST(attention_law<Device>(4, 2, {how, 3}) == "");  // grouped queries
        BOOST_TEST(attention_law<Device>(4, 1, {how}) == "");  // multi-query
    }
}
BOOST_AUTO_TEST_CASE_TEMPLATE(attention_of_modified_scores, Device, test::devices) {
    BOOST_TEST(attention_law<Device>(4, 2, {mt::positions::none}, mt::alibi{.heads = 4}) == "");
    BOOST_TEST(attention_law<Device>(4, 2, {}, mt::logn{.trained = 3}) == "");
    BOOST_TEST(attention_law<Device>(4, 2, {mt::positions::none}, mt::query_temperature{.scale = 0.5, .floor_length = 2}) == "");
    BOOST_TEST(attention_law<Device>(4, 2, {mt::positions::rotary, 3}, mt::soft_cap{.cap = 0.05}) == "");
}
BOOST_AUTO_TEST_CASE_TEMPLATE(swiglu, Device, test::devices) {
    Device               device;
    mt::parameter_layout layout;
    auto const           in = matrix(layout, "gate_up", width, 2 * 6, false), out = matrix(layout, "down", 6, width, false);
    layout.close();
    BOOST_TEST(laws::layer(device, layout, laws::mapping<mt::model::swiglu>{{in, out}}, width) == "");
}
BOOST_AUTO_TEST_CASE_TEMPLATE(gelu_mlp, Device, test::devices) {
    Device               device;
    mt::parameter_layout layout;
    auto const           in = matrix(layout, "up", width, 12, true), out = matrix(layout, "down", 12, width, true);
    layout.close();
    BOOST_TEST(laws::layer(device, layout, laws::mapping<mt::model::gelu_mlp>{{in, out}}, width) == "");
}
BOOST_AUTO_TEST_CASE_TEMPLATE(embedding, Device, test::devices) {
    for (index_t positions : {0, 6}) {
        Device                     device;
        mt::parameter_layout       layout;
        mt::model::embedding const in(layout, laws::workbench<Device>::vocabulary, width, "tokens", positions, "positions", 0.1);
        layout.close();
        BOOST_TEST(laws::layer(device, layout, laws::of_tokens<mt::model::embedding>{in}, 0) == "");
    }
}
BOOST_AUTO_TEST_CASE_TEMPLATE(head, Device, test::devices) {
    index_t const vocabulary = laws::workbench<Device>::vocabulary;
    for (double z_loss : {0.0, 0.1})
        for (bool tied : {false, true}) {
            Device               device;
            mt::parameter_layout layout;
            mt::model::head      out;
            if (tied) out = mt::model::head(mt::model::embedding(layout, vocabulary, width, "table", 0, "", 0.1).table());
            else out = mt::model::head(layout, 0, vocabulary, width, "head", 0.1);
            layout.close();
            BOOST_TEST(laws::layer(device, layout, laws::loss_of<mt::model::head>{out, vocabulary}, width, 0, z_loss) == "");
        }
}
BOOST_AUTO_TEST_CASE_TEMPLATE(layers_that_break_it, Device, test::devices) {
    Device               device;
    mt::parameter_layout layout;
    auto const           l = matrix(layout, "linear", width, 5, false);
    layout.close();
    BOOST_TEST(laws::layer(device, layout, laws::mapping<halved>{halved(l)}, width).starts_with("input[0]: gradient "));
    BOOST_CHECK_THROW(laws::layer(device, layout, laws::mapping<untidy>{untidy(l)}, width), mt::error);
}

BOOST_AUTO_TEST_SUITE_END()
