#pragma once
#include <utility>
#include <midtrain/model/layer_product.hpp>
#include <midtrain/model/pass.hpp>
#include <midtrain/problem/batched_gemm.hpp>

namespace midtrain::inline MT_ABI::model {

/// Each head's columns of y = those of x times its own matrix's transpose. x (rows, heads * stride) of which each head's first `inputs`
/// columns count, w (heads * outputs, inputs), y (rows, heads * outputs). With one head a product like any other.
class linear_by_heads {
  public:
    linear_by_heads() = default;
    linear_by_heads(parameter_layout& layout, index_t bucket, index_t heads, index_t inputs, index_t outputs, parameter_part part,
                    initial_values begins)
        : heads_(heads), outputs_(outputs) {
        auto const name = part.name;
        weight_ = layout.add({.name = name, .rows = heads * outputs, .columns = inputs, .role = role::matrix, .begins = begins,
                              .parts = {std::move(part)}}, bucket);
    }

    template <class Pass>
    auto forward(Pass& p, matrix_view<typename Pass::stored const> x) const {
        using T      = typename Pass::stored;
        auto const y = p.make(x.rows, heads_ * outputs_);
        multiply(p, product_of::layer, batched_gemm_problem<T, T, T>{
            .first = {.a = first_inputs(x), .b = first(p.weight(weight_)), .b_is = operand::transposed, .c = y.columns_part(0, outputs_)},
            .count = heads_, .a_apart = apart(x), .b_apart = outputs_ * weight_.columns, .c_apart = outputs_});
        p.save(x);
        return y;
    }
    /// Writes the columns of dx that count.
    template <class Pass>
    void backward_into(Pass& p, matrix_view<typename Pass::stored const> dy, matrix_view<typename Pass::stored> dx) const {
        back(p, dy, dx, false);
    }
    /// Adds to them.
    template <class Pass>
    void backward_onto(Pass& p, matrix_view<typename Pass::stored const> dy, matrix_view<typename Pass::stored> dx) const {
        back(p, dy, dx, true);
    }

  private:
    // Of head 0; those of the others lie apart(x) values further on.
    template <class T>
    matrix_view<T> first_inputs(matrix_view<T> x) const {
        return x.columns_part(0, weight_.columns);
    }
    template <class T>
    index_t apart(matrix_view<T> x) const {
        return x.columns / heads_;
    }
    template <class T>
    matrix_view<T> first(matrix_view<T> w) const {
        return w.rows_part(0, outputs_);
    }
    template <class Pass, class T>
    void back(Pass& p, matrix_view<T const> dy, matrix_view<T> dx, bool adds) const {
        using C      = typename Pass::computed;
        auto const x = p.template take<matrix_view<T const>>();
        auto const d = dy.columns_part(0, outputs_);
        index_t const each = outputs_ * weight_.columns;
        multiply(p, product_of::weight_gradient, batched_gemm_problem<T, T, C>{
            .first = {.a = d, .a_is = operand::transposed, .b = first_inputs(x), .c = first(p.gradient(weight_)), .accumulate = true},
            .count = heads_, .a_apart = outputs_, .b_apart = apart(x), .c_apart = each});
        multiply(p, product_of::input_gradient, batched_gemm_problem<T, T, T>{
            .first = {.a = d, .b = first(p.weight(weight_)), .c = first_inputs(dx), .accumulate = adds},
            .count = heads_, .a_apart = outputs_, .b_apart = each, .c_apart = apart(dx)});
    }

    parameter weight_;
    index_t   heads_ = 1, outputs_ = 0;
};

}  // namespace midtrain::inline MT_ABI::model
