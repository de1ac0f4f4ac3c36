#pragma once
#include <cstdint>
#include <midtrain/core/fp8.hpp>
#include <midtrain/model/fp8_product.hpp>
#include <midtrain/model/pass.hpp>
#include <midtrain/op/batched_gemm.hpp>
#include <midtrain/op/fp8_quantise.hpp>
#include <midtrain/op/fused_gemm.hpp>
#include <midtrain/op/grouped_gemm.hpp>
#include <midtrain/op/run.hpp>
#include <midtrain/op/scaled_product.hpp>
#include <midtrain/problem/gemm.hpp>

namespace midtrain::inline MT_ABI::model {

/// Which of a layer's three products it is: y = x w^T, dx = dy w, dw = dy^T x.
enum class product_of { layer, input_gradient, weight_gradient };

namespace detail {

enum class fp8_role { activation, gradient, weight };

/// An operand of a product in eight bits. Tiles of 128 lie along columns or along rows, of a weight along both; a weight may hold several
/// matrices of `each` rows, and activations and gradients rows that are cut into groups.
struct fp8_operand {
    fp8_role                     is;
    bool                         along_columns;
    index_t                      each;
    row_view<std::int32_t const> begin{};
};

template <class F, class Pass, class T>
scaled_matrix<T> quantised_as(Pass& p, matrix_view<T const> x, fp8_operand const& o) {
    using to_type     = scaled_matrix<T>;
    bool const powers = p.products.powers_of_two;
    to_type    to{.values = p.make(x.rows, x.columns), .scales = {}};
    if (p.products.scaling == fp8_scaling::tensor) {
        auto const most = p.template make_row<std::uint32_t>(x.rows);
        to.scales       = p.template make<float>(x.rows / o.each, 1);
        p.device.rows(x.rows, op::largest_of_rows<T>{x, o.begin, most});
        p.device.rows(x.rows / o.each, op::scale_of_whole<F>{most, to.scales, o.each, powers});
        p.device.rows(x.rows, op::quantise_rows<T, F>{x, to, o.each});
    } else if (o.is == fp8_role::weight || o.along_columns) {
        to.row_shift    = o.is == fp8_role::weight ? to_type::tile : to_type::one;
        to.column_shift = to_type::tile;
        index_t const down = op::quantise_tiles<T, F>::tiles_down(x.rows, o.each, to.row_shift);
        to.scales          = p.template make<float>(down, to_type::tiles(x.columns, to_type::tile));
        p.device.rows(to.scales.size(), op::quantise_tiles<T, F>{x, to, o.each, powers});
    } else {
        to.row_shift    = to_type::tile;
        to.column_shift = to_type::one;
        index_t const down = op::quantise_columns<T, F>::tiles_down(x.rows, o.begin);
        to.scales          = p.template make<float>(down, x.columns);
        p.device.rows(down * op::column_tiles(x.columns), op::quantise_columns<T, F>{x, to, o.begin, powers});
    }
    return to;
}
template <class Pass, class T>
scaled_matrix<T> quantised(Pass& p, matrix_view<T const> x, fp8_operand const& o) {
    return o.is == fp8_role::gradient && p.products.wide_gradients ? quantised_as<e5m2>(p, x, o) : quantised_as<e4m3>(p, x, o);
}
constexpr fp8_role left_of(product_of what) { return what == product_of::layer ? fp8_role::activation : fp8_role::gradient; }
constexpr fp8_role right_of(product_of what) { return what == product_of::weight_gradient ? fp8_role::activation : fp8_role::weight; }

template <class C, class Pass>
auto work_for(Pass& p, index_t rows, index_t columns) {
    return p.template make<computed_t<C>>(2 * (rows < scaled_gemm_rows ? rows : scaled_gemm_rows), columns);
}

}  // namespace detail

/// A product of a linear layer, in eight bits where the pass says so.
template <class Pass, class T, class C>
void multiply(Pass& p, product_of what, gemm_problem<T, T, C> const& g) {
    if constexpr (Pass::has_fp8) {
        if (p.products.scaling != fp8_scaling::none) {
            scope const within(p);
            if (detail::multiply_fp8(p, detail::left_of(what) == detail::fp8_role::gradient,
                                     detail::right_of(what) == detail::fp8_role::weight, g)) return;
            auto const  a = detail::quantised(p, g.a, {detail::left_of(what), g.a_is == operand::plain, g.a.rows});
            auto const  b = detail::quantised(p, g.b, {detail::right_of(what), g.b_is == operand::transposed, g.b.rows});
            return run(p.device, scaled_gemm_problem<T, C>{a, g.a_is, b, g.b_is, g.c, g.accumulate,
                                                           detail::work_for<C>(p, g.c.rows, g.c.columns)});
        }
    }
    p.device.gemm(g);
}

/// And with what is fused with it: a problem of problem/fused_gemm.hpp.
template <class Pass, class Fused>
    requires requires(Fused const& f) { f.product; }
void multiply(Pass& p, product_of what, Fused const& f) {
    if constexpr (Pass::has_fp8) {
        if (p.products.scaling != fp8_scaling::none) {
            multiply(p, what, f.product);
            return follow(p.device, f);
        }
    }
    run(p.device, f);
}

/// And many of one form.
template <class Pass, class T, class C>
void multiply(Pass& p, product_of what, batched_gemm_problem<T, T, C> const& g) {
    if constexpr (Pass::has_fp8) {
        if (p.products.scaling != fp8_scaling::none) {
            for (index_t i = 0; i < g.count; ++i) multiply(p, what, g.product(i));
            return;
        }
    }
    run(p.device, g);
}

/// The same of rows that are cut into groups, each with a matrix of its own.
template <class Pass, class T, class C>
void multiply(Pass& p, product_of what, grouped_gemm_problem<T, T, C> const& g) {
    if constexpr (Pass::has_fp8) {
        if (p.products.scaling != fp8_scaling::none) {
            scope const within(p);
            auto const  a = detail::quantised(p, g.a, {detail::left_of(what), true, g.a.rows, g.begin});
            auto const  b = detail::quantised(p, g.b, {detail::right_of(what), g.b_is == operand::transposed, g.matrix_rows()});
            return run(p.device, scaled_grouped_gemm_problem<T, C>{a, b, g.b_is, g.c, g.begin,
                                                                   detail::work_for<C>(p, g.c.rows, g.c.columns)});
        }
    }
    run(p.device, g);
}
/// And of the gradient of those matrices.
template <class Pass, class T, class C>
void multiply(Pass& p, product_of what, grouped_outer_problem<T, T, C> const& g) {
    if constexpr (Pass::has_fp8) {
        if (p.products.scaling != fp8_scaling::none) {
            scope const within(p);
            auto const  a = detail::quantised(p, g.a, {detail::left_of(what), false, g.a.rows, g.begin});
            auto const  b = detail::quantised(p, g.b, {detail::right_of(what), false, g.b.rows, g.begin});
            return run(p.device, scaled_grouped_outer_problem<T, C>{a, b, g.c, g.begin, detail::work_for<C>(p, g.a.columns, g.c.columns)});
        }
    }
    run(p.device, g);
}

}  // namespace midtrain::inline MT_ABI::model
