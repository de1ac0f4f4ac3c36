// Products of bytes: what a device that multiplies eight bits as they are does, played by a host that has a reference for them.
#include <boost/test/unit_test.hpp>
#include <algorithm>
#include <cmath>
#include <midtrain/exec/host/host.hpp>
#include <midtrain/model/layer_product.hpp>
#include <midtrain/precision/fp8.hpp>
#include <support/fp8_case.hpp>
#include <support/played_block.hpp>

namespace mt = midtrain;
using mt::operand;
using mt::model::product_of;

namespace {

/// Device, that says it multiplies eight bits; counts how often it did.
template <class Device>
struct with_bytes : Device {
    using Device::Device;
    int  products = 0;
    bool multiplies_fp8(mt::fp8_scaling) const { return true; }
    template <class A, class B, class C>
    void run(mt::fp8_gemm_problem<A, B, C> const& p) {
        ++products;
        mt::plain(*this, p);
    }
};

/// One product of a layer, all of whose operands have the sizes m, n, k.
template <mt::fp8_form form, class Device>
test::owned_matrix<float> product(Device& device, product_of what, mt::index_t m, mt::index_t n, mt::index_t k, bool accumulate) {
    auto const a_is = what == product_of::weight_gradient ? operand::transposed : operand::plain;
    auto const b_is = what == product_of::layer ? operand::transposed : operand::plain;
    auto const a = a_is == operand::plain ? test::owned_matrix<float>::random(m, k, 1) : test::owned_matrix<float>::random(k, m, 1);
    auto const b = b_is == operand::plain ? test::owned_matrix<float>::random(k, n, 2) : test::owned_matrix<float>::random(n, k, 2);
    auto       c = test::owned_matrix<float>::random(m, n, 3);
    test::fp8_bench<Device, mt::with_fp8<mt::fp32, form>> of{device};
    auto                                                 p = of.pass();
    mt::model::multiply(p, what, mt::gemm_problem<float, float, float>{a.view(), a_is, b.view(), b_is, c.view(), accumulate});
    return c;
}
/// The same as the emulation but for the order of sums in float, of k values.
template <mt::fp8_form form, class Device>
void equals_emulation() {
    mt::host           host(1);
    with_bytes<Device> bytes;
    for (auto what : {product_of::layer, product_of::input_gradient, product_of::weight_gradient})
        for (bool accumulate : {false, true}) {
            mt::index_t const m = 144, n = 48, k = 176;
            auto const        got = product<form>(bytes, what, m, n, k, accumulate), want = product<form>(host, what, m, n, k, accumulate);
            double            apart = 0, size = 0;
            for (std::size_t i = 0; i < want.values.size(); ++i)
                apart = std::max(apart, double(std::abs(got.values[i] - want.values[i]))),
                size  = std::max(size, double(std::abs(want.values[i])));
            BOOST_TEST(apart < 2e-6 * size);
        }
    BOOST_TEST(bytes.products == 6);
}
constexpr mt::fp8_form by_tensor = {.scaling = mt::fp8_scaling::tensor, .wide_gradients = true};
constexpr mt::fp8_form by_block  = {.scaling = mt::fp8_scaling::block, .powers_of_two = true};

}  // namespace

BOOST_AUTO_TEST_SUITE(fp8_bytes)

BOOST_AUTO_TEST_CASE(one_scale_a_tensor) {
    equals_emulation<by_tensor, mt::host>();
    equals_emulation<by_tensor, test::played_warps>();
}
BOOST_AUTO_TEST_CASE(one_scale_a_tile) {
    equals_emulation<by_block, mt::host>();
    equals_emulation<by_block, test::played_blocks<64>>();
}
// A device that has no way for a size says so by doing what the others do.
BOOST_AUTO_TEST_CASE(other_sizes_are_emulated) {
    mt::host             host(1);
    with_bytes<mt::host> bytes;
    auto const           got = product<by_tensor>(bytes, product_of::layer, 17, 16, 32, false),
               want          = product<by_tensor>(host, product_of::layer, 17, 16, 32, false);
    BOOST_TEST(bytes.products == 0);
    BOOST_TEST(got.values == want.values, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_SUITE_END()
