#pragma once
#include <string>
#include <utility>
#include <midtrain/model/layer_product.hpp>
#include <midtrain/model/pass.hpp>
#include <midtrain/problem/gemm.hpp>

namespace midtrain::inline MT_ABI::model {

/// y = (x a^T, x b^T) where the weight's rows are by turns one of a and one of b, as Zamba stores what projects in. x (rows, inputs),
/// y (rows, outputs), half of whose columns are a's.
class interleaved_linear {
  public:
    interleaved_linear() = default;
    interleaved_linear(parameter_layout& layout, index_t bucket, index_t inputs, index_t outputs, std::string const& name, double deviation)
        : weight_(layout.add({.name = name, .rows = outputs, .columns = inputs, .role = role::matrix, .begins = {0, deviation},
                              .parts = {}}, bucket)) {}

    template <class Pass>
    auto forward(Pass& p, matrix_view<typename Pass::stored const> x) const {
        using T      = typename Pass::stored;
        auto const y = p.make(x.rows, weight_.rows);
        for (index_t h = 0; h < 2; ++h)
            multiply(p, product_of::layer, gemm_problem<T, T, T>{.a = x, .b = half_of_rows(p.weight(weight_), h),
                                                                 .b_is = operand::transposed, .c = half_of_columns(y, h)});
        p.save(x);
        return y;
    }
    template <class Pass>
    auto backward(Pass& p, matrix_view<typename Pass::stored const> dy) const {
        using T       = typename Pass::stored;
        using C       = typename Pass::computed;
        auto const x  = p.template take<matrix_view<T const>>();
        auto const dx = p.make(dy.rows, weight_.columns);
        for (index_t h = 0; h < 2; ++h) {
            auto const d = half_of_columns(dy, h);
            multiply(p, product_of::weight_gradient, gemm_problem<T, T, C>{.a = d, .a_is = operand::transposed, .b = x,
                                                                           .c = half_of_rows(p.gradient(weight_), h), .accumulate = true});
            multiply(p, product_of::input_gradient, gemm_problem<T, T, T>{.a = d, .b = half_of_rows(p.weight(weight_), h), .c = dx,
                                                                          .accumulate = h > 0});
        }
        return dx;
    }

  private:
    template <class T>
    static matrix_view<T> half_of_rows(matrix_view<T> w, index_t h) {
        return {w.data + h * w.stride, w.rows / 2, w.columns, 2 * w.stride};
    }
    template <class T>
    static matrix_view<T> half_of_columns(matrix_view<T> y, index_t h) {
        return y.columns_part(h * (y.columns / 2), y.columns / 2);
    }

    parameter weight_;
};

}  // namespace midtrain::inline MT_ABI::model
