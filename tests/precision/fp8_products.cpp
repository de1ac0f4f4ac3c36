// Products in eight bits: bytes and scales are PyTorch's, sums a naive double reference's, on every device.
#include <boost/test/unit_test.hpp>
#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <string>
#include <type_traits>
#include <vector>
#include <midtrain/exec/crowd/crowd.hpp>
#include <midtrain/exec/host/host.hpp>
#include <midtrain/io/safetensors.hpp>
#include <support/fp8_case.hpp>

namespace mt = midtrain;
using mt::model::product_of;

namespace {

using matrix = test::owned_matrix<float>;

mt::io::safetensors const& golden() {
    static mt::io::safetensors const file(MIDTRAIN_SOURCE_DIR "/tests/golden/fp8_products.safetensors");
    return file;
}
matrix read(std::string const& name) {
    auto const& t = golden().at(name);
    matrix      m(t.shape[0], t.shape[1]);
    golden()(name, m.rows, m.columns, m.values);
    return m;
}

/// Values that are not the same, sign of a zero included.
template <class F>
int apart(mt::scaled_matrix<float> const& got, std::string const& name) {
    auto const& bytes  = golden().at(name).bytes;
    auto const  scales = read(name + "_scale");
    BOOST_REQUIRE(got.scales.rows == scales.rows);
    BOOST_REQUIRE(got.scales.columns == scales.columns);
    int n = 0;
    for (mt::index_t i = 0; i < got.values.size(); ++i) {
        F there;
        there.bits     = static_cast<std::uint8_t>(bytes[static_cast<std::size_t>(i)]);
        float const at = got.values.flat()[i];
        n += at != float(there) || std::signbit(at) != std::signbit(float(there));
    }
    for (mt::index_t i = 0; i < scales.rows; ++i)
        for (mt::index_t j = 0; j < scales.columns; ++j) n += got.scales(i, j) != scales(i, j);
    return n;
}

/// The three products of x (tokens, inputs), w (outputs, inputs), dy (tokens, outputs) as problems, answers to `c`.
template <class T>
mt::gemm_problem<T, T, T> problem(product_of what, test::owned_matrix<T> const& x, test::owned_matrix<T> const& w,
                                  test::owned_matrix<T> const& dy, test::owned_matrix<T>& c, bool accumulate = false) {
    using enum mt::operand;
    if (what == product_of::layer) return {x.view(), plain, w.view(), transposed, c.view(), accumulate};
    if (what == product_of::input_gradient) return {dy.view(), plain, w.view(), plain, c.view(), accumulate};
    return {dy.view(), transposed, x.view(), plain, c.view(), accumulate};
}
struct named {
    product_of  what;
    char const* name;
};
constexpr named all[] = {
    {product_of::layer, "layer"}, {product_of::input_gradient, "input_gradient"}, {product_of::weight_gradient, "weight_gradient"}};

template <class Device, mt::fp8_form Form>
void equals_torch(std::string const& form) {
    using F = std::conditional_t<Form.wide_gradients, mt::e5m2, mt::e4m3>;
    Device                                                  device(4);
    test::fp8_bench<Device, mt::with_fp8<mt::fp32, Form>> bench{device};
    auto const                                              x = read("x"), w = read("w"), dy = read("dy");
    for (auto const& [what, name] : all) {
        auto const at = form + "." + name;
        auto       p  = bench.pass();
        namespace d   = mt::model::detail;
        matrix     c(what == product_of::weight_gradient ? w.rows : x.rows, what == product_of::layer ? w.rows : w.columns);
        auto const g = problem(what, x, w, dy, c);
        auto const a = d::quantised(p, g.a, {d::left_of(what), g.a_is == mt::operand::plain, g.a.rows});
        auto const b = d::quantised(p, g.b, {d::right_of(what), g.b_is == mt::operand::transposed, g.b.rows});
        int const  n = what == product_of::layer ? apart<mt::e4m3>(a, at + ".a") : apart<F>(a, at + ".a");
        BOOST_TEST(n + apart<mt::e4m3>(b, at + ".b") == 0, at);
        if (!golden().tensors().contains(at + ".c")) continue;
        // torch's sums of a tile have another order: 128 of the terms' sizes by 2^-24 at most, and as many again for tiles and scales.
        mt::model::multiply(p, what, g);
        for (std::string const& theirs : {at + ".c", at + ".scaled_mm"}) {
            if (!golden().tensors().contains(theirs)) continue;
            auto const want = read(theirs);
            double     worst = 0;
            for (mt::index_t i = 0; i < c.rows; ++i)
                for (mt::index_t j = 0; j < c.columns; ++j) {
                    double terms = 0;
                    for (mt::index_t k = 0; k < g.inner(); ++k) {
                        auto const ar = g.a_is == mt::operand::plain ? i : k, ac = g.a_is == mt::operand::plain ? k : i;
                        auto const br = g.b_is == mt::operand::plain ? k : j, bc = g.b_is == mt::operand::plain ? j : k;
                        terms += std::abs(double(a.values(ar, ac)) * a.scale(ar, ac) * b.values(br, bc) * b.scale(br, bc));
                    }
                    worst = std::max(worst, std::abs(double(c(i, j)) - want(i, j)) / (terms + 1e-30));
                }
            BOOST_TEST(worst < 256 * 0x1p-24, theirs);
        }
    }
}

/// Largest error against the naive reference, in units of the largest value; answers added to ones.
template <class Device, class T, mt::fp8_form Form>
double apart_from_naive(product_of what, mt::index_t tokens, mt::index_t inputs, mt::index_t outputs) {
    using owned = test::owned_matrix<T>;
    using base  = std::conditional_t<std::is_same_v<T, double>, mt::fp64, mt::fp32>;
    Device                                              device(3);
    test::fp8_bench<Device, mt::with_fp8<base, Form>> bench{device};
    auto const x = owned::random(tokens, inputs, 1), w = owned::random(outputs, inputs, 2), dy = owned::random(tokens, outputs, 3);
    owned      c(what == product_of::weight_gradient ? outputs : tokens, what == product_of::layer ? outputs : inputs);
    for (auto& v : c.values) v = 1;
    auto const g = problem(what, x, w, dy, c, true);
    auto       p = bench.pass();
    mt::model::multiply(p, what, g);
    BOOST_TEST(p.memory.used() == 0);

    bool const whole = Form.scaling == mt::fp8_scaling::tensor;
    auto const seen  = [&](owned const& m, mt::index_t high, mt::index_t wide, bool gradient) {
        return test::naive_fp8(m, whole ? m.rows : high, whole ? m.columns : wide, gradient && Form.wide_gradients ? 5 : 4,
                               Form.powers_of_two);
    };
    bool const of_weights = what == product_of::weight_gradient, of_inputs = what == product_of::input_gradient;
    auto const a = of_weights ? seen(dy, 128, 1, true) : of_inputs ? seen(dy, 1, 128, true) : seen(x, 1, 128, false);
    auto const b = of_weights ? seen(x, 128, 1, false) : seen(w, 128, 128, false);
    double     worst = 0, size = 0;
    for (mt::index_t i = 0; i < c.rows; ++i)
        for (mt::index_t j = 0; j < c.columns; ++j) {
            double want = 1;
            for (mt::index_t k = 0; k < g.inner(); ++k)
                want += (of_weights ? a(k, i) : a(i, k)) * (what == product_of::layer ? b(j, k) : b(k, j));
            worst = std::max(worst, std::abs(want - c(i, j))), size = std::max(size, std::abs(want));
        }
    return worst / size;
}

template <class Device, mt::fp8_form Form>
void equals_naive() {
    for (auto const& [what, name] : all)
        for (auto const& [tokens, inputs, outputs] : {std::array<mt::index_t, 3>{130, 150, 140}, {3, 257, 5}, {520, 9, 7}, {1, 1, 1}}) {
            BOOST_TEST((apart_from_naive<Device, double, Form>(what, tokens, inputs, outputs)) < 1e-14, name << " of " << tokens);
            BOOST_TEST((apart_from_naive<Device, float, Form>(what, tokens, inputs, outputs)) < 1e-6, name << " of " << tokens);
        }
}

}  // namespace

BOOST_AUTO_TEST_SUITE(fp8_products)

BOOST_AUTO_TEST_CASE(bytes_and_scales_are_pytorchs) {
    equals_torch<mt::host, mt::scaled_by_tensor>("tensor");
    equals_torch<mt::host, mt::scaled_by_block>("block");
    equals_torch<mt::host, mt::scaled_by_block_ue8m0>("block_ue8m0");
    equals_torch<mt::crowd, mt::scaled_by_tensor>("tensor");
    equals_torch<mt::crowd, mt::scaled_by_block>("block");
    equals_torch<mt::crowd, mt::scaled_by_block_ue8m0>("block_ue8m0");
}
BOOST_AUTO_TEST_CASE(products_are_those_of_the_equations) {
    equals_naive<mt::host, mt::scaled_by_tensor>();
    equals_naive<mt::host, mt::scaled_by_block>();
    equals_naive<mt::host, mt::scaled_by_block_ue8m0>();
    equals_naive<mt::crowd, mt::scaled_by_tensor>();
    equals_naive<mt::crowd, mt::scaled_by_block>();
}
// Whole numbers up to 16 under a largest of 448 are exact, and so is each sum: no order can change a bit.
BOOST_AUTO_TEST_CASE(where_sums_are_exact_devices_agree_to_the_bit) {
    auto const whole = [](mt::index_t rows, mt::index_t columns, std::uint64_t seed) {
        matrix m(rows, columns);
        for (mt::index_t r = 0; r < rows; ++r)
            for (mt::index_t c = 0; c < columns; ++c)
                m(r, c) = r % 128 == c % 128
                              ? 448.0f
                              : static_cast<float>(mt::mix_bits(static_cast<std::uint64_t>(r * columns + c) + (seed << 32)) % 33) - 16;
        return m;
    };
    auto const x = whole(256, 256, 1), w = whole(256, 256, 2);
    auto const made = [&]<class Device>(Device device) {
        test::fp8_bench<Device, mt::with_fp8<mt::fp32, mt::scaled_by_block>> bench{device};
        matrix c(256, 256);
        auto   p = bench.pass();
        mt::model::multiply(p, product_of::layer, problem(product_of::layer, x, w, x, c));
        return c.values;
    };
    auto const host = made(mt::host(2)), crowd = made(mt::crowd(5));
    BOOST_TEST((host == crowd));
    std::vector<float> want;
    for (mt::index_t i = 0; i < 256; ++i)
        for (mt::index_t j = 0; j < 256; ++j) {
            double total = 0;
            for (mt::index_t k = 0; k < 256; ++k) total += double(x(i, k)) * w(j, k);
            want.push_back(static_cast<float>(total));
        }
    BOOST_TEST((host == want));
}
BOOST_AUTO_TEST_CASE(scales_of_zeros_and_of_what_is_no_number) {
    float const infinity = std::numeric_limits<float>::infinity(), none = std::numeric_limits<float>::quiet_NaN();
    auto const  scale = [](float largest, float limit = 448, bool power = false) {
        return mt::op::fp8_scale(mt::op::size_bits(largest), limit, power);
    };
    static_assert(mt::op::fp8_scale(0, 448, false) == 1 && mt::op::fp8_scale(mt::op::size_bits(-448), 448, true) == 1);
    BOOST_TEST(scale(0) == 1);
    BOOST_TEST(std::isnan(scale(infinity)));
    BOOST_TEST(std::isnan(scale(none)));
    BOOST_TEST(scale(-1e-40f) == 0x1p-126f);  // never so small that a quotient has no end
    BOOST_TEST(scale(1e-40f, 57344, true) == 0x1p-126f);
    BOOST_TEST(scale(449, 448, true) == 2);
    BOOST_TEST(scale(std::nextafter(896.0f, 0.0f), 448, true) == 2);
    BOOST_TEST(scale(896, 448, true) == 2);
    BOOST_TEST(scale(3.4e38f) == 3.4e38f / 448);

    // One infinity: no number in all that its tile is multiplied into, and the rest as it was.
    auto       x = matrix::random(2, 256, 1);
    auto const w = matrix::random(3, 256, 2);
    auto const made = [&] {
        mt::host device(1);
        test::fp8_bench<mt::host, mt::with_fp8<mt::fp32, mt::scaled_by_block>> bench{device};
        matrix c(2, 3);
        auto   p = bench.pass();
        mt::model::multiply(p, product_of::layer, problem(product_of::layer, x, w, x, c));
        return c;
    };
    auto const before = made();
    x(1, 200) = infinity;
    auto const after = made();
    for (mt::index_t j = 0; j < 3; ++j) {
        BOOST_TEST(after(0, j) == before(0, j));
        BOOST_TEST(std::isnan(after(1, j)));
    }
}

BOOST_AUTO_TEST_SUITE_END()
