// Layers whose products are of eight bits: which operand is what, which layers stay as they are, experts' rows in groups.
#include <boost/test/unit_test.hpp>
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>
#include <midtrain/exec/crowd/crowd.hpp>
#include <midtrain/exec/host/host.hpp>
#include <midtrain/model/deepseek_v3.hpp>
#include <midtrain/model/head.hpp>
#include <midtrain/model/interleaved_linear.hpp>
#include <midtrain/model/linear.hpp>
#include <midtrain/model/linear_by_heads.hpp>
#include <midtrain/model/router.hpp>
#include <midtrain/precision/fp8.hpp>
#include <support/expert_laws.hpp>
#include <support/fp8_case.hpp>
#include <support/lone_layer.hpp>
#include <support/tiny_deepseek_v3.hpp>

namespace mt = midtrain;
using mt::model::product_of;

namespace {

using matrix = test::owned_matrix<double>;

static_assert(mt::Precision<mt::fp8_tensor> && mt::Precision<mt::fp8_block> && mt::Precision<mt::fp8_block_ue8m0>);
static_assert(!mt::pass<mt::host, mt::bf16_mixed>::has_fp8 && mt::pass<mt::host, mt::fp8_block>::has_fp8);

double worst(mt::matrix_view<double const> got, matrix const& want) {
    double apart = 0, size = 0;
    for (mt::index_t i = 0; i < want.rows; ++i)
        for (mt::index_t j = 0; j < want.columns; ++j)
            apart = std::max(apart, std::abs(got(i, j) - want(i, j))), size = std::max(size, std::abs(want(i, j)));
    return apart / size;
}
/// a b, or a^T b, or a b^T.
matrix product(matrix const& a, bool turn_a, matrix const& b, bool turn_b) {
    matrix c(turn_a ? a.columns : a.rows, turn_b ? b.rows : b.columns);
    for (mt::index_t i = 0; i < c.rows; ++i)
        for (mt::index_t j = 0; j < c.columns; ++j)
            for (mt::index_t k = 0; k < (turn_a ? a.rows : a.columns); ++k)
                c(i, j) += (turn_a ? a(k, i) : a(i, k)) * (turn_b ? b(j, k) : b(k, j));
    return c;
}

/// y = Q(x) Q(w)^T + bias, dx = Q(dy) Q(w), dw = Q(dy)^T Q(x): the straight-through rule, with the tiles of each product along its own sum.
template <mt::fp8_form Form>
void is_straight_through() {
    constexpr mt::index_t tokens = 140, inputs = 133, outputs = 150;
    test::lone_layer<mt::with_fp8<mt::fp64, Form>> of;
    mt::model::linear const layer(of.layout, 0, inputs, outputs, {{"w", 0, outputs}}, {{"b", 0, outputs}}, 0.02);
    of.close();
    of.memory.resize(16 << 20);
    auto const x = matrix::random(tokens, inputs, 1), dy = matrix::random(tokens, outputs, 2);
    matrix     w(outputs, inputs);
    for (mt::index_t i = 0; i < outputs; ++i)
        for (mt::index_t j = 0; j < inputs; ++j) w(i, j) = of.weight(of.entry(0), i, j);
    auto p     = of.pass();
    p.products = Form;
    auto const y = layer.forward(p, x.view()), dx = layer.backward(p, dy.view());

    bool const whole = Form.scaling == mt::fp8_scaling::tensor;
    int const  wide  = Form.wide_gradients ? 5 : 4;
    auto const seen  = [&](matrix const& m, mt::index_t high, mt::index_t across, int exponent) {
        return test::naive_fp8(m, whole ? m.rows : high, whole ? m.columns : across, exponent, Form.powers_of_two);
    };
    auto const weights = seen(w, 128, 128, 4);
    auto       want    = product(seen(x, 1, 128, 4), false, weights, true);
    for (mt::index_t i = 0; i < tokens; ++i)
        for (mt::index_t j = 0; j < outputs; ++j) want(i, j) += of.weight(of.entry(1), j, 0);
    BOOST_TEST(worst(y, want) < 1e-14);
    BOOST_TEST(worst(dx, product(seen(dy, 1, 128, wide), false, weights, false)) < 1e-14);
    BOOST_TEST(worst(p.gradient(layer.weight()), product(seen(dy, 128, 1, wide), true, seen(x, 128, 1, 4), false)) < 1e-14);
    // The bias is no product.
    for (mt::index_t j = 0; j < outputs; ++j) {
        double sum = 0;
        for (mt::index_t i = 0; i < tokens; ++i) sum += dy(i, j);
        BOOST_TEST(std::abs(of.gradients[static_cast<std::size_t>(of.entry(1).offset + j)] - sum) < 1e-12);
    }
}

/// Columns of a matrix from `first` on, and rows first, first + step, ...
matrix columns_of(matrix const& m, mt::index_t first, mt::index_t n) {
    matrix some(m.rows, n);
    for (mt::index_t i = 0; i < m.rows; ++i)
        for (mt::index_t j = 0; j < n; ++j) some(i, j) = m(i, first + j);
    return some;
}
matrix rows_of(matrix const& m, mt::index_t first, mt::index_t n, mt::index_t step) {
    matrix some(n, m.columns);
    for (mt::index_t i = 0; i < n; ++i)
        for (mt::index_t j = 0; j < m.columns; ++j) some(i, j) = m(first + i * step, j);
    return some;
}

/// Layers that multiply part by part: part h of y is that of x times that of w, all by the rule above.
struct parts {
    matrix y, dx, dw;
};
parts naive_parts(matrix const& x, matrix const& w, matrix const& dy) {
    auto const seen = [](matrix const& m, int exponent) { return test::naive_fp8(m, m.rows, m.columns, exponent, false); };
    return {product(seen(x, 4), false, seen(w, 4), true), product(seen(dy, 5), false, seen(w, 4), false),
            product(seen(dy, 5), true, seen(x, 4), false)};
}
template <class Layer>
struct bench_of_parts {
    test::lone_layer<mt::with_fp8<mt::fp64, mt::scaled_by_tensor>> of;
    Layer                                                         layer;

    explicit bench_of_parts(auto const& make) : layer(make(of.layout)) { of.close(); }
    auto pass() {
        auto p     = of.pass();
        p.products = mt::scaled_by_tensor;
        return p;
    }
    matrix of_layer(std::vector<double> const& from) {
        auto const& e = of.entry(0);
        matrix      m(e.rows, e.columns);
        std::copy_n(from.begin() + e.offset, e.rows * e.columns, m.values.begin());
        return m;
    }
};

/// Products of rows in groups against those of each group by itself; what stands behind the last group is no number.
template <class Device, mt::fp8_form Form>
void groups_are_products() {
    std::vector<std::int32_t> const begin{0, 5, 5, 140, 400};
    constexpr mt::index_t           rows = 410, groups = 4, inner = 140, outputs = 130;
    mt::row_view<std::int32_t const> const of{begin.data(), groups + 1};
    Device                                                  device(3);
    mt::host                                                host(2);
    test::fp8_bench<Device, mt::with_fp8<mt::fp64, Form>>   bench{device};
    test::fp8_bench<mt::host, mt::with_fp8<mt::fp64, Form>> one{host};
    auto x = matrix::random(rows, inner, 1), dy = matrix::random(rows, outputs, 2);
    for (mt::index_t r = begin.back(); r < rows; ++r) {
        for (mt::index_t c = 0; c < inner; ++c) x(r, c) = std::numeric_limits<double>::quiet_NaN();
        for (mt::index_t c = 0; c < outputs; ++c) dy(r, c) = std::numeric_limits<double>::infinity();
    }
    auto const w = matrix::random(groups * outputs, inner, 3);
    matrix     y(rows, outputs), dx(rows, inner), dw(groups * outputs, inner);
    matrix     y1(rows, outputs), dx1(rows, inner), dw1(groups * outputs, inner);
    for (auto* m : {&dw, &dw1}) std::fill(m->values.begin(), m->values.end(), 1.0);
    using gemm  = mt::gemm_problem<double, double, double>;
    using group = mt::grouped_gemm_problem<double, double, double>;
    auto p = bench.pass();
    mt::model::multiply(p, product_of::layer, group{x.view(), w.view(), mt::operand::transposed, y.view(), of});
    mt::model::multiply(p, product_of::input_gradient, group{dy.view(), w.view(), mt::operand::plain, dx.view(), of});
    mt::model::multiply(p, product_of::weight_gradient,
                        mt::grouped_outer_problem<double, double, double>{dy.view(), x.view(), dw.view(), of});
    auto q = one.pass();
    for (mt::index_t g = 0; g < groups; ++g) {
        mt::index_t const n = begin[g + 1] - begin[g];
        if (n == 0) continue;
        auto const part = [&](matrix const& m) { return m.view().rows_part(begin[g], n); };
        auto const wg = w.view().rows_part(g * outputs, outputs);
        mt::model::multiply(q, product_of::layer, gemm{.a = part(x), .b = wg, .b_is = mt::operand::transposed,
                                                       .c = y1.view().rows_part(begin[g], n)});
        mt::model::multiply(q, product_of::input_gradient, gemm{.a = part(dy), .b = wg, .c = dx1.view().rows_part(begin[g], n)});
        mt::model::multiply(q, product_of::weight_gradient, gemm{.a = part(dy), .a_is = mt::operand::transposed, .b = part(x),
                                                                 .c = dw1.view().rows_part(g * outputs, outputs), .accumulate = true});
    }
    BOOST_TEST(worst(y.view(), y1) < 1e-14);
    BOOST_TEST(worst(dx.view(), dx1) < 1e-14);
    BOOST_TEST(worst(dw.view(), dw1) < 1e-14);
    for (mt::index_t r = begin.back(); r < rows; ++r) BOOST_TEST(y(r, 0) == 0);  // rows of nobody stay as they are
}

/// One scale for the rows of all groups, and one for each group's matrix.
template <class Device>
void groups_share_a_scale() {
    std::vector<std::int32_t> const begin{0, 30, 42};
    constexpr mt::index_t           rows = 50, used = 42, inner = 20, outputs = 17;
    mt::row_view<std::int32_t const> const of{begin.data(), 3};
    Device                                                                  device(3);
    test::fp8_bench<Device, mt::with_fp8<mt::fp64, mt::scaled_by_tensor>> bench{device};
    auto       x = matrix::random(rows, inner, 1), dy = matrix::random(rows, outputs, 2);
    auto const w = matrix::random(2 * outputs, inner, 3);
    for (mt::index_t r = used; r < rows; ++r) x(r, 0) = dy(r, 0) = 1e9;
    matrix y(rows, outputs), dw(2 * outputs, inner);
    auto   p = bench.pass();
    mt::model::multiply(p, product_of::layer, mt::grouped_gemm_problem<double, double, double>{x.view(), w.view(), mt::operand::transposed,
                                                                                              y.view(), of});
    mt::model::multiply(p, product_of::weight_gradient,
                        mt::grouped_outer_problem<double, double, double>{dy.view(), x.view(), dw.view(), of});
    auto const part = [](matrix const& m, mt::index_t first, mt::index_t n) {
        matrix some(n, m.columns);
        std::copy_n(m.values.begin() + first * m.columns, n * m.columns, some.values.begin());
        return some;
    };
    auto const seen_x  = test::naive_fp8(part(x, 0, used), used, inner, 4, false);
    auto const seen_dy = test::naive_fp8(part(dy, 0, used), used, outputs, 5, false);
    for (mt::index_t g = 0; g < 2; ++g) {
        mt::index_t const first = begin[g], n = begin[g + 1] - first;
        auto const        seen_w = test::naive_fp8(part(w, g * outputs, outputs), outputs, inner, 4, false);
        BOOST_TEST(worst(y.view().rows_part(first, n), product(part(seen_x, first, n), false, seen_w, true)) < 1e-14);
        BOOST_TEST(worst(dw.view().rows_part(g * outputs, outputs), product(part(seen_dy, first, n), true, part(seen_x, first, n), false)) <
                   1e-14);
    }
}

}  // namespace

BOOST_AUTO_TEST_SUITE(fp8_layers)

BOOST_AUTO_TEST_CASE(gradients_are_straight_through) {
    is_straight_through<mt::scaled_by_tensor>();
    is_straight_through<mt::scaled_by_block>();
    is_straight_through<mt::scaled_by_block_ue8m0>();
}
BOOST_AUTO_TEST_CASE(layers_of_parts_multiply_each_by_itself) {
    auto const x = matrix::random(9, 15, 1), dy = matrix::random(9, 18, 2);
    {
        bench_of_parts<mt::model::interleaved_linear> b([](auto& layout) {
            return mt::model::interleaved_linear(layout, 0, 15, 18, "w", 0.02);
        });
        auto       p = b.pass();
        auto const y = b.layer.forward(p, x.view()), dx = b.layer.backward(p, dy.view());
        auto const w = b.of_layer(b.of.weights), dw = b.of_layer(b.of.gradients);
        matrix     sum(9, 15);
        for (mt::index_t h = 0; h < 2; ++h) {
            auto const want = naive_parts(x, rows_of(w, h, 9, 2), columns_of(dy, 9 * h, 9));
            BOOST_TEST(worst(y.columns_part(9 * h, 9), want.y) < 1e-14);
            BOOST_TEST(worst(rows_of(dw, h, 9, 2).view(), want.dw) < 1e-14);
            for (std::size_t i = 0; i < sum.values.size(); ++i) sum.values[i] += want.dx.values[i];
        }
        BOOST_TEST(worst(dx, sum) < 1e-14);
    }
    bench_of_parts<mt::model::linear_by_heads> b([](auto& layout) {
        return mt::model::linear_by_heads(layout, 0, 3, 4, 6, {.name = "w", .rows = 18}, {0, 0.02});
    });
    auto       p = b.pass();
    matrix     dx(9, 15);
    auto const y = b.layer.forward(p, x.view());
    b.layer.backward_into(p, dy.view(), dx.view());
    auto const w = b.of_layer(b.of.weights), dw = b.of_layer(b.of.gradients);
    for (mt::index_t h = 0; h < 3; ++h) {  // of a head's five columns four count
        auto const want = naive_parts(columns_of(x, 5 * h, 4), rows_of(w, 6 * h, 6, 1), columns_of(dy, 6 * h, 6));
        BOOST_TEST(worst(y.columns_part(6 * h, 6), want.y) < 1e-14);
        BOOST_TEST(worst(columns_of(dx, 5 * h, 4).view(), want.dx) < 1e-14);
        BOOST_TEST(worst(rows_of(dw, 6 * h, 6, 1).view(), want.dw) < 1e-14);
    }
}
BOOST_AUTO_TEST_CASE(groups_of_rows_are_products_by_themselves) {
    groups_are_products<mt::host, mt::scaled_by_block>();
    groups_are_products<mt::host, mt::scaled_by_block_ue8m0>();
    groups_are_products<mt::crowd, mt::scaled_by_block>();
    groups_share_a_scale<mt::host>();
    groups_share_a_scale<mt::crowd>();
}
BOOST_AUTO_TEST_CASE(a_form_chosen_at_run_time_is_one_of_the_type) {
    using fixed = mt::with_fp8<mt::fp32, mt::scaled_by_block>;
    using late  = mt::with_fp8<mt::fp32, mt::fp8_form{}>;
    auto const gradient = [](auto&& model) {
        model.accumulate();
        return std::vector<float>(model.model.gradient().begin(), model.model.gradient().end());
    };
    using test::routed_model;
    using family = mt::model::deepseek_v3;
    using shape  = test::tiny_deepseek_v3;
    routed_model<mt::host, family, shape, late> chosen;
    auto const                                   plain = gradient(chosen);
    BOOST_TEST((plain == gradient(routed_model<mt::host, family, shape, mt::fp32>())));
    chosen.model.set_products(mt::scaled_by_block);
    auto const in_eight   = gradient(chosen);
    BOOST_TEST((in_eight == gradient(routed_model<mt::host, family, shape, fixed>())));
    BOOST_TEST((in_eight == gradient(routed_model<mt::host, family, shape, fixed>(mt::pass_mode::recompute))));
    BOOST_TEST((in_eight == gradient(routed_model<mt::host, family, shape, fixed>(mt::pass_mode::train, 1))));
    BOOST_TEST((in_eight != plain));
}
BOOST_AUTO_TEST_CASE(head_and_routers_stay_as_they_are) {
    static constexpr mt::expert_shape shape{.count = 8, .chosen = 2, .ffn = 10};
    auto const logits = []<class Precision>(Precision) {
        test::lone_layer<Precision> of;
        mt::model::head const   head(of.layout, 0, 50, 32, "head", 0.1);
        mt::model::router const router(of.layout, 0, "", shape, 32, 0.1, mt::model::expert_names_of(shape.naming));
        of.close();
        std::vector<double> all(6 * 50);
        auto const          owned = test::owned_batch::random(1, 6, 50, 3);
        auto                p = of.pass(owned.view(), mt::pass_mode::evaluate);
        p.products            = mt::products_of<Precision>();
        auto const          x = matrix::random(6, 32, 4);
        head.logits(p, x.view(), mt::as_matrix(all.data(), 6, 50));
        auto const r = router.forward(p, x.view());
        all.insert(all.end(), r.logits.flat().begin(), r.logits.flat().end());
        return all;
    };
    BOOST_TEST((logits(mt::fp64{}) == logits(mt::with_fp8<mt::fp64, mt::scaled_by_tensor>{})));
}

BOOST_AUTO_TEST_SUITE_END()
